/**
 * An agent of the model: the real turns, attempts, leases, publication and recovery of `src/tasks`.
 * What stands here mirrors the service in `src/tasks/tasks.ts`, without its polling, gates and limits,
 * so that each part is at hand: a mutation wraps one. `bench/calls-agent.ts` runs the service itself.
 */
import { attempt, type Stop } from '../../../src/tasks/attempt/attempt.ts'
import { createClaims, type Claims } from '../../../src/tasks/claim/claims.ts'
import type {
  Context,
  FeedbackSettings,
  Job,
  Outcome,
  RepoContext,
} from '../../../src/tasks/context.ts'
import { emptyMemory, type Floor } from '../../../src/tasks/look/floor.ts'
import type { TasksJournal, TasksWork } from '../../../src/tasks/needs.ts'
import { createHints } from '../../../src/tasks/look/hints.ts'
import { createNews } from '../../../src/tasks/news.ts'
import { createPauses } from '../../../src/tasks/pauses.ts'
import { findUnfinished } from '../../../src/tasks/recover/recover.ts'
import { resumeRepository } from '../../../src/tasks/recover/resume.ts'
import { turn } from '../../../src/tasks/look/rounds.ts'
import { nullLogger, repeat, type Repeating } from '../../../src/util/index.ts'
import type { ClaimRepository } from '../../../src/tasks/claim/repository-types.ts'
import type { GitHub } from '../../../src/tasks/github/github.ts'
import type { ReviewCalls } from '../../../src/tasks/github/review-calls.ts'
import { createDesk } from '../../../src/tasks/feedback/desk.ts'
import { gitHubOf, repositoryOf, reviewsOf, type Send } from './clients.ts'
import { workOf } from './executor.ts'
import { deskOf, dyingJournal, dyingRefs, helpingOf, helpSettings, noPatches } from './help.ts'
import { Process } from './scheduler.ts'
import { branchPrefix, failedLabel, needsHuman, refPrefix, repo, trigger } from './server.ts'
import {
  candidate,
  incarnationOf,
  journalOf,
  leaseMs,
  maxRounds,
  meshOf,
  verify,
  type Machine,
  type RunningAgent,
  type World,
} from './world.ts'

const usual = {
  trigger,
  failed: failedLabel,
  stopped: failedLabel,
  priority: [],
  branchPrefix,
  refPrefix,
  leaseMs,
  staggerMs: 500,
  pollMs: 20_000,
  maxAttempts: 3,
  slots: 2,
  feedback: { maxRounds, quietMs: 5_000, needsHuman },
  checkpointMs: 20_000,
}

export function newProcess(world: World, machine: Machine): Process {
  machine.incarnations += 1
  return new Process(world.scheduler, machine.rate, world.random.between(0, 1e6))
}

export const sendOf =
  (world: World, machine: Machine, process: Process): Send =>
  (call, unreachable) =>
    world.network.call(process, machine.cutUntil > world.scheduler.now, { ...call, unreachable })

/** Wraps parts of the agent; see `mutants.ts`. */
export interface Mutation {
  refs?(refs: ClaimRepository, world: World): ClaimRepository
  claims?(claims: Claims): Claims
  github?(github: GitHub, world: World): GitHub
  journal?(journal: TasksJournal): TasksJournal
  work?(work: TasksWork): TasksWork
  reviews?(reviews: ReviewCalls, world: World): ReviewCalls
  feedback?: Partial<FeedbackSettings>
}

export const startAgent = (world: World, machine: Machine) => start(world, machine, {})
export const startMutant = (mutation: Mutation) => (world: World, machine: Machine) =>
  start(world, machine, mutation)

async function start(world: World, machine: Machine, mutation: Mutation): Promise<RunningAgent> {
  const process = newProcess(world, machine)
  const { clock } = process
  const { tuning } = world
  const feedback = { ...usual.feedback, ...mutation.feedback }
  const help = world.init.handing === undefined ? {} : { help: helpSettings }
  const settings = { ...usual, feedback, ...help, ...tuning.settings }
  const send = sendOf(world, machine, process)
  const honest = dyingJournal(journalOf(world, machine, process), world, machine)
  const journal = mutation.journal?.(honest) ?? honest
  const mesh = meshOf(world, machine, process)
  const { server } = world
  const sound = repositoryOf(machine.name, server, send, machine.store, machine.transport)
  const plain = dyingRefs(sound, world, machine)
  const tuned = tuning.refs?.(machine, plain) ?? plain
  const refs = mutation.refs?.(tuned, world) ?? tuned
  const { name, login } = machine
  const incarnation = incarnationOf(machine)
  const identity = { name, login, incarnation, leaseMs: settings.leaseMs }
  const real = createClaims(refs, refPrefix, identity, { signer: mesh, verify, clock })
  const caching: Claims = {
    ...real,
    async decode(where, issue, raw) {
      const known = raw === undefined ? undefined : world.decoded.get(raw.oid)
      const tip = known ?? (await real.decode(where, issue, raw))
      if (raw !== undefined) world.decoded.set(raw.oid, tip)
      return tip
    },
  }
  const claims = mutation.claims?.(caching) ?? caching
  const hub = gitHubOf(name, login, world.server, send, {
    assigning: (issue) => mustHaveHeld(world, machine, issue),
  })
  const tunedHub = tuning.github?.(machine, hub) ?? hub
  const github = mutation.github?.(tunedHub, world) ?? tunedHub
  const honestWork = tuning.work?.(machine, process) ?? workOf(world, machine, process)
  const executor = mutation.work?.(honestWork) ?? honestWork
  const work: TasksWork = {
    ...executor,
    run(order, ...more) {
      mustHaveWon(world, machine, order.issue.number, order.attempt)
      return executor.run(order, ...more)
    },
  }
  const context: Context = {
    settings,
    name,
    login,
    github,
    journal,
    mesh,
    work,
    logger: nullLogger,
    clock,
  }
  if (world.init.handing !== undefined) context.help = deskOf(world, machine, process)
  const desk = createDesk({
    gates: { mayTriage: async () => true } as never,
    ask: () => turns?.wake(),
    clock,
  })
  const reviews = reviewsOf(login, server, send)
  context.reviews = mutation.reviews?.(reviews, world) ?? reviews
  context.opened = (of) => desk.opened(of)
  const place: RepoContext = {
    repo,
    info: { fullName: repo, cloneUrl: '', defaultBranch: 'main', canPush: true },
    refs,
    claims,
    patches: noPatches,
  }

  const stopping = new AbortController()
  const active = new Map<number, { cancelled: AbortController; ended: Promise<void> }>()
  const heard = createHints(100, clock)
  const pauses = createPauses(30_000, 100, clock)
  const leftBehind = new Set<string>()
  const memory = emptyMemory()
  let unsettled = -Infinity
  let turns: Repeating | undefined
  const slots = typeof settings.slots === 'number' ? settings.slots : 1
  const free = () => slots - active.size

  async function settle(signal: AbortSignal): Promise<void> {
    const due = unsettled
    if (due > clock.monotonic()) return
    unsettled = Infinity
    const running = new Set(active.keys())
    try {
      const begun = await findUnfinished(journal, mesh.peerId)
      const idle = begun.filter(({ issue }) => !running.has(issue))
      const { left, again } = await resumeRepository(context, place, idle, signal)
      for (const oid of left) leftBehind.add(oid)
      if (again) unsettled = clock.monotonic() + 60_000
    } catch (error) {
      unsettled = clock.monotonic()
      throw error
    }
  }

  function begin(job: Job): void {
    const issue = job.issue.number
    const cancelled = new AbortController()
    const signals = { stopping: stopping.signal, cancelled: cancelled.signal }
    const ended = attempt(context, job, signals)
      .catch((error: unknown): Outcome => {
        if (error instanceof TypeError) world.violations.push(`an attempt threw: ${error.stack}`)
        return 'unknown'
      })
      .then((outcome) => {
        active.delete(issue)
        if (outcome === 'unknown') unsettled = clock.monotonic()
        if (outcome === 'released' || outcome === 'unknown') pauses.extend(String(issue))
        else pauses.clear(String(issue))
        turns?.wake()
      })
    active.set(issue, { cancelled, ended })
  }

  function letGo({ issue }: { issue: number }): void {
    heard.note(String(issue), 'released')
    if (memory.tips.get(issue)?.tip.is === 'record') memory.tips.delete(issue)
    turns?.wake()
  }

  const floor: Floor = {
    context,
    self: () => candidate(machine, free()),
    freeSlots: () => (stopping.signal.aborted ? 0 : free()),
    isActive: (_, issue) => active.has(issue),
    activeIssues: () => [...active.keys()],
    cancel: (_, issue, reason) =>
      active.get(issue)?.cancelled.abort({ why: 'cancelled', reason } satisfies Stop),
    stop: () => false,
    desk,
    begin,
    heardClaimed: (_, issue) => heard.holds(String(issue)),
    notBefore: (_, issue) => pauses.until(String(issue)),
    abandoned: (oid, previous) =>
      leftBehind.has(oid) || (previous !== null && leftBehind.has(previous)),
    say: createNews(journal, 100),
  }
  const unsubscribe = mesh.heard(({ issue, event }) => {
    if (event === 'released') letGo({ issue })
    else heard.note(String(issue), event)
  })
  const helping = helpingOf({
    place: () => place,
    context: async () => context,
    self: () => floor.self(),
    openSlots: () => floor.freeSlots(),
    letGo,
    clock,
  })
  const onError = (error: unknown) => {
    if (!(error instanceof TypeError)) return
    world.violations.push(`a turn of ${name} threw: ${error.stack ?? error.message}`)
  }
  turns = repeat(
    async (signal) => {
      await settle(signal)
      await turn(floor, place, memory, signal)
    },
    { everyMs: settings.pollMs, maxDelayMs: 60_000, clock, onError },
  )
  await turns.start()
  return {
    process,
    helping,
    idle: () => active.size === 0,
    async stop() {
      unsubscribe()
      stopping.abort(new Error('the agent stops'))
      await turns.stop()
      await Promise.all([...active.values()].map(({ ended }) => ended))
    },
  }
}

/** Only who holds or held the claim may touch the assignees. */
function mustHaveHeld(world: World, machine: Machine, issue: number): void {
  const moves = world.server.refs.get(`${refPrefix}${issue}`) ?? []
  if (!moves.some(({ by }) => by === machine.name))
    world.violations.push(`${machine.name} assigns itself to #${issue} without ever a claim`)
}

/** The claim is in the journal before the executor starts. */
function mustHaveWon(world: World, { name, journal }: Machine, issue: number, attempt: number) {
  const won = journal.some(
    (entry) =>
      entry.type === 'claim.won' && entry.task.issue === issue && entry.attempt === attempt,
  )
  if (!won) world.violations.push(`${name} works #${issue} before its journal says so`)
}
