/** Steps that are taken one at a time, in the order in which they were asked for. */
export interface Turns {
  /** Not taken once the signal has fired. Rejects as the step does. */
  take(step: () => Promise<void>): Promise<void>
  /** Resolves when none is being taken. */
  idle(): Promise<void>
}

/** `onFailure`: called for each step that failed before the signal fired. */
export function createTurns(signal: AbortSignal, onFailure: (error: unknown) => void): Turns {
  let last: Promise<void> = Promise.resolve()
  return {
    take(step) {
      const next = last.then(async () => {
        if (!signal.aborted) await step()
      })
      last = next.catch((error: unknown) => {
        if (!signal.aborted) onFailure(error)
      })
      return next
    },
    idle: () => last,
  }
}
