/** What the tasks need from their siblings: as little as possible, declared here, passed in by `agent.ts`. */
import type { EntryInput, JournalEntry, LoggedEntry } from '../journal/index.ts'
import type { Permit } from '../util/index.ts'
import type { IssuesTick, LimitReport, TaskAnnouncement } from '../mesh/index.ts'
import type { Candidate } from './intake/intake.ts'
import type { Instructions } from './intake/instructions.ts'

export interface TasksJournal {
  head(): { key: string; epoch: number; length: number }
  /** Merkle tree hash (hex) at that length; a journal without proofs has none. */
  treeHashAt?(length: number): Promise<string>
  append(entry: EntryInput, options?: { durable?: boolean }): Promise<JournalEntry>
  read(query: {
    agent?: string
    task?: { repo: string; issue: number }
    types?: readonly EntryInput['type'][]
  }): AsyncIterable<LoggedEntry>
  tail(query: object, signal: AbortSignal): AsyncIterable<LoggedEntry>
}

/** One topic of the mesh. `from`: the peer that signed the message. */
export interface Topic<T> {
  publish(message: T): Promise<void>
  subscribe(handler: (message: T, from: string) => void): () => void
}

export interface TasksMesh {
  readonly peerId: string
  readonly incarnation: string
  sign(data: Uint8Array): Promise<Uint8Array>
  /** Peers that are connected and work issues. */
  candidates(): Candidate[]
  tell(announcement: TaskAnnouncement): Promise<void>
  heard(handler: (announcement: TaskAnnouncement, from: string) => void): () => void
  /** Without them each agent looks for itself, and counts its own requests only. */
  issues?: Topic<IssuesTick>
  limits?: Topic<LimitReport>
}

export interface CheckResult {
  name: string
  outcome: 'passed' | 'failed' | 'timeout' | 'error'
  exitCode?: number
  durationMs: number
  tail: string
  outputSha256: string
}

export interface ChangedWork {
  outcome: 'changed'
  gitDir: string
  head: string
  files: { path: string; insertions: number; deletions: number }[]
  summary: string
  checks: CheckResult[]
  executor: string
}

export interface FailedWork {
  outcome: 'failed'
  code: string
  reason: string
  tried: string[]
  checks: CheckResult[]
  executor?: string
  /** When it may go better, wall clock, ms since 1970. */
  retryAt?: number
  /** What the executor asked, with `STUCK`. */
  question?: string
  /** Its last words. */
  said?: string
  /** What stands in the workspace, as far as it may leave; until `dispose`. */
  left?: WorkLeft
  /** Requests for help that were made in vain, each with the command that shows it. */
  requests?: { text: string; command: string }[]
  /** With them: what shows all that the agents wrote of the task. */
  logs?: string
}

export type WorkOutcome = (ChangedWork | FailedWork) & {
  durationMs: number
  dispose(): Promise<void>
}

/** Money in millionths of a US dollar. */
interface Usage {
  inputTokens?: number
  outputTokens?: number
  costMicros?: number
}

export type WorkProgress =
  | {
      type: 'executor.started'
      executor: string
      kind: string
      sandbox: string
      reason?: string
    }
  | { type: 'executor.output'; sha256: string; bytes: number; truncated: boolean }
  | {
      type: 'executor.ended'
      executor: string
      outcome: string
      exitCode?: number
      durationMs: number
      usage?: Usage
    }
  | { type: 'executor.session'; executor: string; how: 'new' | 'resumed' | 'lost' }
  | {
      type: 'executor.activity'
      executor: string
      tools: { kind: string; status: string; sha256: string }[]
      moreTools: number
      plan?: { steps: number; done: number; sha256: string }
      files?: { count: number; sha256: string }
      permissions?: { allowed: number; denied: number }
      usage?: Usage
    }
  | {
      type: 'executor.asked'
      executor: string
      question: string
      kind: string
      sha256: string
      deadlineMs: number
    }
  | {
      type: 'executor.permission'
      executor: string
      kind: string
      sha256: string
      allowed: boolean
      by: 'rule' | 'default' | 'person' | 'deadline' | 'nobody' | 'end'
      question?: string
    }
  | {
      type: 'executor.network'
      report: {
        refused: { host: string; port: number; reason: string; count: number }[]
        more: number
        allowed: { host: string; port: number; count: number }[]
        bytes: number
      }
    }
  | { type: 'check.run'; result: CheckResult }
  | { type: 'progress'; text: string }

/** What attempts at an issue used, those before included. */
export interface Used {
  wallMs: number
  turns: number
  inputTokens?: number
  outputTokens?: number
  /** Millionths of a US dollar. */
  costMicros?: number
}

/** Unfinished work as it stood at one moment: a commit in `gitDir` whose tree is the work so far. */
export interface WorkCheckpoint {
  gitDir: string
  head: string
  /** `stop`: the work has ended, and this is the last one. */
  why: 'timer' | 'stop'
  files: number
  bytes: number
  /** What was left out, one line each. */
  notes: string[]
  /** What was tried so far, for whoever goes on: at most 8 KiB of cleaned text. */
  digest: string
  used: Used
}

export type WorkLeft = Omit<WorkCheckpoint, 'why'>

export type HelpForm = 'patch' | 'advice' | 'takeover'

/** Whom a task may ask for help; see `asking/asking.ts`. */
export interface Peers {
  /** Requests that the task may still make. */
  left(): number
  /** Rejects only for the signal, which withdraws the request. */
  ask(asked: AskedPeers, signal: AbortSignal): Promise<PeerAnswer>
  /** What became of a patch or of advice. Never rejects. */
  conclude(id: string, outcome: 'used' | 'refused', reason: string): Promise<void>
}

export interface AskedPeers {
  question: string
  /** Default: what the task needs. */
  needs?: readonly string[]
  want: readonly HelpForm[]
  tried: readonly string[]
  /** Longest time for finding a helper and its help, ms. Default: as configured. */
  withinMs?: number
  left?: WorkLeft
  /** Those that failed. */
  checks?: readonly CheckResult[]
}

/** Texts of helpers are hostile. `helper`: its name for people. */
export type PeerAnswer =
  | { is: 'advice'; id: string; helper: string; text: string }
  | { is: 'patch'; id: string; helper: string; peerId: string; patch: string; note: string }
  | { is: 'handed-over'; id: string; helper: string }
  | { is: 'nobody'; id?: string; reason: string }
  | { is: 'exhausted' | 'off'; reason: string }

/** What came of a request while an executor works. */
export type PersonReply =
  | { is: 'advice'; helper: string; text: string }
  | { is: 'patched'; helper: string; files: string[]; note: string }
  | { is: 'handed-over'; helper: string }
  | { is: 'refused'; helper: string; reason: string }
  | { is: 'nobody' | 'exhausted' | 'off' | 'over'; reason: string }

/** `later`: it could not be kept now. `never`: neither this one nor a later one can be. */
export type Kept = 'kept' | 'later' | 'never'

/** The part of the repository's policy that decides about intake; the rest is passed through unread. */
export interface Policy {
  requiredLabels: string[]
  /** Nothing new is taken; says why, or is empty. */
  paused?: string
}

/** Doing the work. `P` is the policy's full type, which only the work knows. */
export interface TasksWork<P extends Policy = Policy> {
  /** Whether a frozen permit stops the work in place; where not, it is aborted at the end of the lease. */
  readonly freezes?: boolean
  readPolicy(gitDir: string, commit: string): Promise<P>
  /** What a task that runs offers its executor; undefined while none runs, or it may ask nobody. */
  tools?(task: {
    repo: string
    issue: number
  }):
    | { askHelp(wanted: { question: string }, signal?: AbortSignal): Promise<PersonReply> }
    | undefined
  choose(
    instructions: Instructions,
    policy: P,
    about?: { repo: string; issue: number; labels: readonly string[] },
  ): { executor: string } | { reason: string; code: string; retryAt?: number }
  run(
    order: {
      id: string
      repo: string
      issue: { number: number; title: string; body: string; labels: string[] }
      attempt: number
      /** No executor runs: what `resume` holds is checked as it is. */
      only?: 'checks'
      source: {
        gitDir: string
        baseBranch: string
        base: string
        resume?: string
        /** Below the checkpoints of `resume`: what the finished commit is built on. */
        onto?: string
      }
      used?: Used
      /** What is known of the earlier attempts. */
      quoted?: { earlier?: string; feedback?: string; advice?: string }
      policy: P
      author: { name: string; email: string }
      coAuthors?: readonly { name: string; email: string }[]
      /** No executor runs: what `source.resume` holds is checked, and becomes the result. */
      verify?: { by: string; summary: string }
      /** Another agent's question is answered instead. */
      help?: { question: string; summary: string; adviceOnly: boolean }
    },
    instructions: Instructions,
    options: {
      signal: AbortSignal
      permit: Permit
      onEvent: (event: WorkProgress) => void
      onCheckpoint?: (checkpoint: WorkCheckpoint, signal: AbortSignal) => Promise<Kept>
      checkpointMs?: number
      peers?: Peers
    },
  ): Promise<WorkOutcome>
}
