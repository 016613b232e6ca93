/**
 * A task that runs again and again, never twice at once, with jitter, until stopped. A failing
 * turn is reported and the next one waits longer (doubling up to `maxDelayMs`).
 */
import { systemClock, type Clock } from './clock.ts'
import { sleep } from './deadline.ts'
import { Lifecycle, type Startable } from './lifecycle.ts'

export interface RepeatOptions {
  /** Pause between the end of a turn and the next start, ms. */
  everyMs: number
  /** Part of the pause that is random, 0 to 1. Default 0.2. */
  jitter?: number
  /** Upper bound of the pause after failures, ms. Default 10 × everyMs. */
  maxDelayMs?: number
  /** Whether the first turn runs at once. Default true. */
  immediate?: boolean
  onError: (error: unknown) => void
  clock?: Clock
  random?: () => number
}

export interface Repeating extends Startable {
  /** Ends the current pause, so that a turn starts now (or right after the running one). */
  wake(): void
}

export function repeat(
  turn: (signal: AbortSignal) => Promise<void>,
  options: RepeatOptions,
): Repeating {
  const { everyMs, jitter = 0.2, maxDelayMs = everyMs * 10, immediate = true, onError } = options
  const { clock = systemClock, random = Math.random } = options
  let stopping = new AbortController()
  let pause = new AbortController()
  let loop: Promise<void> = Promise.resolve()
  let woken = false

  async function run(signal: AbortSignal): Promise<void> {
    let failures = 0
    if (!immediate) await rest(everyMs)
    while (!signal.aborted) {
      woken = false
      try {
        await turn(signal)
        failures = 0
      } catch (error) {
        if (signal.aborted) return
        failures += 1
        onError(error)
      }
      const delay = Math.min(maxDelayMs, everyMs * 2 ** Math.min(failures, 16))
      if (!signal.aborted && !woken) await rest(delay * (1 - jitter * random()))
    }
  }

  async function rest(ms: number): Promise<void> {
    pause = new AbortController()
    await sleep(ms, { signal: pause.signal, clock }).catch(() => undefined)
  }

  const lifecycle = new Lifecycle(
    async () => {
      stopping = new AbortController()
      loop = run(stopping.signal)
    },
    async () => {
      stopping.abort()
      pause.abort()
      await loop
    },
  )
  return {
    start: () => lifecycle.start(),
    stop: () => lifecycle.stop(),
    wake: () => {
      woken = true
      pause.abort()
    },
  }
}
