/** What keeps an agent from using its executors as it could, on `bzzz status` and in `bzzz doctor`. Pure. */
import type { Status } from '../../api/client.ts'
import { age, count } from '../output/text.ts'

type Work = NonNullable<Status['work']>
type Limit = Work['budgets'][number]

export function workLines({ work, slots }: Status, nowMs: number): [string, string][] {
  const full: [string, string][] = slots.full === undefined ? [] : [['', slots.full]]
  if (work === undefined) return full
  return [
    ...full,
    ...work.standings.map((one): [string, string] => ['executor', standingLine(one, nowMs)]),
    ...work.budgets.map((limit): [string, string] => ['budget', budgetLine(limit)]),
  ]
}

export function standingLine(
  { executor, is, why, reason, untilMs }: Work['standings'][number],
  nowMs: number,
): string {
  const until =
    is === 'trial'
      ? 'is tried again with the next task'
      : `is left alone for ${age(Math.max(0, (untilMs ?? nowMs) - nowMs))}`
  return `${executor} ${until} (${why ?? 'unknown'}): ${reason ?? ''}`
}

const whose = { day: 'the mesh', peer: 'this agent', task: 'a task' } as const

export function budgetLine({ scope, kind, used, limit }: Limit): string {
  return `${whose[scope]} today: ${amount(kind, used)} of ${amount(kind, limit)}`
}

export function amount(kind: Limit['kind'], value: number): string {
  if (kind === 'costMicros') return `$${(value / 1_000_000).toFixed(2)}`
  return kind === 'wallMs' ? age(value) : count(value, 'token')
}
