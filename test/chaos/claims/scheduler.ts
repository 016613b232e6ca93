/**
 * Model time. One queue of events in the order of their times; after each event all promises that
 * it settled run to their end, so that what happens depends on the schedule and its seed alone.
 */
import type { Clock } from '../../../src/util/index.ts'

export interface Random {
  /** [0, 1) */
  next(): number
  between(low: number, high: number): number
  chance(probability: number): boolean
}

/** mulberry32, public domain. */
export function createRandom(seed: number): Random {
  let state = seed | 0
  const next = () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
  return {
    next,
    between: (low, high) => low + (high - low) * next(),
    chance: (probability) => next() < probability,
  }
}

/** After all promises that can settle have settled. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve))

interface Event {
  at: number
  order: number
  run: (() => void) | undefined
}

const before = (a: Event, b: Event) => a.at < b.at || (a.at === b.at && a.order < b.order)

export class Scheduler {
  /** ms since the begin of the model. */
  now = 0
  events = 0
  #order = 0
  readonly #heap: Event[] = []

  /** Runs once after `ms`; returns a function that cancels it. */
  after(ms: number, run: () => void): () => void {
    const event: Event = { at: this.now + Math.max(0, ms), order: (this.#order += 1), run }
    this.#push(event)
    return () => {
      event.run = undefined
    }
  }

  /** Until the time `end`, or until `enough` says so, which is asked every `everyMs`. */
  async run(end: number, enough: () => boolean = () => false, everyMs = 5_000): Promise<void> {
    let ask = this.now
    await settled()
    for (;;) {
      const event = this.#heap[0]
      if (event === undefined || event.at > end) break
      if (event.at >= ask) {
        if (enough()) return
        ask = event.at + everyMs
      }
      this.#pop()
      if (event.run === undefined) continue
      this.now = event.at
      this.events += 1
      event.run()
      await settled()
    }
    this.now = end
  }

  #push(event: Event): void {
    const heap = this.#heap
    let index = heap.push(event) - 1
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (!before(event, heap[parent]!)) break
      heap[index] = heap[parent]!
      index = parent
    }
    heap[index] = event
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()!
    if (heap.length === 0) return
    let index = 0
    for (;;) {
      let child = index * 2 + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child += 1
      if (!before(heap[child]!, last)) break
      heap[index] = heap[child]!
      index = child
    }
    heap[index] = last
  }
}

/**
 * A process on a machine: it may be killed (nothing of it happens any more), stopped (what comes is
 * kept until it goes on; its clock runs), or asleep with its machine (its monotonic clock stands).
 */
export class Process {
  alive = true
  frozen: 'no' | 'stopped' | 'asleep' = 'no'
  readonly clock: Clock
  readonly #scheduler: Scheduler
  readonly #waiting: (() => void)[] = []
  #asleepSince = 0
  #slept = 0

  /** `rate`: seconds of this clock per second of the model. */
  constructor(scheduler: Scheduler, rate: number, offset: number) {
    this.#scheduler = scheduler
    const monotonic = () => {
      const at = this.frozen === 'asleep' ? this.#asleepSince : scheduler.now
      return offset + (at - this.#slept) * rate
    }
    this.clock = {
      now: () => 1_700_000_000_000 + Math.round(scheduler.now * rate),
      monotonic,
      after: (ms, callback) => {
        const due = monotonic() + Math.max(0, ms)
        let cancelled = false
        const arm = () => {
          scheduler.after((due - monotonic()) / rate, () =>
            this.deliver(() => {
              if (cancelled) return
              // The machine slept meanwhile: its timers have not moved.
              if (monotonic() < due - 0.001) arm()
              else callback()
            }),
          )
        }
        arm()
        return () => {
          cancelled = true
        }
      },
    }
  }

  /** What happens to the process: now, when it goes on, or never. */
  deliver(run: () => void): void {
    if (!this.alive) return
    if (this.frozen === 'no') run()
    else this.#waiting.push(run)
  }

  freeze(how: 'stopped' | 'asleep'): void {
    if (this.frozen !== 'no') return
    this.#asleepSince = this.#scheduler.now
    this.frozen = how
  }

  thaw(): void {
    if (this.frozen === 'asleep') this.#slept += this.#scheduler.now - this.#asleepSince
    this.frozen = 'no'
    for (const run of this.#waiting.splice(0)) this.#scheduler.after(0, () => this.deliver(run))
  }

  kill(): void {
    this.alive = false
  }
}
