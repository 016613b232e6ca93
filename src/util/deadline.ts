/**
 * Waits that end. Every wait in Bzzz has a deadline and an abort signal; these are the only
 * helpers for them. None uses `AbortSignal.any`, which leaks over long-lived signals.
 */
import { systemClock, type Clock } from './clock.ts'
import { CommonError } from './errors.ts'

export interface WaitOptions {
  signal?: AbortSignal | undefined
  clock?: Clock
}

const aborted = (signal: AbortSignal) =>
  new CommonError('ABORTED', 'The operation was aborted.', { cause: signal.reason })

export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw aborted(signal)
}

/** Resolves after `ms`; rejects with `ABORTED` when the signal fires first. */
export function sleep(
  ms: number,
  { signal, clock = systemClock }: WaitOptions = {},
): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(aborted(signal))
    const onAbort = () => {
      cancel()
      reject(aborted(signal as AbortSignal))
    }
    const cancel = clock.after(ms, () => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    })
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}

/**
 * Runs `work` with a signal that fires after `ms` or when the outer signal does, and rejects then
 * even if `work` ignores its signal. Errors: `DEADLINE` (data: `what`, `ms`) and `ABORTED`.
 */
export async function withDeadline<T>(
  what: string,
  ms: number,
  work: (signal: AbortSignal) => Promise<T> | T,
  { signal, clock = systemClock }: WaitOptions = {},
): Promise<T> {
  throwIfAborted(signal)
  const own = new AbortController()
  let settle: (error: Error) => void = () => undefined
  const ended = new Promise<never>((_, reject) => {
    settle = reject
  })
  ended.catch(() => undefined)
  const end = (error: Error) => {
    settle(error)
    own.abort(error)
  }
  const onAbort = () => end(aborted(signal as AbortSignal))
  const cancel = clock.after(ms, () =>
    end(new CommonError('DEADLINE', `${what} took longer than ${ms} ms.`, { data: { what, ms } })),
  )
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([Promise.resolve(work(own.signal)), ended])
  } finally {
    cancel()
    signal?.removeEventListener('abort', onAbort)
  }
}

/** Polls `condition` until it gives something other than false, undefined or null. For tests and start-up. */
export async function until<T>(
  what: string,
  ms: number,
  condition: () => Promise<T | false | undefined | null> | T | false | undefined | null,
  { signal, clock = systemClock, everyMs = 25 }: WaitOptions & { everyMs?: number } = {},
): Promise<T> {
  return withDeadline(
    what,
    ms,
    async (inner) => {
      for (;;) {
        const value = await condition()
        if (value !== false && value !== undefined && value !== null) return value
        await sleep(everyMs, { signal: inner, clock })
      }
    },
    { signal, clock },
  )
}
