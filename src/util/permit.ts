/**
 * Leave to run that is taken away and given back: an abort signal that can be undone. Whoever holds
 * a lease makes a `PermitSource`; whoever runs something under it watches the `Permit`, freezes
 * while it is frozen, and lets its limits stand still meanwhile (`standing`).
 */
import { systemClock, type Clock } from './clock.ts'
import { throwIfAborted } from './deadline.ts'
import { CommonError } from './errors.ts'

export interface Permit {
  readonly frozen: boolean
  /** Time of the source's monotonic clock, ms, at which it freezes unless somebody extends it; may be Infinity. */
  readonly until: number
  /** How long it was frozen, all in all and until now, ms. */
  frozenMs(): number
  /** Calls the listener after each change of `frozen` or `until`; returns what ends that. */
  watch(listener: () => void): () => void
}

export class PermitSource implements Permit {
  until = Infinity
  readonly #clock: Clock
  readonly #listeners = new Set<() => void>()
  #frozen = false
  #since = 0
  #before = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** A process that was stopped reads this before its timers ring: the time decides, not the timer. */
  get frozen(): boolean {
    if (!this.#frozen && this.#clock.monotonic() >= this.until) this.freeze()
    return this.#frozen
  }

  frozenMs(): number {
    return this.#before + (this.frozen ? this.#clock.monotonic() - this.#since : 0)
  }

  watch(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  extend(until: number): void {
    if (this.until === until) return
    this.until = until
    this.#tell()
  }

  freeze(): void {
    if (this.#frozen) return
    this.#since = this.#clock.monotonic()
    this.#frozen = true
    this.#tell()
  }

  thaw(): void {
    if (!this.#frozen) return
    this.#before = this.frozenMs()
    this.#frozen = false
    this.#tell()
  }

  #tell(): void {
    for (const listener of this.#listeners) listener()
  }
}

/** Never frozen: for what runs without a lease. */
export const unlimited: Permit = new PermitSource(systemClock)

/** A clock that stands still while the permit is frozen; its wall clock goes on. */
export function standing(clock: Clock, permit: Permit): Clock {
  const monotonic = () => clock.monotonic() - permit.frozenMs()
  return {
    now: () => clock.now(),
    monotonic,
    after(ms, callback) {
      const due = monotonic() + Math.max(0, ms)
      let cancel = () => {}
      const arm = () => {
        cancel()
        if (permit.frozen) return
        cancel = clock.after(due - monotonic(), () => {
          unwatch()
          callback()
        })
      }
      const unwatch = permit.watch(arm)
      arm()
      return () => {
        unwatch()
        cancel()
      }
    },
  }
}

/**
 * Runs a step that may only be under way while the permit is not frozen: a freeze aborts it, and it
 * begins anew afterwards, so it must bear being repeated.
 */
export async function whileAllowed<T>(
  permit: Permit,
  signal: AbortSignal,
  step: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  for (;;) {
    await allowed(permit, signal)
    const inner = new AbortController()
    const onAbort = () => inner.abort(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    const unwatch = permit.watch(() => {
      if (permit.frozen) inner.abort(new Error('frozen'))
    })
    // What happened since it was allowed told nobody.
    if (signal.aborted) onAbort()
    else if (permit.frozen) inner.abort(new Error('frozen'))
    try {
      throwIfAborted(inner.signal)
      return await step(inner.signal)
    } catch (error) {
      if (signal.aborted || !inner.signal.aborted) throw error
    } finally {
      unwatch()
      signal.removeEventListener('abort', onAbort)
    }
  }
}

/** Resolves once the permit is not frozen; rejects with `ABORTED` when the signal fires first. */
export function allowed(permit: Permit, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (run: () => void) => {
      unwatch()
      signal.removeEventListener('abort', onAbort)
      run()
    }
    const onAbort = () =>
      settle(() =>
        reject(new CommonError('ABORTED', 'The operation was aborted.', { cause: signal.reason })),
      )
    const look = () => {
      if (!permit.frozen) settle(resolve)
    }
    const unwatch = permit.watch(look)
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) onAbort()
    else look()
  })
}
