/** What is told of executors: to the journal what they did, to people what they ask and how they are, to peers what this machine can do. */
import type { Usage } from './executor.ts'

export interface Activity {
  /** Tool calls that ended, at most 64; each with the digest of its title. */
  tools: { kind: string; status: string; sha256: string }[]
  /** Tool calls that ended beside those. */
  moreTools: number
  plan?: { steps: number; done: number; sha256: string }
  /** Files that it wrote by way of the agent; `sha256` of their sorted paths, one a line. */
  files?: { count: number; sha256: string }
  /** What it asked for and was told by a rule or the default; what was told apart does not count. */
  permissions?: { allowed: number; denied: number }
  /** Of all its turns until now. */
  usage?: Usage
}

/** What an executor wants a person to decide. Title, command and paths are words of the executor. */
export interface Question {
  /** Eight hexadecimal digits. */
  id: string
  /** owner/name#12 */
  task: string
  executor: string
  /** What it wants to do, in the words of ACP: read, edit, delete, move, search, execute, fetch, other … */
  kind: string
  title: string
  command?: string
  paths: string[]
  /** Wall clock, ms since 1970. */
  askedAtMs: number
  /** It is denied then; wall clock, ms since 1970, later only when the work is frozen meanwhile. */
  deadlineMs: number
}

/** An executor as `bzzz executor ls` shows it. */
export interface ExecutorReport {
  name: string
  kind: 'acp' | 'command' | 'chat' | 'handler' | 'mock'
  /** False for a known coding agent that is not to be used here. */
  configured: boolean
  found: boolean
  version?: string
  models: string[]
  /** Whether it has a login; `unknown` where that cannot be seen from outside. */
  login: 'in' | 'out' | 'unknown' | 'none needed'
  usable: boolean
  /** Why it is not usable, in a sentence. */
  why?: string
  /** What to type or change about it. */
  next?: string
  /** A running agent leaves it alone until then; wall clock, ms since 1970. */
  awayUntilMs?: number
}

export interface Detected {
  executors: {
    name: string
    kind: 'acp' | 'command' | 'chat' | 'handler' | 'mock'
    version?: string
    models: string[]
  }[]
  models: string[]
  languages: { name: string; version?: string }[]
  tools: { name: string; version?: string }[]
  cpu: { cores: number; load1: number }
  memory: { totalBytes: number; freeBytes: number }
  gpu: { name: string; memoryBytes?: number }[]
}
