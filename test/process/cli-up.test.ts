import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { acquireHomeLock } from '../../src/api/index.ts'
import { until } from '../../src/util/index.ts'
import { createFounder } from '../members.ts'
import { bin, place, type Place } from './cli-harness.ts'

let at: Place
beforeEach(async () => {
  at = await place()
})
afterEach(() => at.cleanup())

/** Nothing listens on port 9 of this machine; a worker keeps trying. */
const env = {
  GITHUB_TOKEN: 'token-of-nobody',
  BZZZ_GITHUB_API_URL: 'http://127.0.0.1:9/api/v3',
  BZZZ_MESH_LISTEN: '/ip4/127.0.0.1/tcp/0',
  BZZZ_MESH_MDNS_ENABLED: 'false',
  BZZZ_ROLES: 'observer',
}

describe('bzzz up', () => {
  it('says from the start that GitHub does not answer, and why; so does the status', async () => {
    // Nothing listens there, and fetch does not refuse the port by itself as it does 9.
    const away = { ...env, BZZZ_ROLES: 'worker', BZZZ_GITHUB_API_URL: 'http://127.0.0.1:45/api/v3' }
    const args = ['up', '--repo', 'octo/lib', '--log-format', 'text']
    const running = at.start(args, { env: away })
    await until('it is up', 30_000, () => running.stderr.includes('In another terminal'))
    expect(running.stderr).toMatch(/is up, but takes no work until GitHub answers: .*ECONNREFUSED/)
    expect(running.stderr).toMatch(/^\d\d:\d\d:\d\d warn GitHub is down: .*ECONNREFUSED/m)
    expect(running.stderr).not.toContain('{')
    const { stdout } = await at.bzzz('status')
    expect(stdout).toMatch(/down since \S+ \(\d+s\): .*ECONNREFUSED/)
    expect(stdout).toMatch(/octo\/lib +unread +never .*ECONNREFUSED/)
    running.child.kill('SIGTERM')
    expect((await running.ended).code).toBe(0)
  })

  it('does not say that it is down when it never was up', async () => {
    const lock = await acquireHomeLock(join(at.dir, 'home'))
    const { code, stderr } = await at.start(['up', '--repo', 'octo/lib'], { env }).ended
    await lock.release()
    expect(code).toBe(1)
    expect(stderr).toContain('is in use by process')
    expect(stderr).not.toContain('is down')
  })

  it('is known, and can be ended, while it waits for a signer', async () => {
    const { membership } = await createFounder(at.dir, 'team')
    const addresses = [`/ip4/127.0.0.1/tcp/9/p2p/${membership.peerId}`]
    const { token } = await membership.invite({ addresses })
    const joining = { ...env, BZZZ_MESH_JOIN: token }
    const running = at.start(['up', '--log-format', 'text'], { env: joining })
    await until('it joins', 30_000, () => running.stderr.includes('cannot be reached yet'))
    const { pid } = running.child
    const waits = `process ${pid} is starting, or waits to be let in by a signer`
    const [status, probe, doctor] = await Promise.all([
      at.bzzz('status'),
      at.bzzz('status', '--probe'),
      at.start(['doctor', '--json'], { env: joining }).ended,
    ])
    expect(status.code).toBe(3)
    expect(status.stderr).toContain(waits)
    expect(status.stderr).toContain('`bzzz down`')
    expect(probe).toEqual({ code: 1, stdout: '', stderr: '' })
    const { checks } = JSON.parse(doctor.stdout) as { checks: { id: string; seen: string }[] }
    expect(checks.find(({ id }) => id === 'agent')?.seen).toContain(waits)

    const down = await at.bzzz('down', '--json')
    expect(JSON.parse(down.stdout)).toEqual({ name: null, pid, stopped: true })
    expect((await running.ended).code).toBe(0)
    expect((await at.bzzz('down')).code).toBe(3)
  })

  // Beginning anew, with less memory for new objects, it stays the same process with the same options.
  it.each([
    ['SIGHUP', 0, {}],
    ['SIGTERM', 0, { NODE_OPTIONS: '--max-semi-space-size=2' }],
    ['SIGINT', 130, {}],
  ] as const)('stops in order on %s, with %d', async (signal, code, given) => {
    const running = at.start(['up'], { env: { ...env, ...given }, node: ['--no-deprecation'] })
    await until('it is up', 30_000, () => running.stderr.includes('In another terminal'))
    if (process.platform === 'linux') {
      const line = await readFile(`/proc/${running.child.pid}/cmdline`, 'utf8')
      const size = 'NODE_OPTIONS' in given ? [] : ['--max-semi-space-size=4']
      expect(line.split('\0').slice(1, -1)).toEqual([...size, '--no-deprecation', bin, 'up'])
    }
    expect(running.stderr).not.toContain('Warning')
    running.child.kill(signal)
    const ended = await running.ended
    expect(ended.code, ended.stderr).toBe(code)
    expect(ended.stderr).toContain('is down')
  })
})
