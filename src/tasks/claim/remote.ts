/** git against the remote, from the local store: the only place where the token meets git. */
import type { RunGit } from './repository.ts'

export interface RemoteInit {
  /** The local bare store. */
  gitDir: string
  url: string
  token: string
}

export type Remote = (args: string[], signal: AbortSignal) => Promise<string>

/** Limit of one command against the remote, ms: slow links and large histories, not hangs. */
export const networkTimeoutMs = 120_000

export function createRemote({ gitDir, url, token }: RemoteInit, git: RunGit): Remote {
  const auth = { url: new URL('/', url).href, token }
  return (args, signal) => git(args, { cwd: gitDir, auth, signal, timeoutMs: networkTimeoutMs })
}
