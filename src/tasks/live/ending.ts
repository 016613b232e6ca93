/** A signal that gives what is under way time to end: a call that is cut may be carried out all the same, after the clean-up has looked. */

/** Fires `ms` after `signal` did, unless it was forgotten. */
export function delayed(
  signal: AbortSignal,
  ms: number,
): { signal: AbortSignal; forget: () => void } {
  const later = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const onAbort = () => {
    timer = setTimeout(() => later.abort(signal.reason), ms)
  }
  if (signal.aborted) onAbort()
  else signal.addEventListener('abort', onAbort, { once: true })
  return {
    signal: later.signal,
    forget() {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
    },
  }
}
