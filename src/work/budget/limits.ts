/**
 * Budgets: what may be spent on one task by all its attempts (`task`), in a UTC day by all agents of the
 * mesh (`day`), and in a UTC day by this agent (`peer`). Those of the configuration count everything,
 * those of a repository's WORKFLOW.md what is spent on that repository; whichever ends first counts.
 * Pure: what was spent comes in, what of it is too much goes out.
 */
import { z } from 'zod'

export interface Budget {
  /** Input and output tokens together. */
  tokens?: number
  /** Millionths of a US dollar. */
  costMicros?: number
  /** Wall-clock time of executors, ms. */
  wallMs?: number
}

export type Kind = keyof Budget
export type Spent = Required<Budget>
export type Scope = 'task' | 'day' | 'peer'
export type Budgets = Partial<Record<Scope, Budget>>

const microsPerDollar = 1_000_000
const dayMs = 24 * 60 * 60_000
/** Part of a day's budget that must be left for something new to be begun. */
const partForNew = 0.1

const budget = z
  .strictObject({
    tokens: z.int().min(1).max(1e12).optional(),
    usd: z.number().min(0.000001).max(1e6).optional(),
    wallMs: z.int().min(1_000).max(1e11).optional(),
  })
  .transform(({ tokens, usd, wallMs }): Budget => ({
    ...(tokens === undefined ? {} : { tokens }),
    ...(usd === undefined ? {} : { costMicros: Math.round(usd * microsPerDollar) }),
    ...(wallMs === undefined ? {} : { wallMs }),
  }))

/** As people write it: money in US dollars. */
export const budgetsSchema = z
  .strictObject({ task: budget.optional(), day: budget.optional(), peer: budget.optional() })
  .transform(({ task, day, peer }): Budgets => ({
    ...(task === undefined ? {} : { task }),
    ...(day === undefined ? {} : { day }),
    ...(peer === undefined ? {} : { peer }),
  }))

export interface Limit {
  scope: Scope
  /** Where it is written: `work.budget` of the configuration, or the repository's `WORKFLOW.md`. */
  from: 'configuration' | 'repository'
  kind: Kind
  limit: number
  used: number
}

export const kinds: readonly Kind[] = ['tokens', 'costMicros', 'wallMs']
export const nothing = (): Spent => ({ tokens: 0, costMicros: 0, wallMs: 0 })

/** Every limit that is set, with what was spent of it. `spent`: of each scope. */
export function limitsOf(
  budgets: Budgets | undefined,
  from: Limit['from'],
  spent: (scope: Scope) => Spent,
): Limit[] {
  return (['task', 'day', 'peer'] as const).flatMap((scope) => {
    const of = budgets?.[scope]
    if (of === undefined) return []
    const used = spent(scope)
    return kinds.flatMap((kind) => {
      const limit = of[kind]
      return limit === undefined ? [] : [{ scope, from, kind, limit, used: used[kind] }]
    })
  })
}

/** The limit that is used up, the most exceeded first. */
export const exceeded = (limits: readonly Limit[]): Limit | undefined =>
  limits.filter(({ limit, used }) => used >= limit).toSorted((a, b) => share(b) - share(a))[0]

/** What keeps anything new from being begun: a limit that is used up, or a day's that is nearly. */
export const keepsFromNew = (limits: readonly Limit[]): Limit | undefined =>
  exceeded(limits) ??
  limits.find(({ scope, limit, used }) => scope !== 'task' && limit - used < partForNew * limit)

const share = ({ limit, used }: Limit) => used / limit

/** Wall-clock time that the limits leave, ms. */
export const wallLeft = (limits: readonly Limit[]): number =>
  Math.max(
    0,
    Math.min(
      Infinity,
      ...limits.filter(({ kind }) => kind === 'wallMs').map(({ limit, used }) => limit - used),
    ),
  )

/** When the budget is whole again, wall clock, ms; undefined for a task's, which is not. */
export const wholeAgainAt = ({ scope }: Pick<Limit, 'scope'>, now: number): number | undefined =>
  scope === 'task' ? undefined : (Math.floor(now / dayMs) + 1) * dayMs

/** The UTC day of a time, as a number. */
export const dayOf = (time: number): number => Math.floor(time / dayMs)

const whose: Record<Scope, string> = {
  task: 'of one task',
  day: 'of all agents for a day',
  peer: 'of this agent for a day',
}

/** One sentence for a person. */
export function describeLimit(limit: Limit): string {
  const { scope, from, kind, used } = limit
  const option = `budget.${scope}.${kind === 'costMicros' ? 'usd' : kind}`
  const where = from === 'configuration' ? `work.${option}` : `${option} in WORKFLOW.md`
  const state = used >= limit.limit ? 'used up' : 'nearly used up'
  return `The budget ${whose[scope]} is ${state}: ${amount(kind, used)} of ${amount(kind, limit.limit)} (${where}).`
}

function amount(kind: Kind, value: number): string {
  if (kind === 'costMicros') return `$${(value / microsPerDollar).toFixed(4)}`
  if (kind === 'wallMs') return `${(value / 60_000).toFixed(1)} min`
  return `${value.toLocaleString('en-US')} tokens`
}
