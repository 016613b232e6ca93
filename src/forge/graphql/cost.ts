/**
 * What a query costs, as github.com counts: the requests that its connections would need if each
 * were full, divided by a hundred, and one point at the least.
 * https://docs.github.com/en/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api
 */
import { Kind, type DocumentNode, type SelectionSetNode, type ValueNode } from 'graphql'
import { MOST_NODES } from './connection.ts'

/** Fields within fields. */
const DEPTH = 16
const REQUESTS_PER_POINT = 100

/** Infinity when it is nested too deeply. */
export function costOf(document: DocumentNode, variables: Record<string, unknown>): number {
  const fragments = new Map(
    document.definitions.flatMap((one) =>
      one.kind === Kind.FRAGMENT_DEFINITION ? [[one.name.value, one.selectionSet] as const] : [],
    ),
  )
  const sizeOf = (value: ValueNode | undefined): number | undefined => {
    if (value?.kind === Kind.INT) return Number(value.value)
    const given = value?.kind === Kind.VARIABLE ? variables[value.name.value] : undefined
    return typeof given === 'number' ? given : undefined
  }
  function requests(set: SelectionSetNode | undefined, times: number, depth: number): number {
    if (set === undefined) return 0
    if (depth > DEPTH) return Infinity
    return set.selections.reduce((sum, one) => {
      if (one.kind === Kind.FRAGMENT_SPREAD)
        return sum + requests(fragments.get(one.name.value), times, depth + 1)
      if (one.kind === Kind.INLINE_FRAGMENT)
        return sum + requests(one.selectionSet, times, depth + 1)
      const paged = one.arguments?.find(({ name }) => ['first', 'last'].includes(name.value))
      if (paged === undefined) return sum + requests(one.selectionSet, times, depth + 1)
      const size = Math.min(MOST_NODES, Math.max(1, sizeOf(paged.value) ?? MOST_NODES))
      return sum + times + requests(one.selectionSet, times * size, depth + 1)
    }, 0)
  }
  const all = document.definitions.reduce(
    (sum, one) =>
      one.kind === Kind.OPERATION_DEFINITION ? sum + requests(one.selectionSet, 1, 0) : sum,
    0,
  )
  return Math.max(1, Math.round(all / REQUESTS_PER_POINT))
}
