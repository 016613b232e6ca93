/** Signals of an attempt that ends from outside: when the work stops, and how long handing it back may take. */
import type { Clock } from '../../util/index.ts'

/** Time that handing work back may take once the agent stops, ms. */
export const handBackMs = 15_000

/** A cancellation counts while the work runs; before and after, the steps look at the issue themselves. */
export async function untilCancelled<T>(
  cancelled: AbortSignal,
  ending: AbortController,
  step: () => Promise<T>,
): Promise<T> {
  const end = () => ending.abort(cancelled.reason)
  if (cancelled.aborted) end()
  cancelled.addEventListener('abort', end, { once: true })
  try {
    return await step()
  } finally {
    cancelled.removeEventListener('abort', end)
  }
}

/** A signal that fires `handBackMs` after the other one. */
export function graceAfter(
  signal: AbortSignal,
  clock: Clock,
): { signal: AbortSignal; clear: () => void } {
  const late = new AbortController()
  let cancel: () => void = () => undefined
  const arm = () => {
    cancel = clock.after(handBackMs, () => late.abort(signal.reason))
  }
  if (signal.aborted) arm()
  else signal.addEventListener('abort', arm, { once: true })
  return {
    signal: late.signal,
    clear: () => {
      signal.removeEventListener('abort', arm)
      cancel()
    },
  }
}
