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
import { openPlace } from './place.ts'
import { emptyMemory, type Floor, type Said } from './floor.ts'
import { createGitHub, type RateLimit } from './github.ts'
import type { Candidate } from './intake.ts'
import type { TasksJournal, TasksMesh, TasksWork } from './needs.ts'
import { findUnfinished } from './recover.ts'
import { resumeRepository } from './resume.ts'
import { turn } from './rounds.ts'

export interface TasksInit extends Settings {
  /** Holds one bare git repository per GitHub repository. */
  dir: string
  name: string
  apiUrl: string
  /** Base of the git remotes, `/owner/name.git` is added. Default: what the API says. */
  gitUrl?: string
  token: string
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

export interface RepoStatus {
  repo: string
  ok: boolean
  /** Wall clock of the last turn that succeeded, ms. */
  lastSuccessMs: number | null
  error: string | null
}

export interface Tasks extends Startable {
  status(): {
    apiUrl: string
    login: string | null
    repos: RepoStatus[]
    rateLimit: RateLimit | null
  }
  slots(): { total: number; used: number }
}

/** How long a claim heard by gossip keeps this agent from trying, ms: the next snapshot knows better. */
const heardMs = 5_000
/** Pause before this agent takes up again what it handed back, ms. */
const backOffMs = 30_000
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
  const active = new Map<
    string,
    { repo: string; issue: number; cancelled: AbortController; ended: Promise<void> }
  >()
  const heard = new RecentMap<string, number>(maxHints)
  const pauses = new RecentMap<string, number>(maxHints)
  const said = new RecentMap<string, string>(maxHints)
  const status = new Map<string, RepoStatus>(
    init.repos.map((repo) => [repo, { repo, ok: false, lastSuccessMs: null, error: null }]),
  )
  let stopping = new AbortController()
  let login: string | null = null
  let turns: Repeating[] = []
  let unsubscribe: () => void = () => undefined
  /** OIDs of claims that nothing of this process works on: of a former run, or of unknown fate. */
  const leftBehind = new RecentMap<string, true>(maxHints)
  const unsettled = new Set<string>()
  const keyOf = (repo: string, issue: number) => `${repo.toLowerCase()}#${issue}`
  const slots = () => ({ total: init.slots, used: active.size })

  async function contextFor(signal: AbortSignal): Promise<Context> {
    if (login === null) {
      login = await github.viewer(signal)
      onChange({ login, slotsUsed: active.size })
    }
    return { settings: init, name: init.name, login, github, journal, mesh, work, logger, clock }
  }

  /** Holds what the journal says was begun against the claim refs: after a start, and after an unknown fate. */
  async function settle(context: Context, place: RepoContext, signal: AbortSignal): Promise<void> {
    const begun = await findUnfinished(journal, mesh.peerId)
    const idle = begun.filter((task) => !active.has(keyOf(task.repo, task.issue)))
    for (const oid of await resumeRepository(context, place, idle, signal))
      leftBehind.set(oid, true)
    unsettled.delete(place.repo)
  }

  /** Every turn of one repository; what the first needs is made in it, so that a failure is tried again. */
  function turnsOf(repo: string): Repeating {
    const memory = emptyMemory()
    let place: RepoContext | undefined
    const report = (change: Partial<RepoStatus>) =>
      status.set(repo, {
        repo,
        ok: false,
        lastSuccessMs: status.get(repo)?.lastSuccessMs ?? null,
        error: null,
        ...change,
      })
    return repeat(
      async (signal) => {
        const context = await contextFor(signal)
        if (place === undefined) {
          place = await openPlace(init, { git, verify, signer: mesh, clock }, context, repo, signal)
          unsettled.add(repo)
        }
        if (unsettled.has(repo)) await settle(context, place, signal)
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
          if (hasCode(error, 'GITHUB_NOT_FOUND')) place = undefined
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
      heardClaimed: (repo, issue) =>
        (heard.get(keyOf(repo, issue)) ?? -Infinity) > clock.monotonic() - heardMs,
      notBefore: (repo, issue) => pauses.get(keyOf(repo, issue)) ?? -Infinity,
      abandoned: (oid, previous) =>
        leftBehind.has(oid) || (previous !== null && leftBehind.has(previous)),
      say,
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
        if (outcome === 'unknown') unsettled.add(job.place.repo)
        if (outcome === 'released' || outcome === 'unknown')
          pauses.set(key, clock.monotonic() + backOffMs)
        onChange({ login, slotsUsed: active.size })
        for (const one of turns) one.wake()
      })
    active.set(key, { repo: job.place.repo, issue: job.issue.number, cancelled, ended })
    onChange({ login, slotsUsed: active.size })
  }

  /** Each fact once, until it changes. */
  async function say(fact: Said): Promise<void> {
    if (fact.is === 'seen') {
      const { issue, repo, needs } = fact
      const title = issue.title.slice(0, 250)
      const labels = issue.labels.slice(0, 100).map((label) => label.slice(0, 250))
      if (!isNews(`seen ${keyOf(repo, issue.number)}`, JSON.stringify([title, labels]))) return
      await journal.append({
        type: 'issue.seen',
        task: { repo, issue: issue.number },
        title,
        labels,
        needs,
      })
      return
    }
    const { repo, issue, needs, reason } = fact
    if (!isNews(`waiting ${keyOf(repo, issue)}`, reason)) return
    await journal.append({
      type: 'task.waiting',
      task: { repo, issue },
      needs,
      reason: reason.slice(0, 3_900),
    })
  }

  function isNews(key: string, value: string): boolean {
    if (said.get(key) === value) return false
    said.set(key, value)
    return true
  }

  const lifecycle = new Lifecycle(
    async () => {
      stopping = new AbortController()
      await contextFor(stopping.signal).catch((error: unknown) => {
        if (hasCode(error, 'GITHUB_UNAUTHORIZED')) throw error
        logger.warn({ event: 'github.start', err: explain(error) }, 'GitHub does not answer yet')
      })
      unsubscribe = mesh.heard((announcement) => {
        const key = keyOf(announcement.repo, announcement.issue)
        if (announcement.event === 'claimed') heard.set(key, clock.monotonic())
        else heard.delete(key)
      })
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
    status: () => ({
      apiUrl: init.apiUrl,
      login,
      repos: [...status.values()],
      rateLimit: github.rateLimit(),
    }),
  }
}
