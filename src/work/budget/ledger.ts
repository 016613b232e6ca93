/**
 * What was spent, added up from journal entries: there is no second store. An executor tells what it
 * took until now while it runs (`executor.activity`) and what each turn took at its end
 * (`executor.ended`); of both the larger counts, so a crash loses only what was told by neither.
 * A task that ended as failed begins anew, since only a person can have it tried again.
 */
import type { JournalEntry } from '../../journal/index.ts'
import { RecentMap } from '../../util/index.ts'
import type { Usage } from '../executor.ts'
import { dayOf, kinds, nothing, type Spent } from './limits.ts'

/** Types of entries that say something about spending. */
export const spendingTypes = ['executor.activity', 'executor.ended', 'task.failed'] as const

/** As decoded from an entry. */
type Told = { [name in keyof Usage]?: number | undefined }

export interface Run {
  peerId: string
  repo: string
  issue: number
  attempt: number
  executor: string
}

export interface Ledger {
  /** Ignores entries of other types. `time`: wall clock, ms. */
  add(entry: JournalEntry, peerId: string): void
  /** What a run took until now. */
  tell(run: Run, usage: Told, time: number): void
  /** A turn of a run ended. */
  ended(run: Run, usage: Told, durationMs: number, time: number): void
  ofTask(task: { repo: string; issue: number }): Spent
  /** In the UTC day of `time`, by one peer or all, in one repository or all. */
  ofDay(time: number, by: { peerId?: string; repo?: string }): Spent
}

/** Runs, tasks and sums of days that are remembered; the oldest go first. */
const maxKept = 20_000
/** Largest usage that one entry may claim: what lies above is a lie or a fault. */
const maxUsage = 1e12

export function createLedger(): Ledger {
  const runs = new RecentMap<string, { ended: Spent; told: Spent }>(maxKept)
  const sums = new RecentMap<string, Spent>(maxKept)

  const runOf = ({ peerId, repo, issue, attempt, executor }: Run) =>
    `${peerId} ${taskKey({ repo, issue })} ${attempt} ${executor}`
  const larger = ({ ended, told }: { ended: Spent; told: Spent }): Spent => ({
    tokens: Math.max(ended.tokens, told.tokens),
    costMicros: Math.max(ended.costMicros, told.costMicros),
    wallMs: Math.max(ended.wallMs, told.wallMs),
  })

  function book(run: Run, time: number, change: (of: { ended: Spent; told: Spent }) => void): void {
    const of = runs.get(runOf(run)) ?? { ended: nothing(), told: nothing() }
    const before = larger(of)
    change(of)
    runs.set(runOf(run), of)
    const after = larger(of)
    const day = dayOf(time)
    const keys = [
      taskKey(run),
      dayKey(day, {}),
      dayKey(day, { peerId: run.peerId }),
      dayKey(day, { repo: run.repo }),
      dayKey(day, { peerId: run.peerId, repo: run.repo }),
    ]
    for (const key of keys) {
      const sum = sums.get(key) ?? nothing()
      for (const kind of kinds) sum[kind] += after[kind] - before[kind]
      sums.set(key, sum)
    }
  }

  const ledger: Ledger = {
    add(entry, peerId) {
      if (entry.type === 'task.failed') return void sums.delete(taskKey(entry.task))
      if (entry.type !== 'executor.ended' && entry.type !== 'executor.activity') return
      const { task, attempt, executor, time, usage = {} } = entry
      const run = { ...task, peerId, attempt, executor }
      if (entry.type === 'executor.activity') ledger.tell(run, usage, time)
      else ledger.ended(run, usage, entry.durationMs, time)
    },
    tell: (run, usage, time) =>
      book(run, time, ({ told }) => {
        const taken = spentOf(usage)
        for (const kind of kinds) told[kind] = Math.max(told[kind], taken[kind])
      }),
    ended: (run, usage, durationMs, time) =>
      book(run, time, ({ ended }) => {
        const taken = { ...spentOf(usage), wallMs: Math.round(bounded(durationMs)) }
        for (const kind of kinds) ended[kind] += taken[kind]
      }),
    ofTask: (task) => ({ ...(sums.get(taskKey(task)) ?? nothing()) }),
    ofDay: (time, by) => ({ ...(sums.get(dayKey(dayOf(time), by)) ?? nothing()) }),
  }
  return ledger
}

const bounded = (value: number | undefined) =>
  Math.min(maxUsage, Math.max(0, Number.isFinite(value) ? (value ?? 0) : 0))

const spentOf = ({ inputTokens, outputTokens, costMicros }: Told): Spent => ({
  tokens: bounded(inputTokens) + bounded(outputTokens),
  costMicros: bounded(costMicros),
  wallMs: 0,
})

const taskKey = ({ repo, issue }: { repo: string; issue: number }) =>
  `task ${repo.toLowerCase()}#${issue}`
const dayKey = (day: number, { peerId = '', repo = '' }: { peerId?: string; repo?: string }) =>
  `day ${day} ${peerId} ${repo.toLowerCase()}`
