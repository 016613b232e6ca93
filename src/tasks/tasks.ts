/** The service: turns over repositories, running attempts, slots. See the door for what it is for. */
import {
  explain,
  hasCode,
  Lifecycle,
  RecentMap,
  repeat,
  systemClock,
  type Clock,
  type Logger,
  type Repeating,
  type Startable,
} from '../util/index.ts'
import { attempt, type Stop } from './attempt.ts'
import type { Verify } from './claim/record.ts'
import type { RunGit } from './claim/repository.ts'
import type { Context, Job, Outcome, RepoContext, Settings } from './context.ts'
import { TasksError } from './errors.ts'
import { createGates, type GatesInit } from './gates.ts'
import { createHints } from './hints.ts'
import { createPauses } from './pauses.ts'
import { createNews } from './news.ts'
import { openPlace, type PlaceInit } from './place.ts'
import { emptyMemory, type Floor, type RepoMemory } from './floor.ts'
import { createGitHub, type RateLimit } from './github.ts'
import { pausedBy, type Candidate } from './intake.ts'
import { look } from './look.ts'
import type { TasksJournal, TasksMesh, TasksWork } from './needs.ts'
import { findUnfinished } from './recover.ts'
import { resumeRepository } from './resume.ts'
import { turn } from './rounds.ts'
import type { RepoStatus, TaskView } from './types.ts'

export interface TasksInit extends Settings, GatesInit, PlaceInit {
  name: string
  userAgent: string
  /** owner/name of each repository to work. */
  repos: readonly string[]
}

export interface TasksComponents {
  journal: TasksJournal
  mesh: TasksMesh
  work: TasksWork
  git: RunGit
  verify: Verify
  logger: Logger
  /** Of this agent, for `needs:` and rendezvous; free slots are filled in here. */
  self: () => Omit<Candidate, 'freeSlots'>
  /** Called when the login is known, and whenever the number of used slots changes. */
  onChange: (change: { login: string | null; slotsUsed: number }) => void
  clock?: Clock
}

export interface Tasks extends Startable {
  status(): {
    apiUrl: string
    login: string | null
    repos: RepoStatus[]
    rateLimit: RateLimit | null
  }
  slots(): { total: number; used: number }
  /** What only this agent's memory tells of a task. */
  look(ref: { repo: string; issue: number }): TaskView
}

/** Pause before this agent takes up again what it handed back, ms; doubles each time. */
const backOffMs = 30_000
/** The same for a repository in which it cannot be assigned. */
const barredMs = 5 * 60_000
/** Before what could not be settled is looked at again, ms. */
const settleAgainMs = 60_000
/** Issues whose hints are kept; the oldest go first. */
const maxHints = 5_000

export function createTasks(init: TasksInit, components: TasksComponents): Tasks {
  const {
    journal,
    mesh,
    work,
    git,
    verify,
    logger,
    self,
    onChange,
    clock = systemClock,
  } = components
  const github = createGitHub(
    { apiUrl: init.apiUrl, token: init.token, userAgent: init.userAgent },
    { logger },
  )
  const gates = createGates(init, { github, clock })
  const active = new Map<
    string,
    { repo: string; issue: number; cancelled: AbortController; ended: Promise<void> }
  >()
  const memories = new Map<string, RepoMemory>()
  const heard = createHints(maxHints, clock)
  const pauses = createPauses(backOffMs, maxHints, clock)
  const say = createNews(journal, maxHints)
  const status = new Map<string, RepoStatus>(
    init.repos.map((repo) => [
      repo,
      { repo, ok: false, lastSuccessMs: null, error: null, paused: null },
    ]),
  )
  let stopping = new AbortController()
  let login: string | null = null
  let turns: Repeating[] = []
  let unsubscribe: () => void = () => undefined
  /** OIDs of claims that nothing of this process works on: of a former run, or of unknown fate. */
  const leftBehind = new RecentMap<string, true>(maxHints)
  /** Repository to the time (monotonic ms) from which its unfinished attempts are to be looked at. */
  const unsettled = new Map<string, number>()
  /** Repositories in which this agent cannot be assigned, and how often that was found. */
  const barred = createPauses(barredMs, maxHints, clock)
  const keyOf = (repo: string, issue: number) => `${repo.toLowerCase()}#${issue}`
  const slots = () => ({ total: init.slots, used: active.size })

  async function contextFor(signal: AbortSignal): Promise<Context> {
    if (login === null) {
      const viewer = await github.viewer(signal)
      login = init.assignee ?? viewer
      onChange({ login, slotsUsed: active.size })
    }
    const parts = { github, gates, journal, mesh, work, logger, clock }
    return { settings: init, name: init.name, login, ...parts }
  }

  /** Holds what the journal says was begun against the claim refs: after a start, and after an unknown fate. */
  async function settle(context: Context, place: RepoContext, signal: AbortSignal): Promise<void> {
    unsettled.delete(place.repo)
    const running = new Set(active.keys())
    try {
      const begun = await findUnfinished(journal, mesh.peerId)
      const idle = begun.filter((task) => !running.has(keyOf(task.repo, task.issue)))
      const { left, again } = await resumeRepository(context, place, idle, signal)
      for (const oid of left) leftBehind.set(oid, true)
      if (again) unsettled.set(place.repo, clock.monotonic() + settleAgainMs)
    } catch (error) {
      unsettled.set(place.repo, clock.monotonic())
      throw error
    }
  }

  /** Every turn of one repository; what the first needs is made in it, so that a failure is tried again. */
  function turnsOf(repo: string): Repeating {
    const memory = emptyMemory()
    memory.paused = pausedBy(init, repo, {})?.reason
    memories.set(repo.toLowerCase(), memory)
    let place: RepoContext | undefined
    const report = (change: Partial<RepoStatus>) =>
      status.set(repo, {
        repo,
        ok: false,
        lastSuccessMs: status.get(repo)?.lastSuccessMs ?? null,
        error: null,
        paused: memory.paused ?? null,
        ...change,
      })
    return repeat(
      async (signal) => {
        const context = await contextFor(signal)
        if (place === undefined) {
          const parts = { git, verify, signer: mesh, clock, github }
          place = await openPlace(init, parts, context, repo, signal)
          unsettled.set(repo, clock.monotonic())
        }
        if ((unsettled.get(repo) ?? Infinity) <= clock.monotonic())
          await settle(context, place, signal)
        refuseIfBarred(repo)
        await turn(floorOf(context), place, memory, signal)
        report({ ok: true, lastSuccessMs: clock.now() })
      },
      {
        everyMs: init.pollMs,
        maxDelayMs: Math.max(init.pollMs, 60_000),
        clock,
        onError: (error) => {
          const text = explain(error)
          const next =
            error instanceof TasksError && error.next !== undefined ? ` ${error.next}` : ''
          if (status.get(repo)?.error !== `${text}${next}`)
            logger.warn({ event: 'repo.turn', repo, err: text }, `${repo} cannot be worked now`)
          report({ error: `${text}${next}` })
          if (hasCode(error, 'GITHUB_NOT_FOUND') || hasCode(error, 'REPO_EMPTY')) place = undefined
        },
      },
    )
  }

  function floorOf(context: Context): Floor {
    return {
      context,
      self: () => ({ ...self(), freeSlots: init.slots - active.size }),
      freeSlots: () => (stopping.signal.aborted ? 0 : init.slots - active.size),
      isActive: (repo, issue) => active.has(keyOf(repo, issue)),
      activeIssues: (repo) =>
        [...active.values()].filter((one) => one.repo === repo).map((one) => one.issue),
      cancel: (repo, issue, reason) =>
        active
          .get(keyOf(repo, issue))
          ?.cancelled.abort({ why: 'cancelled', reason } satisfies Stop),
      begin: (job) => begin(context, job),
      heardClaimed: (repo, issue) => heard.holds(keyOf(repo, issue)),
      notBefore: (repo, issue) => pauses.until(keyOf(repo, issue)),
      abandoned: (oid, previous) =>
        leftBehind.has(oid) || (previous !== null && leftBehind.has(previous)),
      say,
      wake: (repos) => repos.forEach((repo) => turns[init.repos.indexOf(repo)]?.wake()),
    }
  }

  function begin(context: Context, job: Job): void {
    const key = keyOf(job.place.repo, job.issue.number)
    const cancelled = new AbortController()
    const run = attempt(context, job, { stopping: stopping.signal, cancelled: cancelled.signal })
    const ended = run
      .catch((error: unknown): Outcome => {
        logger.error(
          {
            event: 'task.error',
            repo: job.place.repo,
            issue: job.issue.number,
            err: explain(error),
          },
          'an attempt ended with an error',
        )
        return 'unknown'
      })
      .then((outcome) => {
        active.delete(key)
        settleOutcome(job, key, outcome)
        onChange({ login, slotsUsed: active.size })
        for (const one of turns) one.wake()
      })
    active.set(key, { repo: job.place.repo, issue: job.issue.number, cancelled, ended })
    onChange({ login, slotsUsed: active.size })
  }

  function settleOutcome(job: Job, key: string, outcome: Outcome): void {
    const { repo } = job.place
    if (outcome === 'unknown') unsettled.set(repo, clock.monotonic())
    if (outcome === 'barred') barred.extend(repo)
    if (outcome === 'released' || outcome === 'unknown') pauses.extend(key)
    else pauses.clear(key)
  }

  function refuseIfBarred(repo: string): void {
    if (barred.until(repo) <= clock.monotonic()) return
    throw new TasksError(
      'NOT_ASSIGNABLE',
      `GitHub does not let ${login ?? 'this login'} be assigned to issues of ${repo}.`,
      {
        data: { repo },
        next: 'Give it write access to the repository.',
      },
    )
  }

  const lifecycle = new Lifecycle(
    async () => {
      stopping = new AbortController()
      await contextFor(stopping.signal).catch((error: unknown) => {
        if (hasCode(error, 'GITHUB_UNAUTHORIZED')) throw error
        logger.warn({ event: 'github.start', err: explain(error) }, 'GitHub does not answer yet')
      })
      unsubscribe = mesh.heard(({ repo, issue, event }) => heard.note(keyOf(repo, issue), event))
      turns = init.repos.map(turnsOf)
      await Promise.all(turns.map((one) => one.start()))
    },
    async () => {
      unsubscribe()
      stopping.abort(new Error('the agent stops'))
      await Promise.all(turns.map((one) => one.stop()))
      await Promise.all([...active.values()].map((one) => one.ended))
    },
  )

  return {
    start: () => lifecycle.start(),
    stop: () => lifecycle.stop(),
    slots,
    look: ({ repo, issue }) => look(memories.get(repo.toLowerCase()), issue),
    status: () => ({
      apiUrl: init.apiUrl,
      login,
      repos: [...status.values()],
      rateLimit: github.rateLimit(),
    }),
  }
}
