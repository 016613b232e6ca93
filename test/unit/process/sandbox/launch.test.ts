import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { bubblewrapLaunch } from '../../../../src/process/sandbox/bubblewrap.ts'
import { createFrames } from '../../../../src/process/sandbox/container/frames.ts'
import { createBody, hostPath, jobOf } from '../../../../src/process/sandbox/container/spec.ts'
import { systemCallFilter } from '../../../../src/process/sandbox/filter.ts'
import { landlockLaunch, without } from '../../../../src/process/sandbox/landlock.ts'
import { planSandbox, type PlanInit } from '../../../../src/process/sandbox/plan.ts'
import { commandRoots, pathRoots } from '../../../../src/process/sandbox/system.ts'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'bzzz-launch-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const plan = (more: Partial<PlanInit> = {}, request: Partial<PlanInit['request']> = {}) =>
  planSandbox({
    request: { read: ['/named'], write: ['/home/work/clone', '/home/work/tmp'], ...request },
    system: { read: ['/usr'], links: [['/bin', 'usr/bin']] },
    roots: [],
    hidden: ['/home'],
    hard: {},
    uid: undefined,
    cwd: '/home/work/clone',
    tmpdir: '/home/work/tmp',
    memory: 1024 ** 3,
    ...more,
  })
const bwrap = {
  file: '/usr/bin/bwrap',
  options: new Set(['--size', '--perms', '--disable-userns']),
  filter: '/filter',
  forward: ['/node', '/forward.ts'] as [string, string],
}
const text = (args: readonly string[]) => ` ${args.join(' ')} `

describe('bubblewrap', () => {
  it('gives a plain user namespaces of all kinds and no second user namespace', () => {
    const { args, inherit } = bubblewrapLaunch(bwrap, plan(), ['/usr/bin/true'])
    const said = text(args)
    for (const option of ['user', 'pid', 'ipc', 'uts', 'net']) {
      expect(said).toContain(` --unshare-${option} `)
    }
    expect(said).toContain(' --disable-userns ')
    expect(said).toContain(' --cap-drop ALL ')
    expect(said).toContain(' --die-with-parent ')
    expect(said).not.toContain('setpriv')
    expect(inherit).toEqual(['/filter'])
    expect(args.slice(-2)).toEqual(['--', '/usr/bin/true'])
  })

  it('lets root drop to the user of the sandbox, without a user namespace', () => {
    const said = text(bubblewrapLaunch(bwrap, plan({ uid: 60_600 }), ['x']).args)
    expect(said).toContain(' setpriv --reuid=60600 --regid=60600 --clear-groups ')
    expect(said).not.toContain('--unshare-user')
  })

  it('shows the directories for temporary files as /tmp, and closes the root at last', () => {
    const said = text(bubblewrapLaunch(bwrap, plan(), ['x']).args)
    expect(said).toContain(' --bind /home/work/tmp /tmp ')
    expect(said).toContain(' --bind /home/work/clone /home/work/clone ')
    expect(said.indexOf('--remount-ro / ')).toBeGreaterThan(said.lastIndexOf(' --bind '))
  })

  it('hides the home of the agent below what may be read, and shows what is named in it', () => {
    const request = { read: ['/', '/home', '/home/named'] }
    const said = text(bubblewrapLaunch(bwrap, plan({}, request), ['x']).args)
    const hidden = said.indexOf(' --tmpfs /home ')
    expect(hidden).toBeGreaterThan(said.indexOf(' --ro-bind-try / / '))
    expect(hidden).toBeGreaterThan(said.indexOf(' --ro-bind-try /home /home '))
    expect(hidden).toBeLessThan(said.indexOf(' --ro-bind-try /home/named '))
    expect(hidden).toBeLessThan(said.indexOf(' --bind /home/work/clone '))
  })

  it('has the network of the host or a way to the proxy only when it is asked for', () => {
    const host = text(bubblewrapLaunch(bwrap, plan({}, { network: 'host' }), ['x']).args)
    expect(host).not.toContain('--unshare-net')
    const network = { proxy: '/run/proxy' }
    const proxied = bubblewrapLaunch(bwrap, plan({}, { network }), ['x']).args
    expect(text(proxied)).toContain(' --unshare-net ')
    expect(proxied.slice(-5)).toEqual(['/node', '/forward.ts', 'run', '/run/proxy', 'x'])
  })
})

describe('Landlock', () => {
  it('is told the same, with a filter that refuses sockets', () => {
    const init = { perl: '/usr/bin/perl', arch: 'x64', parent: 7, forward: bwrap.forward }
    const launch = landlockLaunch(init, plan(), ['/usr/bin/true'])
    expect(launch?.args).toEqual(
      expect.arrayContaining(['parent=7', 'read=/usr', 'read=/named', 'write=/home/work/clone']),
    )
    expect(launch?.args.slice(-2)).toEqual(['--', '/usr/bin/true'])
    expect(landlockLaunch({ ...init, arch: 'riscv64' }, plan(), ['x'])).toBeUndefined()
  })

  it('allows what lies beside a hidden directory, and nothing in it', () => {
    mkdirSync(join(dir, 'a', 'hidden', 'more'), { recursive: true })
    mkdirSync(join(dir, 'b'))
    writeFileSync(join(dir, 'a', 'file'), '')
    const hidden = [join(dir, 'a', 'hidden')]
    expect(without(dir, hidden).sort()).toEqual([join(dir, 'a', 'file'), join(dir, 'b')])
    expect(without(join(dir, 'a', 'hidden'), hidden)).toEqual([])
    expect(without(join(dir, 'a', 'hidden', 'more'), hidden)).toEqual([
      join(dir, 'a', 'hidden', 'more'),
    ])
    expect(without(join(dir, 'absent'), hidden)).toEqual([join(dir, 'absent')])
  })
})

describe('the filter', () => {
  it('is a program whose jumps stay within it, for both architectures', () => {
    for (const arch of ['x64', 'arm64']) {
      for (const sockets of ['namespace', 'none', 'unix', 'tcp'] as const) {
        const code = systemCallFilter({ arch, sockets, shared: true })!
        expect(code.length % 8).toBe(0)
        const count = code.length / 8
        expect(count).toBeLessThan(4_096)
        for (let at = 0; at < count; at += 1) {
          const [op, jt, jf] = [code.readUInt16LE(at * 8), code[at * 8 + 2]!, code[at * 8 + 3]!]
          if ((op & 7) === 5) expect(at + 1 + Math.max(jt, jf)).toBeLessThan(count)
        }
        expect(code.readUInt32LE(code.length - 4)).toBe(0x7fff0000)
      }
    }
    expect(systemCallFilter({ arch: 'ppc64', sockets: 'none', shared: true })).toBeUndefined()
  })
})

describe('what programs need to be read', () => {
  it('is the folders of the PATH with their libraries, and what links lead to; never a home', () => {
    const bin = join(dir, 'tool', 'bin')
    mkdirSync(bin, { recursive: true })
    mkdirSync(join(dir, 'tool', 'lib'))
    mkdirSync(join(dir, 'tool', 'secrets'))
    mkdirSync(join(dir, 'elsewhere'))
    writeFileSync(join(dir, 'elsewhere', 'program'), '')
    symlinkSync(join(dir, 'elsewhere', 'program'), join(bin, 'program'))
    expect(pathRoots(`/usr/bin:${bin}:${dir}:relative`, dir).sort()).toEqual(
      [bin, join(dir, 'tool', 'lib'), join(dir, 'elsewhere', 'program')].sort(),
    )
  })

  it('of a command is the package of a file, or the file', () => {
    const file = join(dir, 'agent', 'src', 'main.ts')
    mkdirSync(join(dir, 'agent', 'src'), { recursive: true })
    writeFileSync(file, '')
    expect(commandRoots(['node', file, '--flag', '/absent'], tmpdir())).toEqual([file])
    writeFileSync(join(dir, 'agent', 'package.json'), '{}')
    expect(commandRoots([file], tmpdir())).toEqual([join(dir, 'agent')])
  })
})

describe('a container', () => {
  it('is mounted from where the host has it', () => {
    const mounts = [
      { destination: '/data', source: '/srv/volume' },
      { destination: '/data/deep', source: '/srv/deep' },
    ]
    expect(hostPath('/data/x', mounts)).toBe('/srv/volume/x')
    expect(hostPath('/data/deep/x', mounts)).toBe('/srv/deep/x')
    expect(hostPath('/database', mounts)).toBeUndefined()
    expect(hostPath('/data/x', undefined)).toBe('/data/x')
  })

  it('has no right, no network, limits, and nothing of what is hidden', () => {
    const init = { socket: '/s', image: 'i', home: '/home', user: '1000:1000' }
    const job = jobOf(init, plan({}, { read: ['/', '/home', '/named'] }), ['x'])
    const body = createBody(job, { A: 'b', PATH: '/p' }, undefined)
    expect(body).toMatchObject({
      User: '1000:1000',
      Env: ['A=b'],
      HostConfig: {
        NetworkMode: 'none',
        ReadonlyRootfs: true,
        CapDrop: ['ALL'],
        SecurityOpt: ['no-new-privileges'],
        PidsLimit: 2_048,
      },
    })
    expect(job.read).toEqual(['/named'])
    expect(() => createBody(job, {}, [])).toThrow(/home\/work\/clone lies in the agent/)
  })

  it('speaks in frames, in whatever pieces they come', () => {
    const frame = (stream: number, said: string) => {
      const header = Buffer.from([stream, 0, 0, 0, 0, 0, 0, 0])
      header.writeUInt32BE(Buffer.byteLength(said), 4)
      return Buffer.concat([header, Buffer.from(said)])
    }
    const all = Buffer.concat([frame(1, 'one'), frame(2, 'two'), frame(1, ''), frame(1, 'three')])
    for (const size of [1, 2, 3, 7, 11, 100]) {
      const said = { stdout: '', stderr: '' }
      const frames = createFrames((to, chunk) => (said[to] += chunk.toString()))
      for (let at = 0; at < all.length; at += size) frames(all.subarray(at, at + size))
      expect(said).toEqual({ stdout: 'onethree', stderr: 'two' })
    }
  })
})
