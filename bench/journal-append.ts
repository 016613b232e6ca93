/**
 * What a journal entry costs. Yardstick, in turns in the same run and directory: a raw file to
 * which the same number of bytes is written and synced (fdatasync). Times are per entry.
 *
 *   node bench/journal-append.ts [entries per round]
 */
import { generateKeyPairSync, sign, verify } from 'node:crypto'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { createJournal, type EntryInput } from '../src/journal/index.ts'
import { encodeJson, nullLogger } from '../src/util/index.ts'
import { argument, bench, interleave, timed } from './lib.ts'

const entries = argument(0, { min: 50, max: 20_000, usual: 300 })
const rounds = 7
const lanes = 16
const yardstick = 'raw write + fdatasync, one by one'

const claim = (issue: number): EntryInput => ({
  type: 'claim.won',
  task: { repo: 'acme/lib', issue },
  attempt: 1,
  oid: 'a'.repeat(40),
  title: 'A title of the usual length for an issue',
  branch: `bzzz/issue-${issue}-a-title-of-the-usual-length`,
  leaseMs: 120_000,
})

/** Runs `step` `entries` times in `width` lanes that each wait for their own; ms per entry. */
async function perEntry(width: number, step: (issue: number) => Promise<unknown>) {
  let next = 0
  const lane = async () => {
    while (next < entries) {
      next += 1
      await step(next)
    }
  }
  return (await timed(() => Promise.all(Array.from({ length: width }, lane)))) / entries
}

await bench({ name: 'journal-append', budgetMs: 15_000, deadlineMs: 40_000 }, async (context) => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const agent = { name: 'bench', version: '0.1.0', incarnation: '0a' }
  const journal = createJournal(
    { dir: join(context.dir, 'journal'), agent },
    {
      transport: {
        peerId: 'bench',
        sign: async (data) => sign(null, data, privateKey),
        handleJournal: () => () => undefined,
        openJournal: () => Promise.reject(new Error('alone')),
      },
      verify: async (_peerId, data, signature) => verify(null, data, publicKey, signature),
      logger: nullLogger,
    },
  )
  const file = await open(join(context.dir, 'raw'), 'w')
  try {
    await journal.start()
    const bytes = encodeJson({ ...claim(1), v: 1, epoch: 0, seq: 1_000, time: Date.now() })
    const append = (width: number, durable: boolean) => () =>
      perEntry(width, (issue) => journal.append(claim(issue), { durable }))
    const steps = {
      [yardstick]: () =>
        perEntry(1, async () => {
          await file.write(bytes)
          await file.datasync()
        }),
      'durable append, one by one': append(1, true),
      [`durable append, ${lanes} at once`]: append(lanes, true),
      'append, one by one': append(1, false),
      [`append, ${lanes} at once`]: append(lanes, false),
    }
    const samples = await interleave(context, rounds, steps)
    return {
      parts: [{ title: 'one entry', unit: 'ms per entry', yardstick, samples }],
      notes: [`${entries} entries of ${bytes.length} bytes in each round.`],
      facts: { entries, entryBytes: bytes.length },
    }
  } finally {
    await file.close()
    await journal.stop()
  }
})
