/** Looking for secrets in what is about to leave this machine. */

/** A piece of text that would become visible: the added lines of a file, a name, a message. */
export interface ScanPart {
  /** For people: a path, "commit message", "title of the pull request". */
  where: string
  text: string
  /** Line number, from 1, of each line of `text` in the file that it is from. Default: as they stand. */
  lines?: readonly number[]
}

export interface SecretHit {
  where: string
  /** From 1. */
  line: number
  /** What it was found to be: a rule's name, or `held: GitHub token` for a value of this agent. */
  rule: string
  /** Place in the part's text. */
  start: number
  end: number
}

export interface SecretScanner {
  /**
   * At most 100 hits. Errors: `SCAN_FAILED` when it takes too long or there is too much: what was not
   * looked at must not leave. `ABORTED`.
   */
  scan(parts: readonly ScanPart[], signal?: AbortSignal): Promise<SecretHit[]>
  /** The text with every hit replaced by "[secret]"; all of it when it could not be scanned. */
  mask(text: string, signal?: AbortSignal): Promise<string>
  /** Ends what it runs. Idempotent; it can be used again afterwards. */
  stop(): Promise<void>
}
