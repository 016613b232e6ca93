/** Freezing a child with all that it started, letting it go on, and ending it meanwhile. */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Processes } from '../../src/process/index.ts'
import { processRow } from '../../src/process/proc-fs.ts'
import { PermitSource, systemClock, until } from '../../src/util/index.ts'
import { alive, fixture, gone, newProcesses, request, shell, testHome } from './support.ts'

const { home, remove } = testHome('freeze')
let processes: Processes
let permit: PermitSource
beforeEach(() => {
  processes = newProcesses(home)
  permit = new PermitSource(systemClock)
})
afterEach(() => processes.stop())
afterAll(remove)

const stand = (pids: number[], still: boolean) =>
  until(`${pids.join(', ')} ${still ? 'stand still' : 'run'}`, 5_000, () =>
    pids.every((pid) => processRow(pid)?.stopped === still),
  )

describe.skipIf(process.platform !== 'linux')('a frozen child', () => {
  /** A child with a grandchild that left its group and session, and was orphaned. */
  async function family(graceMs = 300) {
    const args = [fixture('daemon.mjs'), 'stay']
    const guest = processes.spawn(request(process.execPath, args, { permit, graceMs }))
    const lines = createInterface({ input: guest.stdout })[Symbol.asyncIterator]()
    const escaped = Number((await lines.next()).value)
    return { guest, pids: [guest.pid, escaped] }
  }

  it('stands still with what escaped from it, and both go on', async () => {
    const { pids } = await family()
    permit.freeze()
    await stand(pids, true)
    permit.thaw()
    await stand(pids, false)
    permit.freeze()
    permit.thaw()
    permit.freeze()
    await stand(pids, true)
  })

  it('is killed without a grace when it is stopped, and so is what escaped', async () => {
    const { guest, pids } = await family(60_000)
    permit.freeze()
    await stand(pids, true)
    expect(await guest.stop()).toMatchObject({ reason: 'aborted', signal: 'SIGKILL' })
    expect(pids.some(alive)).toBe(false)
  })

  it('that was frozen before it began does nothing until it may', async () => {
    permit.freeze()
    const run = processes.run(shell('echo ran', { permit, timeoutMs: 5_000 }))
    const [child] = processes.list()
    await stand([child!.pid], true)
    permit.thaw()
    expect(await run).toMatchObject({ reason: 'exited', stdout: 'ran\n' })
  })

  it('ends with its agent after kill -9', async () => {
    const owner = spawn(process.execPath, [fixture('owner.ts'), home, 'frozen'], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { PATH: process.env['PATH'] ?? '' },
    })
    try {
      const lines = createInterface({ input: owner.stdout })[Symbol.asyncIterator]()
      const pids = String((await lines.next()).value)
        .split(' ')
        .map(Number)
      await stand(pids, true)
      owner.kill('SIGKILL')
      await gone(pids, 8_000)
    } finally {
      owner.kill('SIGKILL')
    }
  })
})
