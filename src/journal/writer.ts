/**
 * The one writer of the own journal. Appends are written in the order of their calls; those that
 * wait are joined into one write, and those of them that are durable share one sync, while the next
 * batch is already being written. `seq` is the index in the hypercore, given when the batch is made.
 *
 * open ──(store or sync fails)──→ failed
 *   └──────────(close)──────────→ closed
 * Failed is final: RocksDB refuses to write on after an error, and what it had in hand is unknown.
 */
import type { Hypercore } from 'hypercore'
import { encodeJson, type Clock } from '../util/index.ts'
import type { Durability } from './durable.ts'
import { entryInputSchema, maxEntryBytes, type EntryInput, type JournalEntry } from './entries.ts'
import { JournalError, storageError } from './errors.ts'
import type { OrderClock } from './order.ts'

export interface WriterInit {
  dir: string
  epoch: number
  maxWaiting: number
  maxBatch: number
}

export interface WriterComponents {
  core: Hypercore
  durability: Durability
  clock: Clock
  order: Pick<OrderClock, 'next'>
  /** Called once, when the writer fails. */
  onFailure: (error: JournalError) => void
}

export interface Writer {
  append(input: EntryInput, durable: boolean): Promise<JournalEntry>
  /** Refuses new appends and waits for those that were accepted. */
  close(): Promise<void>
}

interface Waiting {
  input: EntryInput
  time: number
  durable: boolean
  resolve: (entry: JournalEntry) => void
  reject: (error: JournalError) => void
}

type State = { is: 'open' } | { is: 'failed'; error: JournalError } | { is: 'closed' }

export function createWriter(init: WriterInit, components: WriterComponents): Writer {
  const { dir, epoch, maxWaiting, maxBatch } = init
  const { core, durability, clock, order, onFailure } = components
  const queue: Waiting[] = []
  const syncing = new Set<Promise<void>>()
  let state: State = { is: 'open' }
  let draining: Promise<void> | undefined

  function fail(cause: unknown): JournalError {
    if (state.is === 'failed') return state.error
    const error = storageError(cause, dir)
    state = { is: 'failed', error }
    for (const waiting of queue.splice(0)) waiting.reject(error)
    onFailure(error)
    return error
  }

  async function drain(): Promise<void> {
    while (queue.length > 0) {
      const { batch, entries, blocks } = encode(queue.splice(0, maxBatch), core.length)
      if (batch.length === 0) continue
      try {
        const { length } = await core.append(blocks)
        const expected = (entries.at(-1)?.seq ?? 0) + 1
        if (length !== expected) throw new Error(`length is ${length} instead of ${expected}`)
      } catch (cause) {
        const error = fail(cause)
        for (const waiting of batch) waiting.reject(error)
        break
      }
      acknowledge(batch, entries)
    }
    // In the same turn as the last look at the queue: an append that comes now begins a new drain.
    draining = undefined
  }

  function encode(taken: Waiting[], start: number) {
    const batch: Waiting[] = []
    const entries: JournalEntry[] = []
    const blocks: Uint8Array[] = []
    for (const waiting of taken) {
      const seq = start + batch.length
      const stamp = {
        v: 1 as const,
        epoch,
        seq,
        time: waiting.time,
        order: order.next(waiting.time),
      }
      const entry: JournalEntry = { ...waiting.input, ...stamp }
      const block = encodeJson(entry)
      if (block.byteLength > maxEntryBytes) {
        waiting.reject(tooLarge(entry.type, block.byteLength))
        continue
      }
      batch.push(waiting)
      entries.push(entry)
      blocks.push(block)
    }
    return { batch, entries, blocks }
  }

  function acknowledge(batch: Waiting[], entries: JournalEntry[]): void {
    const later: (() => void)[] = []
    const refuse: ((error: JournalError) => void)[] = []
    for (const [i, waiting] of batch.entries()) {
      const resolve = () => waiting.resolve(entries[i] as JournalEntry)
      if (!waiting.durable) resolve()
      else {
        later.push(resolve)
        refuse.push(waiting.reject)
      }
    }
    if (later.length === 0) return
    const done = durability
      .sync()
      .then(
        () => later.forEach((resolve) => resolve()),
        (cause: unknown) => {
          const error = fail(cause)
          refuse.forEach((reject) => reject(error))
        },
      )
      .finally(() => syncing.delete(done))
    syncing.add(done)
  }

  return {
    append(input, durable) {
      const parsed = entryInputSchema.safeParse(input)
      if (!parsed.success) {
        const issue = parsed.error.issues[0]
        const path = (issue?.path ?? []).join('.')
        return Promise.reject(
          new JournalError(
            'ENTRY_INVALID',
            `The entry ${input.type} is invalid at ${path || 'its root'}: ${issue?.message ?? ''}.`,
            { data: { type: input.type, path } },
          ),
        )
      }
      if (state.is === 'failed') return Promise.reject(state.error)
      if (state.is === 'closed') return Promise.reject(closed())
      if (queue.length >= maxWaiting) {
        return Promise.reject(
          new JournalError('JOURNAL_BUSY', `${maxWaiting} appends wait already.`, {
            data: { maxWaiting },
            next: 'Wait for earlier appends before making more.',
          }),
        )
      }
      return new Promise((resolve, reject) => {
        queue.push({ input: parsed.data, time: clock.now(), durable, resolve, reject })
        draining ??= Promise.resolve().then(drain)
      })
    },
    async close() {
      if (state.is === 'open') state = { is: 'closed' }
      await draining
      await Promise.all(syncing)
    },
  }
}

export function closed(): JournalError {
  return new JournalError('JOURNAL_CLOSED', 'The journal is not running.', {
    next: 'Start the agent first.',
  })
}

function tooLarge(type: string, bytes: number): JournalError {
  return new JournalError(
    'ENTRY_TOO_LARGE',
    `The entry ${type} has ${bytes} bytes; at most ${maxEntryBytes} fit.`,
    { data: { type, bytes, maxBytes: maxEntryBytes }, next: 'Journal a digest instead.' },
  )
}
