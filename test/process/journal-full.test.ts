import { execFileSync } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { rm, stat, statfs, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import {
  createIdentity,
  meet,
  Network,
  replicated,
  startMember,
  verifySignature,
} from '../unit/journal/helpers.ts'
import { createJournal, type EntryInput, type JournalState } from '../../src/journal/index.ts'
import { nullLogger, until } from '../../src/util/index.ts'

const mib = 1024 ** 2
const disk = mkdtempSync(join(tmpdir(), 'bzzz-disk-'))

/** A disk of 64 MiB; only root may mount one. */
function mounted(): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'tmpfs', disk], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
const isMounted = mounted()
if (!isMounted) console.warn('No tmpfs can be mounted here: a full disk is not tested.')
afterAll(async () => {
  if (isMounted) execFileSync('umount', ['-l', disk])
  await rm(disk, { recursive: true, force: true })
})

async function free(): Promise<number> {
  const { bavail, bsize } = await statfs(disk)
  return bavail * bsize
}

const entry = (attempt: number): EntryInput => ({
  type: 'claim.released',
  task: { repo: 'acme/lib', issue: 1 },
  attempt,
  state: 'released',
  reason: 'x'.repeat(3_900),
})

describe.skipIf(!isMounted)('a journal on a disk that is full (needs root, to mount one)', () => {
  it('refuses, keeps what it acknowledged, and goes on without a restart when there is space', async () => {
    const identity = createIdentity('ada')
    const dir = join(disk, 'journal')
    const filler = join(disk, 'filler')
    const states: JournalState['is'][] = []
    const make = () => {
      const journal = createJournal(
        {
          dir,
          agent: { name: 'ada', version: '0.1.0', incarnation: '0a' },
          limits: { spaceCheckMs: 50, appendWaitMs: 5_000 },
        },
        {
          transport: new Network().transport(identity),
          verify: verifySignature,
          logger: nullLogger,
        },
      )
      journal.events.on('state', ({ is }) => {
        if (states.at(-1) !== is) states.push(is)
      })
      return journal
    }
    const journal = make()
    await journal.start()
    await until('the reserve', 10_000, () => stat(join(dir, 'reserve')).catch(() => undefined))
    await writeFile(filler, Buffer.alloc((await free()) - 2 * mib, 'f'))
    await until('short of space', 5_000, () => states.includes('low'))

    const acknowledged = new Map<number, number>()
    const refusals: unknown[] = []
    for (let i = 0; i < 8_000 && refusals.length < 8; i += 1) {
      const batch = Array.from({ length: 8 }, (_, j) => 8 * i + j)
      const results = await Promise.allSettled(
        batch.map((attempt) => journal.append(entry(attempt), { durable: attempt % 2 === 0 })),
      )
      for (const [j, result] of results.entries()) {
        if (result.status === 'rejected') refusals.push(result.reason)
        else acknowledged.set(result.value.seq, batch[j] ?? -1)
      }
    }
    for (const refusal of refusals) expect(refusal).toMatchObject({ code: 'JOURNAL_FULL' })
    expect(journal.state()).toMatchObject({ is: 'full' })
    // The reserve was given up first, so that more was written than there was space.
    expect(acknowledged.size * 4_000).toBeGreaterThan(2 * mib)
    expect(states.filter((is) => is === 'full').length).toBeGreaterThan(1)
    await expect(journal.append(entry(0))).rejects.toMatchObject({ code: 'JOURNAL_FULL' })
    let readable = 0
    for await (const one of journal.read({ types: ['claim.released'] })) readable += one.v
    expect(readable).toBeGreaterThanOrEqual(acknowledged.size)

    await rm(filler)
    await journal.opened()
    const last = await journal.append(entry(-1 >>> 1), { durable: true })
    expect(last.epoch).toBe(0)
    await until('the reserve again', 10_000, () =>
      stat(join(dir, 'reserve')).catch(() => undefined),
    )
    await journal.stop()

    const again = make()
    await again.start()
    const found = new Map<number, number>()
    for await (const one of again.read()) {
      if (one.type === 'claim.released') found.set(one.seq, one.attempt)
    }
    expect([...acknowledged].filter(([seq, attempt]) => found.get(seq) !== attempt)).toEqual([])
    expect(again.head().epoch).toBe(0)
    expect(await again.verify()).toMatchObject([{ ok: true, problems: [] }])
    await again.stop()
  })

  it('goes on to store what peers write when there is space', async () => {
    const network = new Network()
    const filler = join(disk, 'filler')
    const limits = { spaceCheckMs: 50, redialMs: 20, reserveBytes: 0 }
    const ada = await startMember('ada', { network })
    const bob = await startMember('bob', { network, dir: join(disk, 'bob'), limits })
    meet(ada, bob)
    await replicated(bob.journal, ada.identity.peerId, 1)
    await writeFile(filler, Buffer.alloc((await free()) - 2 * mib, 'f'))
    for (let i = 0; i < 10; i += 1) {
      await Promise.all(
        Array.from({ length: 100 }, (_, j) => ada.journal.append(entry(100 * i + j))),
      )
    }
    await until('a full disk', 10_000, async () => (await free()) < mib / 2)
    await rm(filler)
    await replicated(bob.journal, ada.identity.peerId, 1_001)
    expect((await bob.journal.verify()).map(({ ok }) => ok)).toEqual([true, true])
  })
})
