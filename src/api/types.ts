/**
 * What the agent's API answers, and what it needs from the agent to answer it. Rows are made for
 * people and programs: plain JSON, stable names, no secrets. Types only, so that clients load
 * nothing.
 */
import type { Reach as NetworkReach } from '../mesh/types.ts'
import type { Capabilities } from '../mesh/wire.ts'
import type {
  BundleQuery,
  JournalState,
  KeptOfOthers,
  LoggedEntry,
  Query,
  Verification,
} from '../journal/types.ts'
import type { HelpSources } from './help/types.ts'
import type { MembershipSources, MembershipStatus, Role } from './membership-types.ts'
import type { LimitView, Question, Spent, StandingView } from '../work/types.ts'
import type { TaskDetail, TaskRow, TaskState, WebhooksStatus } from '../tasks/types.ts'

export type {
  BundleQuery,
  JournalState,
  LoggedEntry,
  NetworkReach,
  Query,
  Question,
  TaskDetail,
  TaskRow,
  TaskState,
  Verification,
}
export type * from './help/types.ts'
export type * from './membership-types.ts'

export interface RepositoryStatus {
  /** owner/name */
  repo: string
  /** False when the last look at it failed. */
  ok: boolean
  /** Wall clock of the last look that succeeded, ms since 1970; null before the first. */
  lastSuccessMs: number | null
  /** What the last look failed with; null when it did not. */
  error: string | null
  /** Why nothing new is taken there, as far as known; null when it is. */
  paused: string | null
  /** Who looks for all: this agent, or this one when the first is silent; others follow what those say. */
  role?: 'polls' | 'stands by' | 'follows'
}

export interface CredentialStatus {
  kind: 'token' | 'app'
  /** Where the token or the App's key came from: "file /etc/bzzz/token"; null until it was read. */
  source: string | null
  /** Wall clock, ms since 1970; null when it does not end or nobody said. */
  expiresAtMs: number | null
  /** What is wrong with it; null when nothing is. */
  error: string | null
}

/** Times are wall clock, ms since 1970. `slow`: a limit is near. `down`: running work goes on within its lease. */
export type Reach =
  | { is: 'ok' }
  | { is: 'slow'; reason: string; takesWork: boolean; untilMs: number | null }
  | { is: 'down'; sinceMs: number; reason: string }

export interface Status {
  name: string
  peerId: string
  version: string
  pid: number
  /** Wall clock of the process start, ms since 1970. */
  startedAtMs: number
  home: string
  roles: string[]
  /** `draining`: asked to stop; it finishes or hands back what it works on. */
  state: 'running' | 'draining'
  /** Peers connected now and peers known; own multiaddrs. */
  mesh: {
    connected: number
    known: number
    addresses: string[]
    /** How others find and reach it; absent from agents that are older. */
    reach?: NetworkReach
    /** Peers (name, or peer id) under whose identity two processes run at once. */
    twins: string[]
    /** Set while most members say that this machine's clock is wrong: what they say less what it says, ms; positive when it is behind. */
    clock?: { offsetMs: number; members: number } | null
  }
  /** The own one. `key` is empty while it was not opened yet. */
  journal: {
    key: string
    epoch: number
    length: number
    state: JournalState
    /** Others' journals as they are kept here, and what was dropped of them. */
    others: KeptOfOthers
    /** Where the own epochs are no chain, for people; empty when they are. */
    branches?: string[]
  }
  membership: MembershipStatus
  /** `full`: why nothing is added although some are free. */
  slots: { total: number; used: number; full?: string }
  /** What keeps this agent from using its executors as it could; absent from agents that are older. */
  work?: {
    /** Executors that are left alone, or on trial after that. */
    standings: StandingView[]
    /** Budgets of a day. Money in millionths of a US dollar, time in ms. */
    budgets: LimitView[]
  }
  /** Requests for help that are under way here, and counts since the start; absent from agents that are older. */
  help?: {
    open: { id: string; role: 'origin' | 'helper' | 'forwarder'; phase: string; leftMs: number }[]
    counters: Record<string, number>
  }
  tasks: Record<TaskState, number>
  /** Own work that stands still because its lease could not be renewed; `sinceMs`: wall clock of the last renewal. */
  frozen: { repo: string; issue: number; sinceMs: number }[]
  github: {
    apiUrl: string
    /** Login whose token is used; null before it is known. */
    /** Whom issues are assigned to. */
    login: string | null
    /** Who signs in, where that is another. */
    viewer?: string
    repos: RepositoryStatus[]
    /** The lowest that agents with this principal know of. */
    rateLimit: { remaining: number; limit: number; resetAtMs: number } | null
    /** With what it signs in; null when it does not. */
    credential: CredentialStatus | null
    /** The receiver; null when it is off. */
    webhooks: WebhooksStatus | null
    reach?: Reach
    /** Webhooks arrive somewhere in the mesh, so that polling is rare. */
    hooks?: boolean
  }
}

export interface PeerRow {
  /** Its own word for itself, else the name under which it was admitted; proves nothing. */
  name: string
  peerId: string
  /** `asking`: no member; it asks a signer here to let it in. */
  standing: 'member' | 'expired' | 'removed' | 'asking'
  /** `alive`: there is a sign of life; `suspect`: it is late; `gone`: it is away. */
  presence: 'alive' | 'suspect' | 'gone'
  connected: boolean
  /** Granted; of one that asks, what it asks for. */
  roles: Role[]
  /** Of one that asks: six words of mesh and peer id, the same on its screen. */
  words: string | null
  /** What its membership rests on; null for one that asks. Times are ms since 1970. */
  record: {
    name: string
    issuedAtMs: number
    expiresAtMs: number
    /** Who signed it: `root`, or the peer id of the signer. */
    by: string
    /** Who let it in at first; null where it is not known any more. */
    admittedBy: string | null
  } | null
  /** Of live connections, else those known. */
  addresses: string[]
  /** Last measured round trip, ms; null when there is none. */
  rttMs: number | null
  capabilities: Capabilities | null
  /** Its journal as it announced it; null until it did. */
  journal: { key: string; length: number } | null
  /** Wall clock of the last sign of life, ms since 1970; null when there was none in this run. */
  lastSeenMs: number | null
}

/** A task with what waits for a person on this machine; absent from agents that are older. */
export type ShownTask = TaskDetail & {
  questions?: Question[]
  /** What its attempts took, as far as the journals there tell. */
  spent?: Spent
}

export interface TaskRef {
  /** owner/name */
  repo: string
  issue: number
}

/** The agent, as far as the API needs it. What rejects with a coded error reaches the client with its code. */
export interface ApiSources {
  status(): Status
  /** All of the roster but oneself, those met, and those that ask. */
  peers(): PeerRow[]
  membership: MembershipSources
  help: HelpSources
  tasks(): TaskRow[]
  task(ref: TaskRef): ShownTask | undefined | Promise<ShownTask | undefined>
  /** Gives the question. Errors: `QUESTION_UNKNOWN`. */
  answer(ref: TaskRef, question: string, answer: 'allow' | 'deny'): Question
  /** What exists now; ends. The signal fires when the client goes. */
  logs(query: Query, signal: AbortSignal): AsyncIterable<LoggedEntry>
  /** What exists, then what comes, until the signal fires. */
  tail(query: Query, signal: AbortSignal): AsyncIterable<LoggedEntry>
  /** What the journals hold, with proofs, as the lines of a file. */
  bundle(query: BundleQuery): AsyncIterable<object>
  /** Agent name or peer id; all journals without. */
  verify(agent?: string): Promise<Verification[]>
  /** Begins a graceful stop and returns at once. */
  stop(): void
}

export interface LogQuery {
  /** Agent name or peer id. */
  agent?: string
  task?: { repo?: string; issue: number }
  /** Entry types, or the part before the dot for all of a group: `claim.won`, `claim`. */
  types?: readonly string[]
  /** Wall-clock ms since 1970. */
  since?: number
  until?: number
  /** Only the last so many, at most 100,000. */
  last?: number
}

/** Body of every answer that is not 2xx, and last line of a log stream that broke. */
export interface ErrorEnvelope {
  error: { code: string; message: string; next?: string; data?: Readonly<Record<string, unknown>> }
}
