/** What all steps of a task share, and the small steps that several of them take. */
import { explain, hasCode, sleep, type Clock, type Logger } from '../util/index.ts'
import type { TaskAnnouncement } from '../mesh/index.ts'
import type { Claims, Moved } from './claim/claims.ts'
import type { ClaimState } from './claim/record.ts'
import type { ClaimRepository, RefUpdate } from './claim/repository.ts'
import type { GitHub, Issue, Repository } from './github.ts'
import type { IntakeRules } from './intake.ts'
import type { Instructions } from './instructions.ts'
import type { Lease } from './lease.ts'
import type { Policy, TasksJournal, TasksMesh, TasksWork } from './needs.ts'
import type { Signature } from './texts.ts'

export interface Settings {
  trigger: string
  failed: string
  branchPrefix: string
  refPrefix: string
  leaseMs: number
  staggerMs: number
  pollMs: number
  maxAttempts: number
  slots: number
}

/** One repository as it was found at start or at the last successful turn. */
export interface RepoContext {
  repo: string
  info: Repository
  refs: ClaimRepository
  claims: Claims
}

export interface Context {
  settings: Settings
  name: string
  login: string
  github: GitHub
  journal: TasksJournal
  mesh: TasksMesh
  work: TasksWork
  logger: Logger
  clock: Clock
}

/** An issue that this agent decided to try, with all that the decision stands on. */
export interface Job {
  place: RepoContext
  issue: Issue
  instructions: Instructions
  /** The claim is made only to say that this cannot be done: unusable instructions, too many attempts. */
  refusal?: { code: string; reason: string; tried: string[] }
  /** The rules under which the issue was found eligible; they hold until the end. */
  rules: IntakeRules
  policy: Policy
  base: string
  attempt: number
  strikes: number
  previous: string | null
  takeover: boolean
}

export type Outcome = 'done' | 'failed' | 'lost' | 'released' | 'cancelled' | 'unknown'

/** A task between claim and end. */
export interface Held {
  job: Job
  lease: Lease
  /** Monotonic ms. */
  startedAt: number
  /** What the closing record says: rises when this machine, not the task, was at fault. */
  strikes: number
  /** OIDs of closing records that say `done` and may have arrived; not empty: publication has begun. */
  intents: Set<string>
  signal: AbortSignal
}

export const taskOf = (job: Job) => ({ repo: job.place.repo, issue: job.issue.number })
export const branchOf = (context: Context, job: Job) =>
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

/**
 * Ends the claim: moves the ref from the newest record to `state`, with other refs in the same
 * push. A renewal whose answer was lost may stand in between; then the move is tried from there.
 */
export async function close(
  held: Held,
  state: ClaimState,
  also: RefUpdate[],
  signal: AbortSignal,
  onPrepared: (oid: string) => Promise<void> = async () => undefined,
): Promise<Moved> {
  const { lease, job } = held
  await lease.stop()
  const pending = lease.pending
  let last: Moved = { is: 'lost', holder: undefined }
  for (const previous of [lease.claim.oid, ...(pending === undefined ? [] : [pending])]) {
    const prepared = await job.place.claims.prepare({
      ...taskOf(job),
      attempt: job.attempt,
      strikes: held.strikes,
      previous,
      state,
    })
    await onPrepared(prepared.oid)
    last = await job.place.claims.move(prepared, also, signal)
    if (last.is !== 'lost' || last.holder !== pending) break
  }
  return last
}

/** Who did it and where it is written: the newest own journal entry, unless another is named. */
export function signatureOf(context: Context, job: Job, seq?: number): Signature {
  const { key, epoch, length } = context.journal.head()
  const journal = { key, epoch, seq: seq ?? Math.max(0, length - 1) }
  return { agent: context.name, peerId: context.mesh.peerId, attempt: job.attempt, journal }
}

/** Pause between tries while GitHub does not answer, ms. */
export const patienceMs = 15_000

/** Tries again for as long as GitHub is out of reach or its limit is used up; other errors go on. */
export async function patiently<T>(
  context: Context,
  job: Job,
  signal: AbortSignal,
  step: () => Promise<T>,
): Promise<T> {
  for (;;) {
    try {
      return await step()
    } catch (error) {
      if (!hasCode(error, 'GITHUB_UNREACHABLE') && !hasCode(error, 'GITHUB_RATE_LIMITED'))
        throw error
      context.logger.warn(
        { event: 'github.wait', ...taskOf(job), err: explain(error) },
        'GitHub does not answer; trying again',
      )
      await sleep(patienceMs, { signal, clock: context.clock })
    }
  }
}

export const elapsed = (context: Context, held: Pick<Held, 'startedAt'>) =>
  Math.round(context.clock.monotonic() - held.startedAt)

/** Cuts text to what a journal entry's field holds. */
export const short = (text: string, max = 250) =>
  text.length > max ? `${text.slice(0, max - 1)}…` : text
