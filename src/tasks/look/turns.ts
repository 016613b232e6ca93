/**
 * Every turn of one repository: makes ready what the first needs, so that a failure is tried again,
 * asks the rota whether to look, and leaves GitHub alone while it is down.
 */
import {
  explain,
  hasCode,
  repeat,
  type Clock,
  type Logger,
  type Repeating,
  type Startable,
} from '../../util/index.ts'
import { isLeased, keeperOf } from '../claim/decide.ts'
import type { Context, RepoContext } from '../context.ts'
import { marginMs } from '../intake/consider.ts'
import { TasksError } from '../errors.ts'
import { emptyMemory, type Floor } from './floor.ts'
import type { Outage } from '../github/outage.ts'
import { orderView } from '../order-view.ts'
import { createRota, type RotaComponents, type RotaInit } from './rota.ts'
import { turn } from './rounds.ts'
import { nextTakeover } from './sightings.ts'
import type { Issue } from '../github/github.ts'
import type { IssuesTick } from '../../mesh/index.ts'
import type { RepoStatus, TaskView } from '../types.ts'

export interface Turns extends Startable {
  wake(): void
  heard(tick: IssuesTick, from: string): void
  /** An issue as GitHub answered with it just now. */
  saw(issue: Issue): void
  /** A peer says that it let go of an issue. */
  released(issue: number, from: string): void
  hint(event: { hook: boolean }): void
  hooks(): boolean
  /** Undefined before the repository is ready. */
  place(): RepoContext | undefined
  status(): RepoStatus
  /** The order of agents for an issue, as this one saw it last. */
  order(issue: number): TaskView
}

export interface TurnsInit extends RotaInit {
  /** Why nothing is taken here, as the configuration says. */
  paused?: string
}

export interface TurnsComponents {
  clock: Clock
  logger: Logger
  outage: Outage
  context: (signal: AbortSignal) => Promise<Context>
  floor: (context: Context) => Floor
  open: (context: Context, signal: AbortSignal) => Promise<RepoContext>
  settle: (context: Context, place: RepoContext, signal: AbortSignal) => Promise<void>
  /** Nobody is to work there any more. */
  abandon?: (reason: string) => void
  rota: Pick<RotaComponents, 'self' | 'others' | 'topic' | 'stretch' | 'rank' | 'full'>
  /** Whether a look of its own is due, whatever the rota says: peers are not believed, or gone. */
  doubts: () => boolean
  /** Whether an issue may matter: it is worked here, or could be taken. */
  matters: (issue: number) => boolean
}

/** How long a repository must be out of sight before its work is ended, ms: longer than a wrong answer lasts. */
const goneMs = 5 * 60_000

export function createTurns(init: TurnsInit, components: TurnsComponents): Turns {
  const { repo, pollMs } = init
  const { clock, logger, outage } = components
  const memory = emptyMemory()
  memory.paused = init.paused
  let place: RepoContext | undefined
  /** Since when GitHub says that there is no such repository, monotonic ms. */
  let goneSince: number | undefined
  let said: { ok: boolean; lastSuccessMs: number | null; error: string | null } = {
    ok: false,
    lastSuccessMs: null,
    error: null,
  }

  const rota = createRota(init, {
    ...components.rota,
    clock,
    wake: () => loop.wake(),
    matters: (issue) => components.matters(issue) && !isHeldElsewhere(issue),
    updatedAt: (issue) => memory.issues.get(issue)?.issue.updatedAt,
    onLife: () => outage.hint(pollMs),
  })

  /** Its holder is in the mesh and will say when it lets go. */
  function isHeldElsewhere(issue: number): boolean {
    const tip = memory.tips.get(issue)?.tip
    if (tip?.is !== 'record' || !isLeased(tip.record)) return false
    return components.rota.others().includes(keeperOf(tip.record))
  }

  async function once(signal: AbortSignal): Promise<void> {
    const isProbe = outage.down(repo) !== null
    if (!outage.mayAsk(repo)) return
    const context = await components.context(signal)
    if (place === undefined) place = await components.open(context, signal)
    await components.settle(context, place, signal)
    const plan =
      isProbe || components.doubts() ? { list: true, read: [], why: 'asked' as const } : rota.plan()
    await turn(components.floor(context), place, memory, signal, {
      ...plan,
      probe: isProbe,
      asked: plan.why === 'asked',
      onListed: (changes) => rota.listed(plan, changes),
    })
    const takeover = nextTakeover(memory, clock.monotonic(), marginMs)
    rota.done(plan, takeover)
    if (said.error !== null)
      logger.info({ event: 'repo.turn', repo }, `${repo} can be worked again`)
    const lastSuccessMs = plan.list ? clock.now() : said.lastSuccessMs
    said = { ok: true, lastSuccessMs, error: null }
    goneSince = undefined
  }

  function onError(error: unknown): void {
    // What is worked goes on with the branch that it began with.
    if (hasCode(error, 'REPO_CHANGED')) {
      logger.info({ event: 'repo.turn', repo, err: explain(error) }, `${repo} is made ready again`)
      place = undefined
      return
    }
    const text = explain(error)
    const next = error instanceof TasksError && error.next !== undefined ? ` ${error.next}` : ''
    if (said.error !== `${text}${next}`)
      logger.warn({ event: 'repo.turn', repo, err: text }, `${repo} cannot be worked now`)
    said = { ...said, ok: false, error: `${text}${next}` }
    const now = clock.monotonic()
    goneSince = hasCode(error, 'GITHUB_NOT_FOUND') ? (goneSince ?? now) : undefined
    if (goneSince !== undefined && now - goneSince >= goneMs)
      components.abandon?.('the repository is gone, or cannot be seen any more')
    if (hasCode(error, 'GITHUB_NOT_FOUND') || hasCode(error, 'REPO_EMPTY')) place = undefined
  }

  const maxDelayMs = Math.max(pollMs, 60_000)
  const loop: Repeating = repeat(once, { everyMs: pollMs, maxDelayMs, clock, onError })
  return {
    start: () => loop.start(),
    place: () => place,
    async stop() {
      rota.stop()
      await loop.stop()
    },
    wake: () => loop.wake(),
    heard: (tick, from) => rota.heard(tick, from),
    saw(issue) {
      const now = clock.monotonic()
      memory.issues.set(issue.number, { issue, readAt: now, changedAt: now })
      rota.saw(issue.number)
    },
    released(issue, from) {
      if (memory.tips.get(issue)?.tip.is === 'record') memory.tips.delete(issue)
      rota.note(issue, from)
    },
    hint: (event) => rota.hint(event),
    hooks: () => rota.status().hooks,
    status: () => ({
      repo,
      ...said,
      // While it is down nobody looks, so no look has failed yet.
      error: said.error ?? (said.ok ? null : (outage.down(repo)?.reason ?? null)),
      role: rota.status().role,
      paused: memory.paused ?? null,
    }),
    order: (issue) => orderView(memory, issue),
  }
}
