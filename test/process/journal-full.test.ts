import { execFileSync } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { appendFile, mkdir, rm, stat, statfs, writeFile } from 'node:fs/promises'
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
import { homeLock } from '../../src/agent/home-lock.ts'
import { createJournal, type EntryInput, type JournalState } from '../../src/journal/index.ts'
import { nullLogger, until } from '../../src/util/index.ts'

const mib = 1024 ** 2
const disk = mkdtempSync(join(tmpdir(), 'bzzz-disk-'))

/** A disk of 96 MiB; only root may mount one. */
function mounted(): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=96m', 'tmpfs', disk], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
const isMounted = mounted()
const why = isMounted ? '' : ' NOT TESTED: only root may mount the small disk it needs'
afterAll(async () => {
  if (isMounted) execFileSync('umount', ['-l', disk])
  await rm(disk, { recursive: true, force: true })
})

async function free(): Promise<number> {
  const { bavail, bsize } = await statfs(disk)
  return bavail * bsize
}

/** Also what a store that was just closed gives back late. */
async function fillUp(filler: string): Promise<void> {
  for (let bytes = await free(); bytes > 0; bytes = await free()) {
    await appendFile(filler, Buffer.alloc(bytes, 'f'))
  }
}

const entry = (attempt: number): EntryInput => ({
  type: 'claim.released',
  task: { repo: 'acme/lib', issue: 1 },
  attempt,
  state: 'released',
  reason: 'x'.repeat(3_900),
})

describe.skipIf(!isMounted)(`a journal on a disk that is full${why}`, () => {
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

  it.each([
    ['on what is held in reserve', true],
    ['when there is space again', false],
  ])('starts on a full disk and opens %s, with all that it had', async (_, hasReserve) => {
    const identity = createIdentity('kim')
    const dir = join(disk, `start-${hasReserve}`)
    const filler = join(disk, 'filler')
    const make = () =>
      createJournal(
        {
          dir,
          agent: { name: 'kim', version: '0.1.0', incarnation: '0a' },
          limits: { spaceCheckMs: 50, appendWaitMs: 5_000, witnessGraceMs: 10 },
        },
        {
          transport: new Network().transport(identity),
          verify: verifySignature,
          logger: nullLogger,
        },
      )
    const before = make()
    await before.start()
    await until('the reserve', 10_000, () => stat(join(dir, 'reserve')).catch(() => undefined))
    for (let n = 0; n < 5; n += 1) await before.append(entry(n), { durable: true })
    await before.stop()
    if (!hasReserve) await rm(join(dir, 'reserve'))
    await writeFile(filler, Buffer.alloc(await free(), 'f'))
    expect(await free()).toBe(0)

    const journal = make()
    await journal.start()
    if (!hasReserve) {
      expect(journal.state()).toMatchObject({ is: 'full' })
      await expect(journal.append(entry(9))).rejects.toMatchObject({ code: 'JOURNAL_FULL' })
      await rm(filler)
    }
    await journal.opened()
    const attempts = []
    for await (const one of journal.read({ types: ['claim.released'] })) {
      if (one.type === 'claim.released') attempts.push(one.attempt)
    }
    expect(attempts).toEqual([0, 1, 2, 3, 4])
    await rm(filler, { force: true })
    await until('open', 10_000, () => journal.state().is === 'open')
    expect((await journal.append(entry(5), { durable: true })).epoch).toBe(0)
    await journal.stop()
    await rm(dir, { recursive: true })
  })

  it('does not keep an agent from its lock, as long as something is held in reserve', async () => {
    const home = join(disk, 'home')
    const filler = join(disk, 'filler')
    await mkdir(join(home, 'journal'), { recursive: true })
    await writeFile(join(home, 'journal', 'reserve'), Buffer.alloc(mib, 'r'))
    await fillUp(filler)
    const lock = homeLock(home)
    await lock.start()
    await lock.stop()
    await fillUp(filler)
    await expect(homeLock(home).start()).rejects.toMatchObject({ code: 'HOME_FULL' })
    await rm(filler)
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
    // The database makes its log beforehand, and gives back at once what it could not write.
    const seen = { full: false }
    const full = until('a full disk', 20_000, async () => (seen.full = (await free()) < mib / 2), {
      everyMs: 2,
    })
    let rounds = 0
    for (; rounds < 100 && !seen.full; rounds += 1) {
      await Promise.all(
        Array.from({ length: 100 }, (_, j) => ada.journal.append(entry(100 * rounds + j))),
      )
    }
    await full
    await rm(filler)
    await replicated(bob.journal, ada.identity.peerId, 100 * rounds + 1)
    expect((await bob.journal.verify()).map(({ ok }) => ok)).toEqual([true, true])
  })
})
