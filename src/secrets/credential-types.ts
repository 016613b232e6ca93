/** What a credential can do, whichever kind it is. */

/** Where a token is to be used. */
export interface At {
  /** owner/name; an App has a token of its own in each account. */
  repo?: string
  signal?: AbortSignal
}

export interface CredentialStatus {
  kind: 'token' | 'app'
  /** Where the secret came from, for people; null until it was read. */
  source: string | null
  /** When the token (of an App: the next one) ends, wall clock in ms; null when it does not or nobody said. */
  expiresAtMs: number | null
  /** Why there is no other token yet although one is needed; null when all is well. */
  error: string | null
}

export interface AnyCredential {
  /** Reads the secret, so that a missing one is known before anything starts. No network. */
  check(signal?: AbortSignal): Promise<void>
  /** The token of now. Use it for one call. Errors: those of `resolveSecret`, `APP_…`. */
  token(at: At): Promise<string>
  /**
   * GitHub answered 401 to this token. True: there is another one now, so the call may be made once
   * more. Errors: as `token`.
   */
  refused(token: string, at: At): Promise<boolean>
  /** GitHub took the token, and may have said when it ends (wall clock, ms). */
  accepted(expiresAtMs?: number): void
  status(): CredentialStatus
}
