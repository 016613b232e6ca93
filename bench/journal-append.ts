/**
 * What a journal entry costs. Yardstick, in the same run and directory: a raw file to which the same
 * number of bytes is written and synced (fdatasync). Prints ratios (1.0 = as fast as the raw file)
 * and writes bench/results/journal-append.json. Nothing asserts a time.
 *
 *   node bench/journal-append.ts [entries]
 */
import { generateKeyPairSync, sign, verify } from 'node:crypto'
import { mkdir, mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createJournal, type EntryInput } from '../src/journal/index.ts'
import { encodeJson, nullLogger } from '../src/util/index.ts'

const entries = Math.min(20_000, Math.max(100, Number(process.argv[2] ?? 1_000)))
const lanes = 16

interface Rate {
  name: string
  perSecond: number
  p50Ms: number
  p99Ms: number
}

/** Runs `step` `entries` times in `width` lanes that each wait for their own. */
async function measure(name: string, width: number, step: (i: number) => Promise<unknown>) {
  const times: number[] = []
  let next = 0
  const began = performance.now()
  await Promise.all(
    Array.from({ length: width }, async () => {
      while (next < entries) {
        const i = next
        next += 1
        const start = performance.now()
        await step(i)
        times.push(performance.now() - start)
      }
    }),
  )
  const elapsed = performance.now() - began
  times.sort((a, b) => a - b)
  const at = (part: number) => times[Math.floor(part * (times.length - 1))] ?? 0
  return { name, perSecond: (entries / elapsed) * 1_000, p50Ms: at(0.5), p99Ms: at(0.99) }
}

const claim = (i: number): EntryInput => ({
  type: 'claim.won',
  task: { repo: 'acme/lib', issue: i },
  attempt: 1,
  oid: 'a'.repeat(40),
  title: 'A title of the usual length for an issue',
  branch: `bzzz/issue-${i}-a-title-of-the-usual-length`,
  leaseMs: 120_000,
})

const dir = await mkdtemp(join(tmpdir(), 'bzzz-bench-journal-'))
const { privateKey, publicKey } = generateKeyPairSync('ed25519')
const journal = createJournal(
  { dir: join(dir, 'journal'), agent: { name: 'bench', version: '0.1.0', incarnation: '0a' } },
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
const file = await open(join(dir, 'raw'), 'w')
try {
  await journal.start()
  const bytes = encodeJson({ ...claim(1), v: 1, epoch: 0, seq: 1_000, time: Date.now() })
  const raw = await measure('raw write + fdatasync, one by one', 1, async () => {
    await file.write(bytes)
    await file.datasync()
  })
  const rates: Rate[] = []
  for (const [name, width, durable] of [
    ['durable append, one by one', 1, true],
    [`durable append, ${lanes} at once`, lanes, true],
    ['append, one by one', 1, false],
    [`append, ${lanes} at once`, lanes, false],
  ] as const) {
    rates.push(await measure(name, width, (i) => journal.append(claim(i), { durable })))
  }
  const rows = [raw, ...rates].map((rate) => ({ ...rate, ratio: rate.perSecond / raw.perSecond }))
  for (const { name, perSecond, p50Ms, p99Ms, ratio } of rows) {
    console.log(
      `${name.padEnd(34)} ${ratio.toFixed(2).padStart(6)} × ${perSecond.toFixed(0).padStart(7)}/s` +
        `  p50 ${p50Ms.toFixed(2)} ms  p99 ${p99Ms.toFixed(2)} ms`,
    )
  }
  const results = join(import.meta.dirname, 'results')
  await mkdir(results, { recursive: true })
  const about = { node: process.version, cores: cpus().length, entries, entryBytes: bytes.length }
  const document = { ...about, yardstick: raw.name, rows }
  await writeFile(join(results, 'journal-append.json'), `${JSON.stringify(document, null, 2)}\n`)
} finally {
  await file.close()
  await journal.stop()
  await rm(dir, { recursive: true, force: true })
}
