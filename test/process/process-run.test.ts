import { createHash } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Processes } from '../../src/process/index.ts'
import { until } from '../../src/util/index.ts'
import { alive, fixture, gone, newProcesses, request, shell, testHome } from './support.ts'

const { home, remove } = testHome('run')
let processes: Processes
beforeEach(() => {
  processes = newProcesses(home)
})
afterEach(() => processes.stop())
afterAll(remove)

const records = () => readdirSync(join(home, 'processes'))

describe('run', () => {
  it('gives the child exactly its environment, its mark beside', async () => {
    process.env['BZZZ_TEST_SECRET'] = 'do not hand on'
    const exit = await processes.run(
      request('/usr/bin/env', [], { env: { A: '1', B: 'two words' } }),
    )
    delete process.env['BZZZ_TEST_SECRET']
    const lines = exit.stdout.trim().split('\n').sort()
    expect(lines).toEqual(['A=1', 'B=two words', expect.stringMatching(/^BZZZ_RUN=\S+$/)])
  })

  it('reports exit code, streams, size and hash', async () => {
    const exit = await processes.run(shell('printf out; printf err >&2; exit 3'))
    expect(exit).toMatchObject({ reason: 'exited', exitCode: 3, stdout: 'out', stderr: 'err' })
    expect(exit).toMatchObject({ outputBytes: 6, truncated: false })
    const hashes = ['outerr', 'errout'].map((text) =>
      createHash('sha256').update(text).digest('hex'),
    )
    expect(hashes).toContain(exit.outputSha256)
  })

  it('gives an empty stdin, or the input and then its end', async () => {
    expect((await processes.run(request('cat', []))).stdout).toBe('')
    const input = 'x'.repeat(300_000)
    expect((await processes.run(request('cat', [], { input }))).stdout).toBe(input)
    const deaf = await processes.run(request('true', [], { input }))
    expect(deaf).toMatchObject({ reason: 'exited', exitCode: 0 })
  })

  it('tells a missing program, a missing directory and a signal apart', async () => {
    expect(await processes.run(request('no-such-program', []))).toMatchObject({
      reason: 'not-found',
    })
    const nowhere = await processes.run(request('true', [], { cwd: join(home, 'nowhere') }))
    expect(nowhere).toMatchObject({ reason: 'failed', tail: expect.stringContaining('nowhere') })
    expect(await processes.run(shell('a', { args: ['a\0b'] }))).toMatchObject({ reason: 'failed' })
    const shot = await processes.run(shell('kill -SEGV $$'))
    expect(shot).toMatchObject({ reason: 'signalled', signal: 'SIGSEGV' })
    expect(processes.list()).toEqual([])
  })

  it('stops a flood at its limit without holding it in memory', async () => {
    const before = process.memoryUsage().rss
    const exit = await processes.run(
      request('yes', ['z'.repeat(1_000)], { maxOutputBytes: 2_000_000, keepBytes: 1_000 }),
    )
    expect(exit).toMatchObject({ reason: 'output-limit', outputBytes: 2_000_000, truncated: true })
    expect(exit.tail.length).toBe(1_000)
    expect(process.memoryUsage().rss - before).toBeLessThan(100_000_000)
  })

  it('ends a child that never ends', async () => {
    const exit = await processes.run(shell('echo on; sleep 600', { timeoutMs: 200 }))
    expect(exit).toMatchObject({ reason: 'timeout', signal: 'SIGTERM', stdout: 'on\n' })
  })

  it('kills a child that ignores TERM after the grace', async () => {
    const script = 'trap "" TERM; echo $$; while :; do sleep 600; done'
    const exit = await processes.run(shell(script, { timeoutMs: 200, graceMs: 200 }))
    expect(exit).toMatchObject({ reason: 'timeout', signal: 'SIGKILL' })
    expect(alive(Number(exit.stdout))).toBe(false)
  })

  it('lets a child that handles TERM finish what it does', async () => {
    const script = 'trap "sleep 0.3; echo saved; exit 0" TERM; while :; do sleep 0.05; done'
    const exit = await processes.run(shell(script, { timeoutMs: 200, graceMs: 5_000 }))
    expect(exit).toMatchObject({ reason: 'timeout', exitCode: 0, stdout: 'saved\n' })
  })

  it('ends at an abort, and starts nothing after one', async () => {
    const abort = new AbortController()
    const running = processes.run(shell('echo $$; sleep 600', { signal: abort.signal }))
    await until('the child', 30_000, () => processes.list().length === 1)
    abort.abort()
    expect(await running).toMatchObject({ reason: 'aborted' })
    await expect(processes.run(shell('true', { signal: abort.signal }))).rejects.toMatchObject({
      code: 'ABORTED',
    })
  })

  it('ends background children in the group when the child has ended', async () => {
    const exit = await processes.run(shell('sleep 600 & echo $!'))
    expect(exit).toMatchObject({ reason: 'exited', exitCode: 0 })
    expect(alive(Number(exit.stdout))).toBe(false)
    const quick = await processes.run(shell('sleep 600 & echo $!', { lease: false }))
    expect(alive(Number(quick.stdout))).toBe(false)
  })

  it('keeps a record while the child runs, and none after', async () => {
    const running = processes.run(shell('sleep 600', { purpose: 'check test of octo/lib#12' }))
    await until('the child', 30_000, () => processes.list().length === 1)
    expect(records()).toHaveLength(1)
    expect(processes.list()[0]).toMatchObject({ purpose: 'check test of octo/lib#12' })
    await processes.stop()
    await processes.stop()
    expect(await running).toMatchObject({ reason: 'aborted' })
    expect(records()).toEqual([])
    await expect(processes.run(shell('true'))).rejects.toMatchObject({ code: 'ABORTED' })
  })
})

describe.skipIf(process.platform !== 'linux')('what escapes', () => {
  it('is ended with the child that left it behind', async () => {
    const exit = await processes.run(request(process.execPath, [fixture('daemon.mjs'), 'leave']))
    expect(exit).toMatchObject({ reason: 'exited', exitCode: 0 })
    expect(Number(exit.stdout)).toBeGreaterThan(1)
    expect(alive(Number(exit.stdout))).toBe(false)
  })

  it('is ended on a timeout even with an emptied environment, while its parent lives', async () => {
    const script = 'env -i setsid /bin/sh -c "echo \\$\\$; sleep 600" & wait'
    const exit = await processes.run(shell(script, { timeoutMs: 500 }))
    expect(exit.reason).toBe('timeout')
    await gone([Number(exit.stdout)])
  })

  it('does not touch processes of others', async () => {
    const other = newProcesses(join(home, 'other'))
    const guest = other.spawn(shell('sleep 600'))
    await processes.run(shell('sleep 600 &'))
    expect(await processes.sweep()).toBe(0)
    expect(alive(guest.pid)).toBe(true)
    await other.stop()
    expect(alive(guest.pid)).toBe(false)
  })
})
