/**
 * The budgets of this agent: what was spent is read from the journals that are here, followed while the
 * agent runs, and held against the limits before a task is begun and whenever an executor tells
 * what it took. What peers write about themselves counts for `day` only.
 */
import type { LoggedEntry } from '../../journal/index.ts'
import { explain, withDeadline, type Clock, type Logger, type Startable } from '../../util/index.ts'
import type { WorkEvent } from '../events.ts'
import { createLedger, spendingTypes, type Run } from './ledger.ts'
import {
  describeLimit,
  exceeded,
  keepsFromNew,
  limitsOf,
  wallLeft,
  wholeAgainAt,
  type Budgets,
  type Limit,
  type Spent,
} from './limits.ts'
import type { Meter } from './metered.ts'

export interface BudgetJournal {
  read(query: { types: readonly (typeof spendingTypes)[number][] }): AsyncIterable<LoggedEntry>
  tail(query: object, signal: AbortSignal): AsyncIterable<LoggedEntry>
}

export interface TaskOf {
  repo: string
  issue: number
}

/** `retryAt`: when the budget is whole again, wall clock, ms; absent for a task's, which is not. */
export interface Refusal {
  reason: string
  scope: Limit['scope']
  retryAt?: number
}

export type LimitView = Limit & { untilMs: number | null }

export interface Budgeting extends Startable {
  /** Why nothing of the task is begun now; undefined: it may be. */
  refusal(task: TaskOf, repository: Budgets | undefined): Refusal | undefined
  /** For one executor that is about to run. `stopped` tells afterwards whether a budget ended it. */
  meter(
    run: TaskOf & { attempt: number; executor: string },
    repository: Budgets | undefined,
  ): Meter & { stopped(): Refusal | undefined }
  /** What happens in a run, as it is written into the own journal, too. */
  note(run: TaskOf & { attempt: number }, event: WorkEvent): void
  spent(task: TaskOf): Spent
  /** What is left of each limit that the task has. */
  left(task: TaskOf, repository: Budgets | undefined): { limit: string; left: number }[]
  /** The limits of the configuration that do not belong to one task. */
  view(): LimitView[]
}

export interface BudgetInit {
  budgets: Budgets
  peerId: string
}

/** For reading what was spent before, ms: an agent that cannot read its journal starts all the same. */
const readMs = 20_000

export function createBudgeting(
  { budgets, peerId }: BudgetInit,
  { journal, clock, logger }: { journal?: BudgetJournal | undefined; clock: Clock; logger: Logger },
): Budgeting {
  const ledger = createLedger()
  /** Of each journal, how far it was counted. */
  const counted = new Map<string, { epoch: number; seq: number }>()
  let following = new AbortController()
  let done: Promise<unknown> = Promise.resolve()

  function count(entry: LoggedEntry): void {
    const { agent, peerId: author, epoch, seq } = entry
    const key = author === '' ? agent : author
    const last = counted.get(key)
    if (last !== undefined && (epoch < last.epoch || (epoch === last.epoch && seq <= last.seq)))
      return
    counted.set(key, { epoch, seq })
    if (entry.type !== 'unknown') ledger.add(entry, author)
  }

  const limits = ({ repo, issue }: TaskOf, repository: Budgets | undefined): Limit[] => {
    const now = clock.now()
    const task = ledger.ofTask({ repo, issue })
    const of = (within: { repo?: string }) => (scope: Limit['scope']) =>
      scope === 'task' ? task : ledger.ofDay(now, scope === 'day' ? within : { ...within, peerId })
    return [
      ...limitsOf(budgets, 'configuration', of({})),
      ...limitsOf(repository, 'repository', of({ repo })),
    ]
  }

  function asRefusal(limit: Limit): Refusal {
    const retryAt = wholeAgainAt(limit, clock.now())
    const { scope } = limit
    return { reason: describeLimit(limit), scope, ...(retryAt === undefined ? {} : { retryAt }) }
  }

  return {
    async start() {
      if (journal === undefined) return
      following = new AbortController()
      const { signal } = following
      const readAll = async () => {
        for await (const entry of journal.read({ types: spendingTypes })) count(entry)
      }
      await withDeadline('to read what was spent', readMs, readAll, { signal }).catch(
        (error: unknown) =>
          logger.warn({ event: 'budget.read', err: explain(error) }, 'budgets may be too large'),
      )
      const follow = async () => {
        for await (const entry of journal.tail({ types: spendingTypes }, signal))
          // Its own it counts when it happens.
          if (entry.peerId !== peerId) count(entry)
      }
      done = follow().catch((error: unknown) => {
        if (!signal.aborted)
          logger.error({ event: 'budget.follow', err: explain(error) }, 'budgets are not followed')
      })
    },
    async stop() {
      following.abort()
      await done
    },
    refusal(task, repository) {
      const limit = keepsFromNew(limits(task, repository))
      return limit === undefined ? undefined : asRefusal(limit)
    },
    meter(of, repository) {
      const run: Run = { ...of, peerId }
      let over: Limit | undefined
      return {
        wallLeftMs: wallLeft(limits(of, repository)),
        take(usage) {
          ledger.tell(run, usage, clock.now())
          return exceeded(limits(of, repository))
        },
        wall: () => {
          const walls = limits(of, repository).filter(({ kind }) => kind === 'wallMs')
          const first = walls.toSorted((a, b) => a.limit - a.used - (b.limit - b.used))[0]
          return first === undefined ? undefined : { ...first, used: first.limit }
        },
        onStop: (limit) => void (over = limit),
        stopped: () => (over === undefined ? undefined : asRefusal(over)),
      }
    },
    note({ repo, issue, attempt }, event) {
      if (event.type !== 'executor.ended') return
      const { executor, usage = {}, durationMs } = event
      ledger.ended({ repo, issue, attempt, executor, peerId }, usage, durationMs, clock.now())
    },
    spent: (task) => ledger.ofTask(task),
    left: (task, repository) =>
      limits(task, repository).map(({ scope, kind, limit, used }) => ({
        limit: `${scope}.${kind}`,
        left: Math.max(0, limit - used),
      })),
    view: () => {
      const now = clock.now()
      const { task: _, ...days } = budgets
      return limitsOf(days, 'configuration', (scope) =>
        ledger.ofDay(now, scope === 'day' ? {} : { peerId }),
      ).map((limit) => ({ ...limit, untilMs: wholeAgainAt(limit, now) ?? null }))
    },
  }
}
