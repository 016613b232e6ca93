/** What all steps of a task share, and the small steps that several of them take. */
import { explain, type Clock, type Logger } from '../util/index.ts'
import type { TaskAnnouncement } from '../mesh/index.ts'
import type { Claims } from './claim/claims.ts'
import type { ClaimRepository } from './claim/repository-types.ts'
import type { Gates } from './intake/gates.ts'
import type { GitHub, Issue, Repository } from './github/github.ts'
import type { IntakeRules } from './intake/intake.ts'
import type { Instructions } from './intake/instructions.ts'
import type { ReviewCalls } from './github/review-calls.ts'
import type { Round } from './feedback/types.ts'
import type { Lease } from './attempt/lease.ts'
import type { Asking, HelpDesk, HelpSettings } from './asking/desk.ts'
import type { Patches } from './asking/patches.ts'
import type { Policy, TasksJournal, TasksMesh, TasksWork } from './needs.ts'
import type { Signature } from './texts.ts'
import type { Upkeep } from './upkeep/upkeep.ts'

export interface Settings {
  trigger: string
  failed: string
  /** Label of what a person stopped. Default `bzzz:stopped`. */
  stopped?: string
  /** Labels from the highest priority to the lowest; see `priorityOf`. */
  priority: readonly string[]
  branchPrefix: string
  refPrefix: string
  leaseMs: number
  staggerMs: number
  pollMs: number
  /** Longest pause between two own looks, ms; longer in large meshes. Default: ten of `pollMs`. */
  safetyMs?: number
  maxAttempts: number
  /** What happens after a pull request was opened. Default: nothing. */
  feedback?: FeedbackSettings
  /** How agents help each other. Default: they do not. */
  help?: HelpSettings & { people: boolean }
  /** Says what would be written, and writes nothing. Default false. */
  dryRun?: boolean
  /** Tasks worked at once; a function is asked each time, with how many are worked now. */
  slots: number | ((used: number) => { total: number; full?: string })
  /** Between two checkpoints of unfinished work, ms; 0: only when it is stopped. Default 120,000. */
  checkpointMs?: number
  /** owner/name of repositories in which this agent takes nothing new. Default none. */
  paused?: readonly string[]
}

export const stoppedLabel = ({ stopped = 'bzzz:stopped' }: Pick<Settings, 'stopped'>) => stopped

export interface FeedbackSettings {
  /** 0: no rounds of work; drafts become ready and commands are obeyed all the same. */
  maxRounds: number
  /** How long nothing new must be said before a round begins, ms. */
  quietMs: number
  /** Until when pull requests are drafts. Default `never`. */
  drafts?: 'never' | 'always' | 'checks'
  /** What becomes of issues that an executor names. Default `never`. */
  followUps?: 'never' | 'plain' | 'trigger'
  /** Label of a pull request that needs a person. */
  needsHuman: string
  /** Label of an issue whose pull request is to be a draft. */
  draftLabel?: string
}

/** What a person asked in a comment. */
export interface Asked {
  repo: string
  issue: number
  /** Where it stands: the issue's own number, or its pull request's. */
  number: number
  comment: number
  from: string
  question: string
}

/** One repository as it was found at start or at the last successful turn. */
export interface RepoContext {
  repo: string
  info: Repository
  refs: ClaimRepository
  claims: Claims
  /** Without it no patch is given or taken. */
  patches?: Patches
  /** Without it the store grows. */
  upkeep?: Upkeep
}

export interface Context {
  settings: Settings
  name: string
  login: string
  /** Login that the token belongs to, when another one is assigned. Default: `login`. */
  viewer?: string
  /** Takes secrets out of a text. Default: leaves it as it is. */
  mask?: (text: string, signal?: AbortSignal) => Promise<string>
  github: GitHub
  /** What else GitHub is asked before an issue is tried. Default: nothing. */
  gates?: Gates
  journal: TasksJournal
  mesh: TasksMesh
  work: TasksWork
  logger: Logger
  clock: Clock
  /** Told of an issue as GitHub answered with it, so that it need not be read again. */
  saw?: (repo: string, issue: Issue) => void
  /** What is asked and said about pull requests. Without it they are left alone. */
  reviews?: ReviewCalls
  /** Answers `/bzzz ask`, in Markdown; undefined when nobody can. Default: nobody. */
  onAsked?: (asked: Asked, signal: AbortSignal) => Promise<string | undefined>
  /** Asks other agents. Without it a task that is stuck fails. */
  help?: HelpDesk
  /** Told of a pull request that is there from now on. */
  opened?: (of: {
    repo: string
    issue: number
    attempt: number
    pull: { number: number; url: string }
  }) => Promise<void>
}

/** An issue that this agent decided to try, with all that the decision stands on. */
export interface Job {
  place: RepoContext
  issue: Issue
  instructions: Instructions
  /** The claim is made only to say that this cannot be done: unusable instructions, too many attempts. */
  refusal?: { code: string; reason: string; tried: string[] }
  /** Words that the worker must offer. */
  needs?: readonly string[]
  /** The rules under which the issue was found eligible; they hold until the end. */
  rules: IntakeRules
  policy: Policy
  base: string
  attempt: number
  strikes: number
  previous: string | null
  takeover: boolean
  /** Work on what was said about the pull request, not on the issue itself. */
  round?: Round
  /** The claim is made only to let it go at once, to whoever can do the round; says why. */
  handOn?: string
  /** Id of the comment that asked for this attempt. */
  command?: number
  /** Logins of earlier holders of the claim, in lower case: what stands of their assignments goes. */
  earlier?: readonly string[]
}

/** `barred`: this agent cannot be assigned here, whatever the issue. */
export type Outcome = 'done' | 'failed' | 'lost' | 'released' | 'cancelled' | 'unknown' | 'barred'

/** A task between claim and end. */
export interface Held {
  job: Job
  lease: Lease
  /** Monotonic ms. */
  startedAt: number
  /** What the closing record says: rises when this machine, not the task, was at fault. */
  strikes: number
  /** Id of the comment that asked for its end; the closing record names it. */
  command?: number
  /** Publication has begun: what became of it is in the ref, not in this process. */
  publishing: boolean
  signal: AbortSignal
  /** Asks other agents for this attempt. */
  asking?: Asking
  /** Advice that the executor is to work with next; with an id, what became of it is told then. */
  advice?: { id?: string; helper: string; text: string }
  /** A helper goes on with the task: the claim is to be handed to it. */
  handTo?: { id: string; peerId: string }
  /** Ends the executor that works for the sake of `handTo`. */
  handOn?: () => void
  /** Tip of the work branch when somebody deleted it during the work, though it held only checkpoints. */
  deleted?: string
}

export const taskOf = (job: Job) => ({ repo: job.place.repo, issue: job.issue.number })
export const branchOf = (context: Pick<Context, 'settings'>, job: Job) =>
  `${context.settings.branchPrefix}${job.issue.number}`

/** The mesh is only told; nobody's answer matters, so a failure is logged and forgotten. */
export async function tell(
  context: Context,
  job: Job,
  event: TaskAnnouncement['event'],
  oid?: string,
): Promise<void> {
  const announcement = {
    v: 1 as const,
    ...taskOf(job),
    event,
    attempt: job.attempt,
    at: context.clock.now(),
    ...(oid === undefined ? {} : { oid }),
  }
  await context.mesh.tell(announcement).catch((error: unknown) => {
    context.logger.debug({ event: 'task.tell', err: explain(error) }, 'the mesh could not be told')
  })
}

/** Who did it, under which claim, and where it is written: the newest own entry, unless another is named. */
export async function signatureOf(
  context: Context,
  { job, lease }: { job: Job; lease: { claim: { oid: string } } },
  given?: number,
): Promise<Signature> {
  const { key, epoch, length } = context.journal.head()
  const seq = given ?? Math.max(0, length - 1)
  // A comment without it proves less, but a comment there must be.
  const treeHash = await context.journal.treeHashAt?.(seq + 1).catch(() => undefined)
  const journal = { key, epoch, seq, ...(treeHash === undefined ? {} : { treeHash }) }
  const { name, mesh } = context
  return { agent: name, peerId: mesh.peerId, attempt: job.attempt, claim: lease.claim.oid, journal }
}

export const elapsed = (context: Context, held: Pick<Held, 'startedAt'>) =>
  Math.round(context.clock.monotonic() - held.startedAt)

/** Cuts text to what a journal entry's field holds. */
export const short = (text: string, max = 250) =>
  text.length > max ? `${text.slice(0, max - 1)}…` : text
