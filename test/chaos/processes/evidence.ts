/**
 * What a run leaves behind on the forge's side, as data: nothing here comes from an agent's own word
 * except what it signed and pushed. `checks.ts` judges it, `gather.ts` reads it.
 */
import type { ClaimRecord } from '../../../src/tasks/claim/record.ts'

/** One move of one ref. Times are the forge's own clock, ms, taken while the ref is locked. */
export interface Move {
  at: number
  ref: string
  /** What git was told to expect there; null: it was absent, or overwritten whatever it held. */
  before: string | null
  /** Null: deleted. */
  after: string | null
  /** Moves of one atomic transaction have the same. */
  transaction: string
}

export interface Commit {
  oid: string
  tree: string
  parents: readonly string[]
  /** Author's name. */
  author: string
  message: string
}

export interface IssueEvent {
  event: string
  /** ms since 1970; GitHub's resolution is a second. */
  at: number
  actor: string
  assignee: string | undefined
}

export interface IssueFacts {
  number: number
  /** The word that its change consists of. */
  word: string
  kind: 'quick' | 'slow' | 'broken'
  open: boolean
  labels: readonly string[]
  assignees: readonly string[]
  events: readonly IssueEvent[]
  /** Of a failed issue: the first line of what was said last. */
  lastComment?: string
}

export interface PullFacts {
  number: number
  open: boolean
  head: string
  base: string
  headOid: string
  body: string
  /** Path and content of each file that differs from the base. */
  files: ReadonlyMap<string, string>
}

/** One run of a chore, by its own signs of life. */
export interface Execution {
  word: string
  agent: string
  pid: number
  from: number
  to: number
}

/** A time in which the harness kept a process from running. */
export interface Disturbance {
  agent: string
  how: 'kill' | 'end' | 'stop'
  from: number
  to: number
}

export interface Evidence {
  leaseMs: number
  marginMs: number
  /** How long after a person took an issue a publication may still arrive, ms. */
  yieldMs: number
  /** Logins of agents, in lower case; whoever else is assigned is a person. */
  agents: ReadonlySet<string>
  issues: readonly IssueFacts[]
  /** In the order in which the forge made them. */
  moves: readonly Move[]
  commits: ReadonlyMap<string, Commit>
  /** Decoded and verified records by OID; a text says why there is none. */
  records: ReadonlyMap<string, ClaimRecord | string>
  pulls: readonly PullFacts[]
  executions: readonly Execution[]
  disturbances: readonly Disturbance[]
}

export const refPrefix = 'refs/bzzz/claims/'
export const branchPrefix = 'bzzz/issue-'
export const trigger = 'bzzz'
export const failedLabel = 'bzzz:failed'
export const emptyTree = '4b825dc642cb6eb9a060e54bf8d69288fbee4904'

export const pathOf = (word: string) => `notes/${word}.txt`
export const contentOf = (word: string) => `the word is ${word}\n`
export const closes = (issue: number) => `Closes #${issue}\n`

/** How an issue stands: what the report counts, and whether there is still something to do. */
export type Ending = 'done' | 'failed' | 'person' | 'unfinished'

export function endingOf(
  { number, open, labels, assignees }: Pick<IssueFacts, 'number' | 'open' | 'labels' | 'assignees'>,
  pulls: readonly Pick<PullFacts, 'body'>[],
  agents: ReadonlySet<string>,
): Ending {
  if (pulls.some(({ body }) => `${body}\n`.startsWith(closes(number)))) return 'done'
  if (assignees.some((login) => !agents.has(login.toLowerCase()))) return 'person'
  if (labels.includes(failedLabel)) return 'failed'
  return open ? 'unfinished' : 'person'
}
