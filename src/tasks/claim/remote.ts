/**
 * git against the remote, from the local store: the only place where the token meets git. The token
 * is asked for before each command; one that the remote refuses is replaced once, if there is another.
 */
import type { Credential } from '../../secrets/index.ts'
import { CodedError } from '../../util/index.ts'
import { openGate, type Outgoing } from '../outgoing/outgoing.ts'
import { credentialOf } from '../github/principal.ts'
import type { RunGit } from './repository-types.ts'

export interface RemoteInit {
  /** The local bare store. */
  gitDir: string
  url: string
  token: string | Credential
  /** owner/name, for a credential that has several tokens. */
  repo?: string
  /** Asked before every command. Default: lets all pass. */
  outgoing?: Outgoing
}

export type Remote = (args: string[], signal: AbortSignal) => Promise<string>

/** Limit of one command against the remote, ms: slow links and large histories, not hangs. */
export const networkTimeoutMs = 120_000

export function createRemote(init: RemoteInit, git: RunGit): Remote {
  const { gitDir, url, token, repo, outgoing = openGate } = init
  const credential = credentialOf(token)
  const base = new URL('/', url).href
  return async (args, signal) => {
    outgoing.git(args)
    const at = { signal, ...(repo === undefined ? {} : { repo }) }
    const run = (current: string) =>
      git(args, {
        cwd: gitDir,
        auth: { url: base, token: current },
        signal,
        timeoutMs: networkTimeoutMs,
      })
    const current = await credential.token(at)
    try {
      return await run(current)
    } catch (error) {
      if (!isUnauthorized(error) || !(await credential.refused(current, at))) throw error
      return run(await credential.token(at))
    }
  }
}

/** What git says after a 401: it asks for a password, and may not. Nothing was transferred then. */
const refused =
  /Authentication failed for|could not read (Username|Password) for|HTTP 401|error: 401/

function isUnauthorized(error: unknown): boolean {
  return error instanceof CodedError && refused.test(String(error.data['stderr'] ?? ''))
}
