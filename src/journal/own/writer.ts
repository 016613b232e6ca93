/**
 * The one writer of the own journal. Appends are written in the order of their calls; those that
 * wait are joined into one write, and those of them that are durable share one sync, while the next
 * batch is already being written. `seq` is the index in the hypercore, given when the batch is made.
 *
 * It outlives the store: while the journal waits for witnesses or is opened anew, appends wait in the
 * queue, each for a bounded time. What was in hand when the store failed is unknown: after the next
 * `attach` it is looked up by index and content, and written again where it is not there.
 *
 *   held ──attach──→ open ──(store or sync fails)──→ held: its keeper attaches again, or refuses
 *    ▲                 │
 *    └──────hold───────┘    refusing: every append is refused until the next attach    closed: for good
 */
import type { Hypercore } from 'hypercore'
import { encodeJson, type Clock } from '../../util/index.ts'
import type { Durability } from './durable.ts'
import {
  entryInputSchema,
  maxEntryBytes,
  type EntryInput,
  type JournalEntry,
  type Origin,
} from '../entries.ts'
import { busy, closed, invalid, late, tooLarge } from './append-errors.ts'
import type { JournalError } from '../errors.ts'
import type { OrderClock } from '../reading/order.ts'

export interface WriterInit {
  maxWaiting: number
  maxBatch: number
  /** How long an append waits while the writer is held, ms. */
  maxWaitMs: number
}

export interface WriterComponents {
  clock: Clock
  order: Pick<OrderClock, 'next'>
  /** The store failed; the writer is held. Called once for each `attach`. */
  onFailure: (cause: unknown) => void
}

/** What is written to. */
export interface Target {
  core: Hypercore
  epoch: number
  durability: Durability
  onWritten?: (entry: JournalEntry) => void
}

export interface Writer {
  append(input: EntryInput, durable: boolean, options?: { origin?: Origin }): Promise<JournalEntry>
  /** Begins to write, `first` before all that waits; resolves when `first` is on disk. */
  attach(target: Target, first?: EntryInput): Promise<void>
  /** From now on appends wait; resolves when nothing is in hand any more. */
  hold(): Promise<void>
  /** Rejects what waits and what comes until the next `attach`. */
  refuse(error: JournalError): void
  /** Refuses new appends and waits for those that were accepted; what is held is rejected. For good. */
  close(): Promise<void>
  /** Appends that wait. */
  readonly waiting: number
}

interface Waiting {
  input: EntryInput
  origin: Origin | undefined
  time: number
  durable: boolean
  /** The only epoch that it belongs to: it speaks of its key. */
  only: number | undefined
  /** Monotonic; when it is rejected if the writer is still held. */
  until: number
  resolve: (entry: JournalEntry) => void
  reject: (error: Error) => void
}

/** An entry as it was handed to the store. */
interface Placed {
  waiting: Waiting
  entry: JournalEntry
  block: Uint8Array
}

type State =
  | { is: 'held' }
  | { is: 'open'; target: Target }
  | { is: 'refusing'; error: JournalError }
  | { is: 'closed' }

export function createWriter(init: WriterInit, components: WriterComponents): Writer {
  const { maxWaiting, maxBatch, maxWaitMs } = init
  const { clock, order, onFailure } = components
  const queue: Waiting[] = []
  /** In hand when the store failed, in order. */
  let stuck: Placed[] = []
  const syncing = new Set<Promise<void>>()
  let state: State = { is: 'held' }
  /** Times that the writer was held, to see whether that overtook an `attach`. */
  let holds = 0
  let draining: Promise<void> | undefined
  let cancelTimer: (() => void) | undefined

  function fail(target: Target, cause: unknown, placed: Placed[]): void {
    stuck.push(...placed)
    stuck.sort((a, b) => a.entry.seq - b.entry.seq)
    if (state.is === 'closed' || state.is === 'refusing') return rejectAll(ended())
    if (state.is !== 'open' || state.target !== target) return arm()
    state = { is: 'held' }
    onFailure(cause)
    arm()
  }

  /** A fresh look: callbacks may have changed it. */
  const now = (): State => state

  function ended(): JournalError {
    const at = now()
    return at.is === 'refusing' ? at.error : closed()
  }

  function rejectAll(error: Error): void {
    cancelTimer?.()
    cancelTimer = undefined
    for (const { waiting } of stuck.splice(0)) waiting.reject(error)
    for (const waiting of queue.splice(0)) waiting.reject(error)
  }

  /** While held, what waited long enough is rejected; the longest wait is in front. */
  function arm(): void {
    cancelTimer?.()
    cancelTimer = undefined
    const next = Math.min(stuck[0]?.waiting.until ?? Infinity, queue[0]?.until ?? Infinity)
    if (now().is !== 'held' || next === Infinity) return
    cancelTimer = clock.after(Math.max(0, next - clock.monotonic()), () => {
      const at = clock.monotonic()
      stuck = stuck.filter(({ waiting }) => !expire(waiting, at))
      while (queue[0] !== undefined && expire(queue[0], at)) queue.shift()
      arm()
    })
  }

  function expire(waiting: Waiting, at: number): boolean {
    if (waiting.until > at) return false
    waiting.reject(late(maxWaitMs))
    return true
  }

  async function drain(target: Target): Promise<void> {
    while (queue.length > 0 && isOpen(target)) {
      const placed = encode(queue.splice(0, maxBatch), target)
      if (placed.length === 0) continue
      try {
        const { length } = await target.core.append(placed.map(({ block }) => block))
        const expected = (placed.at(-1)?.entry.seq ?? 0) + 1
        if (length !== expected) throw new Error(`length is ${length} instead of ${expected}`)
      } catch (cause) {
        draining = undefined
        return fail(target, cause, placed)
      }
      acknowledge(target, placed)
      for (const { entry } of placed) target.onWritten?.(entry)
    }
    // In the same turn as the last look at the queue: an append that comes now begins a new drain.
    draining = undefined
    arm()
  }

  const isOpen = (target: Target) => {
    const at = now()
    return (at.is === 'open' && at.target === target) || at.is === 'closed'
  }

  function encode(taken: Waiting[], { core, epoch }: Target): Placed[] {
    const placed: Placed[] = []
    for (const waiting of taken) {
      const { input, time, origin } = waiting
      const seq = core.length + placed.length
      const stamp = { v: 1 as const, epoch, seq, time, order: order.next(time) }
      const entry: JournalEntry = { ...input, ...stamp, ...(origin && { origin }) }
      const block = encodeJson(entry)
      if (block.byteLength > maxEntryBytes) {
        waiting.reject(tooLarge(entry.type, block.byteLength))
        continue
      }
      placed.push({ waiting, entry, block })
    }
    return placed
  }

  function acknowledge(target: Target, placed: Placed[]): void {
    const durable = placed.filter(({ waiting }) => waiting.durable)
    for (const { waiting, entry } of placed) if (!waiting.durable) waiting.resolve(entry)
    if (durable.length === 0) return
    const done = target.durability
      .sync()
      .then(
        () => durable.forEach(({ waiting, entry }) => waiting.resolve(entry)),
        (cause: unknown) => fail(target, cause, durable),
      )
      .finally(() => syncing.delete(done))
    syncing.add(done)
  }

  /** Rejects what belongs to another epoch only. */
  function discard({ epoch }: Target): void {
    const isForeign = ({ only }: Waiting) => only !== undefined && only !== epoch
    for (const { waiting } of stuck) if (isForeign(waiting)) waiting.reject(late(0))
    for (const waiting of queue) if (isForeign(waiting)) waiting.reject(late(0))
    stuck = stuck.filter(({ waiting }) => !isForeign(waiting))
    queue.splice(0, queue.length, ...queue.filter((waiting) => !isForeign(waiting)))
  }

  /** Looks for what was in hand; what is not there goes to the front of the queue. */
  async function settle(target: Target): Promise<void> {
    const placed = stuck.splice(0)
    const missing: Waiting[] = []
    const found: Placed[] = []
    for (const one of placed) {
      const block =
        one.entry.epoch === target.epoch && one.entry.seq < target.core.length
          ? await target.core.get(one.entry.seq, { wait: false })
          : null
      if (block !== null && Buffer.from(one.block).equals(block)) found.push(one)
      else missing.push(one.waiting)
    }
    queue.unshift(...missing)
    if (found.length > 0) acknowledge(target, found)
  }

  function wake(): void {
    const at = now()
    if (at.is === 'open') draining ??= Promise.resolve().then(() => drain(at.target))
  }

  function put(
    input: EntryInput,
    durable: boolean,
    { origin, only }: { origin?: Origin | undefined; only?: number } = {},
  ): Promise<JournalEntry> {
    return new Promise((resolve, reject) => {
      const until = clock.monotonic() + maxWaitMs
      queue.push({ input, origin, only, time: clock.now(), durable, until, resolve, reject })
      wake()
      if (queue.length === 1) arm()
    })
  }

  return {
    get waiting() {
      return queue.length + stuck.length
    },
    append(input, durable, { origin } = {}) {
      const parsed = entryInputSchema.safeParse(input)
      if (!parsed.success) return Promise.reject(invalid(input.type, parsed.error.issues[0]))
      if (state.is === 'refusing') return Promise.reject(state.error)
      if (state.is === 'closed') return Promise.reject(closed())
      if (queue.length >= maxWaiting) return Promise.reject(busy(maxWaiting))
      return put(parsed.data, durable, { origin })
    },
    async attach(target, first) {
      if (state.is === 'closed') throw closed()
      const asked = holds
      await draining
      await Promise.all(syncing)
      discard(target)
      await settle(target)
      if (now().is === 'closed') throw closed()
      if (holds !== asked) throw late(0)
      const behind = first === undefined ? [] : queue.splice(0)
      state = { is: 'open', target }
      const written =
        first === undefined ? Promise.resolve() : put(first, true, { only: target.epoch })
      queue.push(...behind)
      cancelTimer?.()
      cancelTimer = undefined
      wake()
      await written
    },
    async hold() {
      holds += 1
      if (state.is === 'open') state = { is: 'held' }
      arm()
      await draining
      await Promise.all(syncing)
    },
    refuse(error) {
      if (state.is === 'closed') return
      state = { is: 'refusing', error }
      rejectAll(error)
    },
    async close() {
      const was = state
      state = { is: 'closed' }
      if (was.is !== 'open') rejectAll(closed())
      await draining
      await Promise.all(syncing)
      rejectAll(closed())
    },
  }
}
