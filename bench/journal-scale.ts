/**
 * A journal of 1,000,000 entries against one of 10,000, in the same run and of the same kind of
 * entries: to open it, to see the first rows of a question (by task, by type, by time, the last 20), and
 * to see a new entry in a tail. The ratio of the large to the small one is what counts: an index keeps
 * it near 1, a scan makes it 100. Also: what it costs to read all of it, and memory.
 *
 *   node bench/journal-scale.ts [entries of the large one]
 */
import { generateKeyPairSync, sign, verify } from 'node:crypto'
import { join } from 'node:path'
import { createJournal, type EntryInput, type Journal } from '../src/journal/index.ts'
import { nullLogger } from '../src/util/index.ts'
import { argument, bench, interleave, median, timed, type Samples } from './lib.ts'

const large = argument(0, { min: 20_000, max: 5_000_000, usual: 1_000_000 })
const small = 10_000
const rounds = 5
/** Entries of one task, as a worked issue has them. */
const perTask = 20

function entry(i: number): EntryInput {
  const issue = Math.floor(i / perTask)
  const task = { repo: 'acme/lib', issue }
  const oid = issue.toString(16).padStart(40, '0')
  const step = i % perTask
  if (step === 0)
    return { type: 'issue.seen', task, title: `Issue ${issue}`, labels: [], needs: [] }
  if (step === 1) return { type: 'claim.tried', task, attempt: 1, oid }
  if (step === perTask - 1 && issue % 50 === 0) {
    return { type: 'task.failed', task, attempt: 1, code: 'CHECKS', reason: 'why', durationMs: 1 }
  }
  return { type: 'claim.renewed', task, attempt: 1, oid, leaseMs: 120_000 }
}

const { privateKey, publicKey } = generateKeyPairSync('ed25519')
const open = (dir: string) =>
  createJournal(
    { dir, agent: { name: 'bench', version: '0.1.0', incarnation: '0a' } },
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

async function build(dir: string, count: number): Promise<void> {
  const journal = open(dir)
  await journal.start()
  await journal.opened()
  const batch = 5_000
  for (let from = 0; from < count; from += batch) {
    await Promise.all(
      Array.from({ length: Math.min(batch, count - from) }, (_, i) =>
        journal.append(entry(from + i), { durable: false }),
      ),
    )
  }
  await journal.stop()
}

async function started(dir: string): Promise<Journal> {
  const journal = open(dir)
  await journal.start()
  await journal.opened()
  return journal
}

async function rows(journal: Journal, query: Parameters<Journal['read']>[0]): Promise<number> {
  let count = 0
  for await (const _ of journal.read(query)) count += 1
  return count
}

/** From the append of an entry until a tail has it. */
async function tailed(journal: Journal): Promise<void> {
  const stop = new AbortController()
  const since = Date.now()
  const waiting = (async () => {
    for await (const one of journal.tail({ types: ['peer.seen'], since }, stop.signal)) {
      if (one.type === 'peer.seen') return
    }
  })()
  await journal.append({ type: 'peer.seen', peerId: 'x' })
  await waiting
  stop.abort()
}

await bench({ name: 'journal-scale', budgetMs: 240_000, deadlineMs: 480_000 }, async (context) => {
  const places = { [`${small} entries`]: small, [`${large} entries`]: large }
  const [yardstick = '', other = ''] = Object.keys(places)
  const dirs = new Map<string, string>()
  for (const [name, count] of Object.entries(places)) {
    const dir = join(context.dir, `${count}`)
    const took = await timed(() => build(dir, count))
    context.note(`${name} written in ${(took / 1_000).toFixed(1)} s`)
    dirs.set(name, dir)
  }
  // The index is written along; what is missing of it is read in the background.
  const dirOf = (name: string) => dirs.get(name) ?? ''
  const opening = await interleave(
    context,
    rounds,
    Object.fromEntries(
      Object.keys(places).map((name) => [
        name,
        async () => {
          let journal: Journal | undefined
          const took = await timed(async () => {
            journal = await started(dirOf(name))
          })
          await journal?.stop()
          return took
        },
      ]),
    ),
  )
  const facts: Record<string, unknown> = { large, small }
  const questions: Record<string, (journal: Journal, count: number) => Promise<number>> = {
    'of a task': (journal, count) =>
      rows(journal, { task: { issue: Math.floor(count / perTask / 2) } }),
    'of a rare type, the last 20': (journal) => rows(journal, { types: ['task.failed'], last: 20 }),
    'of the last 20': (journal) => rows(journal, { last: 20 }),
    'since 100 ms ago': (journal) => rows(journal, { since: Date.now() - 100 }),
  }
  const first: Record<string, Samples> = {}
  const later: Record<string, Samples> = {}
  const tail: Samples = {}
  const found: Record<string, number> = {}
  for (const [name, count] of Object.entries(places)) {
    const journal = await started(dirOf(name))
    for (const [question, ask] of Object.entries(questions)) {
      // The first question after the start also checks the index.
      ;((first[question] ??= {})[name] ??= []).push(
        await timed(async () => {
          found[`${question}, ${name}`] = await ask(journal, count)
        }),
      )
      for (let round = 0; round < rounds; round += 1) {
        ;((later[question] ??= {})[name] ??= []).push(await timed(() => ask(journal, count)))
      }
    }
    for (let round = 0; round < 4 * rounds; round += 1) {
      ;(tail[name] ??= []).push(await timed(() => tailed(journal)))
    }
    globalThis.gc?.()
    facts[`memory with ${name}, MiB`] = Math.round(process.memoryUsage().rss / 2 ** 20)
    if (name === other && context.used() < 0.6) {
      const all = await timed(() => rows(journal, {}))
      facts['read all of the large one, s'] = all / 1_000
    }
    await journal.stop()
  }
  const unit = 'ms'
  const parts = [
    { title: 'open', unit, yardstick, samples: opening },
    ...Object.entries(later).map(([question, samples]) => ({
      title: `rows ${question}`,
      unit,
      yardstick,
      samples,
    })),
    { title: 'append → in a tail with since', unit, yardstick, samples: tail },
  ]
  const firsts = Object.entries(first).map(([question, samples]) => {
    const at = (name: string) => median(samples[name] ?? []).toFixed(1)
    return `First question after the start, ${question}: ${at(yardstick)} and ${at(other)} ms.`
  })
  return {
    parts,
    notes: [
      ...firsts,
      `Rows: ${Object.entries(found)
        .map(([what, count]) => `${what}: ${count}`)
        .join('; ')}.`,
      ...Object.entries(facts).map(([what, value]) => `${what}: ${String(value)}`),
    ],
    facts: { ...facts, first, found },
  }
})
