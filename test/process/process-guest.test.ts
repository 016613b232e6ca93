import { createInterface } from 'node:readline'
import { setTimeout } from 'node:timers/promises'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Processes } from '../../src/process/index.ts'
import { alive, newProcesses, request, shell, testHome } from './support.ts'

const { home, remove } = testHome('guest')
let processes: Processes
beforeEach(() => {
  processes = newProcesses(home)
})
afterEach(() => processes.stop())
afterAll(remove)

describe('spawn', () => {
  it('talks over stdio and ends when stdin does', async () => {
    const guest = processes.spawn(
      shell('while read -r line; do echo "<$line>"; done; echo log >&2'),
    )
    const lines = createInterface({ input: guest.stdout })[Symbol.asyncIterator]()
    guest.stdin.write('one\n')
    expect((await lines.next()).value).toBe('<one>')
    guest.stdin.end('two\n')
    expect((await lines.next()).value).toBe('<two>')
    expect(await guest.exit).toMatchObject({
      reason: 'exited',
      exitCode: 0,
      stdout: '',
      stderr: 'log\n',
    })
  })

  it('stops once, for every caller', async () => {
    const guest = processes.spawn(shell('sleep 600'))
    const exits = await Promise.all([guest.stop('a'), guest.stop('b'), guest.exit])
    expect(exits[0]).toBe(exits[2])
    expect(exits[0]).toMatchObject({ reason: 'aborted', signal: 'SIGTERM' })
    expect(await guest.stop()).toBe(exits[0])
    expect(alive(guest.pid)).toBe(false)
  })

  it('settles though nobody reads, and stops a flood that is read', async () => {
    const unread = processes.spawn(request('yes', [], { timeoutMs: 300 }))
    expect(await unread.exit).toMatchObject({ reason: 'timeout' })
    const flood = processes.spawn(request('yes', [], { maxOutputBytes: 500_000 }))
    flood.stdout.resume()
    expect(await flood.exit).toMatchObject({ reason: 'output-limit', outputBytes: 500_000 })
  })

  it('loses nothing of what a child wrote before it ended, however slow the reader is', async () => {
    const size = 150_000
    const guest = processes.spawn(shell(`head -c ${size} /dev/zero`))
    let got = 0
    for await (const chunk of guest.stdout) {
      got += (chunk as Buffer).byteLength
      // Longer than the time that an unread pipe is kept.
      if (got < size) await setTimeout(1_300)
    }
    expect(got).toBe(size)
    expect(await guest.exit).toMatchObject({ reason: 'exited', outputBytes: size })
  })

  it('says in its exit that it could not start', async () => {
    const guest = processes.spawn(request('no-such-program', []))
    guest.stdin.end('x')
    for await (const chunk of guest.stdout) expect(chunk).toBeUndefined()
    expect(guest.pid).toBe(0)
    expect(await guest.exit).toMatchObject({ reason: 'not-found' })
    expect(await guest.stop()).toMatchObject({ reason: 'not-found' })
    expect(processes.list()).toEqual([])
  })
})
