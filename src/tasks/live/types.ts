/** What the live probe finds out, and what it needs. */
import type { RunGit } from '../claim/repository-types.ts'

export interface LiveInit {
  apiUrl: string
  gitUrl?: string
  token: string
  userAgent: string
  /** Of an App, of whom GitHub's answers do not say who it is and what it may do; `missing`: what it lacks. */
  app?: { login: string; missing: readonly string[] }
  /** Who is to be assigned. Default: who signs in. */
  assignee?: string
  /** owner/name */
  repo: string
  /** An issue to use instead of a scratch one; it is left as it was, and not closed. */
  issue?: number
  /** The configured namespace of claims; the probe's refs stand beside it. */
  refPrefix: string
  /** For a local store of git objects; removed by who made it. */
  dir: string
}

export interface LiveComponents {
  git: RunGit
  /** Called before each step, and once before the clean-up, for a person who waits. */
  onStep?: (title: string) => void
}

/** `yes`: as it should be. `no`: not so on this GitHub. `unknown`: could not be found out. */
export type LiveResult = 'yes' | 'no' | 'unknown'

export interface LiveStep {
  /** Stable: `git.custom.race`. */
  id: string
  title: string
  result: LiveResult
  /** What was seen, for a person; one line. */
  seen: string
}

export interface Recommendation {
  transport: 'git' | 'rest'
  refPrefix: string
  /** Why this one, and why not one that would come before it. */
  why: string
}

export interface LiveReport {
  repo: string
  apiUrl: string
  login: string | null
  issue: { number: number; url: string; scratch: boolean } | null
  steps: LiveStep[]
  /** Null when claims cannot be made on this GitHub, or it could not be found out. */
  recommended: Recommendation | null
  /** What the clean-up could not remove, and what to type. */
  left: { what: string; next: string }[]
  /** The probe was asked to stop, or failed, before its end. */
  incomplete: string | null
}
