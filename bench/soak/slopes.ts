/** Slopes of what agents hold, and the table of them. Pure. */
import type { Facts } from './read.ts'

export interface Row {
  agent: string
  /** Since the first issue was opened, minutes. */
  at: number
  /** Issues that had ended. */
  done: number
  facts: Facts
}

/** Least squares; 0 when all x are the same. */
export function slope(points: readonly (readonly [x: number, y: number])[]): number {
  const mean = (at: 0 | 1) => points.reduce((sum, point) => sum + point[at], 0) / points.length
  const [x, y] = [mean(0), mean(1)]
  const across = points.reduce((sum, point) => sum + (point[0] - x) ** 2, 0)
  if (!(across > 0)) return 0
  return points.reduce((sum, point) => sum + (point[0] - x) * (point[1] - y), 0) / across
}

export interface Growth {
  /** At the end, a mean of the agents. */
  last: number
  /** For 100 issues of the whole mesh; of an idle agent, in the time of 100 issues. */
  perHundred: number
}

/**
 * Of `agents`, without the first `warm` of the time, in which code is loaded and compiled. The mean of
 * their slopes.
 */
export function growthOf(
  rows: readonly Row[],
  { agents, name, warm }: { agents: readonly string[]; name: string; warm: number },
): Growth {
  const end = Math.max(...rows.map(({ at }) => at))
  const each = agents.map((agent) => {
    const mine = rows.filter((row) => row.agent === agent && row.at >= warm * end)
    const points = mine.map(({ done, facts }) => [done, facts[name] ?? 0] as const)
    return { last: points.at(-1)?.[1] ?? Number.NaN, perHundred: 100 * slope(points) }
  })
  const mean = (of: (one: Growth) => number) =>
    each.reduce((sum, one) => sum + of(one), 0) / each.length
  return { last: mean((one) => one.last), perHundred: mean((one) => one.perHundred) }
}
