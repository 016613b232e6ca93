/**
 * How a command in the foreground is asked to end: Ctrl-C (SIGINT), SIGTERM, and SIGHUP when its
 * terminal closes. The first asks; a second Ctrl-C insists. npm hands its child the Ctrl-C that
 * the terminal has sent to that child already, so a second one counts only after a moment.
 */

export type EndSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP'

export const endSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const satisfies readonly EndSignal[]

/** Two Ctrl-C within this time are one, ms. */
const sameMs = 700

export interface EndHandlers {
  /** The first of the signals, once. */
  asked(signal: EndSignal): void
  /** A second Ctrl-C. */
  forced(): void
}

/** What signals come from: the process, but for tests. */
export type SignalSource = Pick<NodeJS.EventEmitter, 'on' | 'off'>

/** Gives what undoes it. `now`: ms, from any start. */
export function onEndSignals(
  handle: EndHandlers,
  source: SignalSource = process,
  now = () => performance.now(),
): () => void {
  let firstAt: number | undefined
  const handlers = endSignals.map((name) => {
    const handler = () => {
      if (firstAt === undefined) {
        firstAt = now()
        handle.asked(name)
      } else if (name === 'SIGINT' && now() - firstAt > sameMs) handle.forced()
    }
    source.on(name, handler)
    return { name, handler }
  })
  return () => {
    for (const { name, handler } of handlers) source.off(name, handler)
  }
}
