/** The service: the turns of all repositories, and what they hear. See the door for what it is for. */
import { explain, hasCode, Lifecycle, systemClock, withDeadline } from '../util/index.ts'
import { keyOf } from './active.ts'
import type { Context, RepoContext } from './context.ts'
import type { Tasks, TasksComponents, TasksInit } from './contract.ts'
import { TasksError } from './errors.ts'
import { createHelping } from './helping/helping.ts'
import { createScratch } from './helping/scratch.ts'
import { rankAll } from './intake/fitness.ts'
import { pausedBy } from './intake/intake.ts'
import { orderView } from './order-view.ts'
import { openPlace } from './look/place.ts'
import { reachableOf, reachOf } from './github/reach.ts'
import { safetyOf } from './look/polling.ts'
import { createShared } from './shared.ts'
import { createTurns, type Turns } from './look/turns.ts'
import { createUpkeepKeeper } from './upkeep/keeper.ts'

/** For GitHub to answer when the agent starts; then it is up without it, ms. */
const firstAnswerMs = 5_000

export function createTasks(init: TasksInit, components: TasksComponents): Tasks {
  const { mesh, git, verify, logger } = components
  const { clock = systemClock, openPlace: ready = openPlace } = components
  const { apiUrl, pollMs, staggerMs } = init
  const safetyMs = safetyOf(init)
  let stopping = new AbortController()
  let unsubscribe: (() => void)[] = []
  const shared = createShared(
    init,
    { ...components, clock },
    {
      stopping: () => stopping.signal,
      wakeAll: () => turns.forEach((one) => one.wake()),
      wake: (repos) => repos.flatMap(turnsOf).forEach((one) => one.wake()),
      askFor: (repo) => turnsOf(repo).forEach((one) => one.hint({ hook: false })),
      saw: (repo, issue) => turnsOf(repo).forEach((one) => one.saw(issue)),
      polls: (repo) => turnsOf(repo).some((one) => one.status().role === 'polls'),
    },
  )
  const {
    github,
    outgoing,
    rehearsal,
    outage,
    headroom,
    hearsay,
    hints,
    active,
    settling,
    openSlots,
    serving,
  } = shared
  const turns: Turns[] = init.repos.map(makeTurns)
  const turnsOf = (repo: string) =>
    turns.filter((one) => one.status().repo.toLowerCase() === repo.toLowerCase())

  function makeTurns(repo: string): Turns {
    const parts = {
      clock,
      logger,
      outage,
      context: shared.context,
      floor: shared.floor,
      async open(context: Context, signal: AbortSignal): Promise<RepoContext> {
        const given = { git, verify, signer: mesh, clock, github, outgoing }
        const place = await ready(init, given, context, repo, signal)
        settling.due(repo)
        return { ...place, refs: reachOf(place.refs, repo, outage) }
      },
      async settle(context: Context, place: RepoContext, signal: AbortSignal) {
        if (init.dryRun !== true) await settling.settleIfDue(context, place, active.keys(), signal)
        if (settling.isBarred(repo)) throw notAssignable(repo)
      },
      abandon: (reason: string) => {
        for (const issue of active.issues(repo)) active.cancel(repo, issue, reason)
      },
      doubts: () => hearsay.orphaned(repo) || headroom.doubts(),
      matters: (issue: number) =>
        active.has(repo, issue) || (openSlots() > 0 && !hearsay.holds(repo, issue)),
      rota: {
        self: mesh.peerId,
        others: () => serving(repo).map(({ peerId }) => peerId),
        ...(mesh.issues === undefined ? {} : { topic: mesh.issues }),
        full: () => openSlots() <= 0,
        rank: (issue: number) => placeFor(repo, issue),
        stretch: () => {
          const may = headroom.allow('discovery')
          return may.is === 'go' ? may.stretch : Infinity
        },
      },
    }
    const paused = pausedBy(init, repo, {})?.reason
    const why = paused === undefined ? {} : { paused }
    return createTurns({ repo, pollMs, safetyMs, staggerMs, ...why }, parts)
  }

  const helping = createHelping({
    settings: init.help,
    place: (repo) => turnsOf(repo)[0]?.place(),
    context: (signal) => shared.context(signal),
    self: () => shared.self(),
    openSlots,
    hold: () => active.hold(),
    letGo: (task, from) => {
      letGo(task, from)
      turnsOf(task.repo).forEach((one) => one.hint({ hook: false }))
    },
    scratch: createScratch(init.dir, git),
    clock,
    logger,
  })

  const upkeep = createUpkeepKeeper(
    () =>
      turns.flatMap((one) => {
        const { repo, upkeep } = one.place() ?? {}
        return repo === undefined || upkeep === undefined ? [] : [{ repo, upkeep }]
      }),
    { clock, logger },
  )

  /** Place of this agent among those that work the repository, 0 for the first. */
  function placeFor(repo: string, issue: number): number {
    const [self, others] = [shared.self(), mesh.candidates()]
    const order = rankAll({ self, others, repo, issue, needs: [], failures: new Map() })
    return order.find(({ peerId }) => peerId === self.peerId)?.rank ?? 0
  }

  /** A peer said that it lets go of an issue, or that it will. */
  function letGo({ repo, issue }: { repo: string; issue: number }, from: string): void {
    const event = 'released'
    hearsay.heard({ repo, issue, event }, from)
    hints.note(keyOf(repo, issue), event)
    for (const one of turnsOf(repo)) one.released(issue, from)
  }

  function notAssignable(repo: string): TasksError {
    const who = shared.login() ?? 'this login'
    const text = `GitHub does not let ${who} be assigned to issues of ${repo}.`
    const next =
      'Give it write access to the repository, and its token or App the permission issues: write; or name another login in github.assignee. `bzzz doctor --live` tells which is missing.'
    return new TasksError('NOT_ASSIGNABLE', text, { data: { repo }, next })
  }

  function listen(): (() => void)[] {
    const nothing = () => undefined
    return [
      mesh.heard((announcement, from) => {
        if (announcement.event === 'released') return letGo(announcement, from)
        hearsay.heard(announcement, from)
        hints.note(keyOf(announcement.repo, announcement.issue), announcement.event)
      }),
      mesh.issues?.subscribe((tick, from) => {
        for (const one of turnsOf(tick.repo)) one.heard(tick, from)
      }) ?? nothing,
      mesh.limits?.subscribe((report, from) => headroom.heard(report, from)) ?? nothing,
    ]
  }

  const lifecycle = new Lifecycle(
    async () => {
      stopping = new AbortController()
      const { signal } = stopping
      const first = (inner: AbortSignal) => shared.context(inner)
      await withDeadline('GitHub’s first answer', firstAnswerMs, first, { signal, clock }).catch(
        (error: unknown) => {
          if (hasCode(error, 'GITHUB_UNAUTHORIZED')) throw error
          if (hasCode(error, 'DEADLINE')) outage.failed('api', explain(error))
          if (outage.down() !== null) return
          logger.warn({ event: 'github.start', err: explain(error) }, 'GitHub does not answer yet')
        },
      )
      unsubscribe = listen()
      await Promise.all(turns.map((one) => one.start()))
      await upkeep.start()
    },
    async () => {
      for (const end of unsubscribe) end()
      stopping.abort(new Error('the agent stops'))
      await upkeep.stop()
      await Promise.all(turns.map((one) => one.stop()))
      await active.ended()
    },
  )

  return {
    start: () => lifecycle.start(),
    stop: () => lifecycle.stop(),
    helping,
    slots: () => ({ ...shared.slots(), used: active.used() }),
    look: ({ repo, issue }) => ({
      ...(turnsOf(repo)[0]?.order(issue) ?? orderView(undefined, issue)),
      ...(init.dryRun === true ? { planned: [...rehearsal.planned(repo, issue)] } : {}),
    }),
    hint: ({ repo }) => {
      for (const one of turnsOf(repo)) one.hint({ hook: true })
    },
    status: () => {
      const viewer = shared.viewer()
      return {
        apiUrl,
        login: shared.login(),
        ...(viewer === undefined ? {} : { viewer }),
        repos: turns.map((one) => one.status()),
        rateLimit: headroom.limit() ?? github.rateLimit(),
        reach: reachableOf(outage, headroom),
        hooks: turns.some((one) => one.hooks()),
      }
    },
  }
}
