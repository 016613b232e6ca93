import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { acquireHomeLock } from '../../src/api/index.ts'
import { createPlace, sweepPlaces } from '../../src/cli/commands/demo/place.ts'
import { until } from '../../src/util/index.ts'
import { place, type Place, type Running } from './cli-harness.ts'

let at: Place
let tmp: string
beforeEach(async () => {
  at = await place()
  tmp = join(at.dir, 'tmp')
  await mkdir(tmp)
})
afterEach(() => at.cleanup())

const demo = (...args: string[]) =>
  at.start(['demo', ...args], { env: { TMPDIR: tmp, BZZZ_HOME: '' } })

async function running(one: Running): Promise<void> {
  const failed = one.ended.then(({ code, stderr }) => {
    throw new Error(`ended with ${code}: ${stderr}`)
  })
  failed.catch(() => undefined)
  const ready = until('an agent is connected', 45_000, () => one.stderr.includes('connected.'))
  await Promise.race([ready, failed])
}

describe('bzzz demo', () => {
  it('refuses a coding agent that it does not know or find, before anything starts', async () => {
    const unknown = await demo('--executor', 'nobody', '--json').ended
    expect(unknown.code).toBe(2)
    expect(JSON.parse(unknown.stderr)).toMatchObject({
      error: { code: 'USAGE', data: { executor: 'nobody', found: [] }, next: /claude, codex/ },
    })
    await writeFile(join(at.dir, 'goose'), '#!/bin/sh\n', { mode: 0o755 })
    const env = { TMPDIR: tmp, PATH: `${at.dir}:${process.env['PATH']}` }
    const missing = await at.start(['demo', '--executor', 'claude'], { env }).ended
    expect(missing.code).toBe(2)
    expect(missing.stderr).toContain('no program claude-agent-acp on PATH')
    expect(missing.stderr).toContain('On this machine: goose.')
    expect(await readdir(tmp)).toEqual([])
  })

  it('ends with nothing but JSON on stderr where git is missing', async () => {
    const args = ['demo', '--once', '--json']
    const { code, stdout, stderr } = await at.start(args, { env: { TMPDIR: tmp, PATH: tmp } }).ended
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'FORGE_GIT_MISSING' } })
    expect(await readdir(tmp)).toEqual([])
  })

  it('stops and leaves nothing when its terminal closes', async () => {
    const one = demo('--agents', '1')
    await running(one)
    expect(await readdir(tmp)).toHaveLength(1)
    one.child.kill('SIGHUP')
    const { code, stderr } = await one.ended
    expect(code, stderr).toBe(130)
    expect(await readdir(tmp)).toEqual([])
  })

  it('stops in order at the first Ctrl-C', async () => {
    const one = demo('--agents', '1')
    await running(one)
    one.child.kill('SIGINT')
    expect((await one.ended).code).toBe(130)
    expect(await readdir(tmp)).toEqual([])
  })

  it('ends at once at the second, its agents by their lease; the next demo tidies up', async () => {
    const one = demo('--agents', '1')
    await running(one)
    const [left = ''] = await readdir(tmp)
    // An agent that hangs: the demo would wait for it.
    const pid = await agentOf(join(tmp, left))
    process.kill(pid, 'SIGSTOP')
    one.child.kill('SIGINT')
    const asked = performance.now()
    await until('a second one counts', 10_000, () => performance.now() - asked > 1_500)
    expect(one.stderr).toContain('Ctrl-C again')
    one.child.kill('SIGINT')
    expect((await one.ended).code).toBe(130)
    expect(performance.now() - asked).toBeLessThan(15_000)
    expect(await readdir(tmp)).toEqual([left])
    await until('its agent has ended and the directory is removed', 45_000, async () => {
      await sweepPlaces(tmp)
      return (await readdir(tmp)).length === 0
    })
    // A zombie has ended, too; whoever is its parent now may never ask for it.
    expect(await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ') Z')).toContain(') Z')
  })
})

async function agentOf(dir: string): Promise<number> {
  const table = join(dir, 'processes')
  for (const name of await readdir(table)) {
    if (!name.endsWith('.json')) continue
    const record: unknown = JSON.parse(await readFile(join(table, name), 'utf8'))
    const { pid, purpose } = record as { pid: number; purpose: string }
    if (purpose.startsWith('demo agent')) return pid
  }
  throw new Error('The demo has no agent.')
}

describe('the directory of a demo', () => {
  it('is left alone while its process lives, when it is kept, and when it is no demo’s', async () => {
    const own = await createPlace({ keep: false }, tmp)
    const kept = await createPlace({ keep: true }, tmp)
    const without = join(tmp, 'bzzz-demo-nolock')
    await mkdir(without)
    const alive = join(tmp, 'bzzz-demo-alive')
    await mkdir(join(alive, 'ada'), { recursive: true })
    await writeFile(join(alive, 'agent.lock'), dead)
    const lock = await acquireHomeLock(join(alive, 'ada'))
    const other = join(tmp, 'other-demo')
    await mkdir(other)
    await writeFile(join(other, 'agent.lock'), dead)
    expect(await sweepPlaces(tmp)).toBe(0)
    await lock.release()
    expect(await sweepPlaces(tmp)).toBe(1)
    await own.leave()
    await kept.leave()
    const names = (await readdir(tmp)).map((name) => join(tmp, name))
    expect(names.sort()).toEqual([kept.dir, without, other].sort())
  })
})

/** No process has this number: Linux counts to 4,194,304 at most. */
const dead = JSON.stringify({ pid: 2 ** 30, startTime: '1', boot: null, nonce: 'x' })
