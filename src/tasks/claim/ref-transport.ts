/**
 * How the refs of the remote are listed, read and moved. Two ways, one compliance suite: `git`
 * (`push --atomic --force-with-lease`) and `rest` (REST for one ref, GraphQL `updateRefs` for several).
 * Objects are read by `git fetch` in both, because a workspace is a clone anyway.
 *
 * No transport decides a claim. An answer may be lost or late, so `unmoved` only means: read the ref.
 */
export interface RefUpdate {
  /** Full ref name. */
  ref: string
  /** OID that it must have now; null: it must not exist. */
  expected: string | null
  next: string
  /** It need not build on what is there, which must be `expected` all the same. Default false. */
  force?: boolean
}

/**
 * `moved`: all refs moved. `unmoved`: none did, or the answer was lost: read the ref to know.
 * `reason` is what git and the server said last, for a person: one line of at most 500 characters.
 * It decides nothing.
 */
export type PushOutcome = { is: 'moved' } | { is: 'unmoved'; error: unknown; reason: string }

export interface RefTransport {
  /** OID by full name of every ref below the prefix, which ends with a slash. */
  list(prefix: string, signal: AbortSignal): Promise<Map<string, string>>
  /** OID that the ref holds now; undefined when it does not exist. Throws when that cannot be told. */
  read(ref: string, signal: AbortSignal): Promise<string | undefined>
  /** Moves all refs or none. The objects are in the local store; the remote is given them first. */
  compareAndSwap(updates: readonly RefUpdate[], signal: AbortSignal): Promise<PushOutcome>
}

/** Author and committer of every claim record; both transports must write the same commit. */
export const recorder = { name: 'bzzz', email: 'bzzz@localhost' } as const
