/**
 * What it costs to listen to a coding agent: its updates decoded to events, and from there to entries of
 * a journal. Yardstick, in turns in the same run: the same lines from the same kind of child, read and
 * split, and nothing done with them. From the first line to the last, so that no start of a process counts.
 *
 *   node bench/acp-events.ts [updates per round]
 */
import { generateKeyPairSync, sign, verify } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { createJournal } from '../src/journal/index.ts'
import { nullLogger, systemClock, unlimited } from '../src/util/index.ts'
import { executorConfigSchema, type WorkEvent } from '../src/work/index.ts'
import type { AcpConfig } from '../src/work/config.ts'
import { createAcpExecutor } from '../src/work/executors/acp.ts'
import { relayEvents } from '../src/work/progress.ts'
import { argument, bench, interleave } from './lib.ts'

const updates = argument(0, { min: 1_000, max: 100_000, usual: 20_000 })
const rounds = 5
const yardstick = 'the same lines, read raw'
const chatter = join(import.meta.dirname, 'children/acp-chatter.ts')
const task = { repo: 'acme/lib', issue: 7 }
const limits = {
  wallTimeMs: 60_000,
  idleTimeMs: 60_000,
  lifeTimeMs: 90_000,
  maxOutputBytes: 256 * 1024 * 1024,
  graceMs: 500,
  helloTimeMs: 30_000,
}

await bench({ name: 'acp-events', budgetMs: 20_000, deadlineMs: 60_000 }, async (context) => {
  const { dir, processes } = context
  const path = `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`
  const place = {
    root: dir,
    clone: join(dir, 'clone'),
    home: join(dir, 'home'),
    tmp: join(dir, 'tmp'),
  }
  for (const at of [place.clone, place.home, place.tmp]) await mkdir(at)
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
  const config = executorConfigSchema.parse({
    name: 'chatter',
    kind: 'acp',
    command: [process.execPath, chatter, String(updates)],
  }) as AcpConfig
  const sandbox = { readable: [dirname(dirname(chatter))], limits: {} }
  const executor = createAcpExecutor(config, {
    processes,
    path,
    sandbox,
    logger: nullLogger,
    clock: systemClock,
    variables: {},
    userHome: place.home,
  })
  let seen = 0
  let entries = 0

  /** ms per 1,000 updates. */
  const since = (first: number) => ((performance.now() - first) / updates) * 1_000

  async function raw(): Promise<number> {
    const { env } = process
    const guest = processes.spawn({
      file: process.execPath,
      args: [chatter, String(updates), 'raw'],
      cwd: dir,
      env: { PATH: env['PATH'] ?? '' },
      purpose: 'raw lines',
      timeoutMs: 60_000,
      maxOutputBytes: limits.maxOutputBytes,
    })
    let first = 0
    for await (const _ of createInterface({ input: guest.stdout })) first ||= performance.now()
    const took = since(first)
    await guest.exit
    return took
  }

  async function run(onEvent: (event: WorkEvent) => void, keep: boolean): Promise<number> {
    const abort = new AbortController()
    const running = executor.start({ label: 'acme/lib#7', prompt: 'Talk.', limits }, place, {
      signal: abort.signal,
      permit: unlimited,
    })
    let first = 0
    async function* counted() {
      for await (const event of running.events) {
        if (event.type !== 'session') {
          first ||= performance.now()
          seen += 1
        }
        yield event
      }
    }
    const drained = keep
      ? relayEvents(counted(), { executor: 'chatter', clock: systemClock, onEvent })
      : (async () => {
          for await (const event of counted()) void event
        })()
    const result = await running.result
    const took = since(first)
    await running.stop('done')
    await drained
    if (result.outcome !== 'done') throw new Error(result.reason)
    return took
  }

  try {
    await journal.start()
    const write = (event: WorkEvent) => {
      if (event.type !== 'executor.activity') return
      entries += 1
      void journal.append({ ...event, task, attempt: 1 })
    }
    const samples = await interleave(context, rounds, {
      [yardstick]: raw,
      'decoded to events': () => run(() => undefined, false),
      'to journal entries': () => run(write, true),
    })
    const done =
      (samples['to journal entries']?.length ?? 0) + (samples['decoded to events']?.length ?? 0)
    return {
      parts: [{ title: 'updates of an agent', unit: 'ms per 1,000', yardstick, samples }],
      notes: [
        `${updates} updates in each round; ${Math.round((100 * seen) / (done * updates))} % of them came out as events (a queue of 1,000 drops what nobody takes in time).`,
        `${entries} journal entries in all: they are batches, whatever the agent says.`,
      ],
      facts: { updates, seen, entries },
    }
  } finally {
    await journal.stop()
  }
})
