/** The store of claims and work of one repository, as the tasks see it, and what it needs of git. */
import type { PushOutcome, RefUpdate } from './ref-transport.ts'

/** git, as this file needs it. */
export type RunGit = (
  args: readonly string[],
  options: {
    cwd: string
    auth?: { url: string; token: string }
    signal?: AbortSignal
    timeoutMs?: number
    input?: string
    env?: Record<string, string>
    allowFile?: boolean
  },
) => Promise<string>

/** A commit that a claim ref holds; one that is no commit, or larger than a record, has no message. */
export interface RawTip {
  oid: string
  message: string
  parents: string[]
  /** When it says that it was made, ms: its maker's own clock. */
  at?: number
  /** Why it was not read. */
  unread?: string
  /** The ref that it is about, where that is not the claim ref itself: full name. */
  ref?: string
}

export interface CommitText {
  parents: string[]
  message: string
}

export interface ClaimRepository {
  readonly gitDir: string
  /**
   * Tips of all refs below the prefix, or of those that `names` has, by the name after the prefix.
   * One network call, two when a wanted ref moved; only tips that are new are read, so the number
   * of children does not depend on the number of refs.
   */
  snapshot(signal: AbortSignal, names?: ReadonlySet<string>): Promise<Map<string, RawTip>>
  /**
   * The tip that the last snapshot saw for a name and what stands before it, newest first, at most
   * `limit` and 100. Empty for a name that was not seen or holds no commit. No network.
   */
  history(name: string, limit: number): Promise<RawTip[]>
  /** OID that the remote's ref holds now; undefined when it does not exist. One network call. */
  read(ref: string, signal: AbortSignal): Promise<string | undefined>
  /** Writes a record commit (empty tree, date in UTC) into the local store. No network. */
  mint(message: string, parent: string | null): Promise<string>
  push(updates: RefUpdate[], signal: AbortSignal): Promise<PushOutcome>
  /**
   * Fetches branches; returns the OID of each that exists. One network call, two when one is new here.
   * Errors: `CLAIM_STALE` when the listing does not show the `witness`, so that it may be older.
   */
  fetchBranches(
    branches: string[],
    signal: AbortSignal,
    witness?: { ref: string; oid: string },
  ): Promise<Map<string, string>>
  /**
   * Whether the remote's HEAD, which is its default branch, names another branch than in the first listing
   * of branches, as far as the last one told. No network.
   */
  headMoved?(): boolean
  /** Takes a commit from a local repository. */
  adopt(gitDir: string, oid: string, signal: AbortSignal): Promise<void>
  /** Lets go of an adopted commit. */
  drop(oid: string): Promise<void>
  /** Whether the commit is in the local store. */
  has(oid: string): Promise<boolean>
  /** Whether `newer` builds on `older`; both are in the local store. */
  isAncestor(older: string, newer: string): Promise<boolean>
  /** Both merged, written as a tree; files that git cannot merge hold both sides between markers. No network. */
  mergeTree(
    one: string,
    other: string,
    signal: AbortSignal,
  ): Promise<{ tree: string; conflicts: string[] }>
  /** Writes a commit into the local store. `tree`: a tree, or a commit whose tree it is. No network. */
  commitTree(
    commit: { tree: string; parents: readonly string[]; message: string },
    signal: AbortSignal,
  ): Promise<string>
  /** Which of the files hold a line that begins or ends a conflict. No network. */
  withMarkers(oid: string, paths: readonly string[], signal: AbortSignal): Promise<string[]>
  /** Whether the two commits have any history in common. */
  isRelated(one: string, other: string): Promise<boolean>
  /** A commit in the local store; undefined when it is not there or has more than `maxBytes`. */
  describe(oid: string, maxBytes: number): Promise<CommitText | undefined>
  /** A commit like `oid` with the one parent `onto`, and with another message if one is given. No network. */
  restack(oid: string, onto: string, message?: string): Promise<string>
}
