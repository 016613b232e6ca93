/** Lists as GraphQL pages them: `first` or `last`, at most 100, and GitHub's words without either. */
import { GraphqlError } from './error.ts'

/** Longest page, as on github.com. */
export const MOST_NODES = 100

export interface PageArgs {
  first?: number | null
  last?: number | null
}

export interface Connection<T> {
  nodes: T[]
  pageInfo: { hasNextPage: boolean; hasPreviousPage: boolean }
  totalCount: number
}

/** Errors: `MISSING_PAGINATION_BOUNDARIES`, `EXCESSIVE_PAGINATION`. */
export function connection<T>(name: string, all: readonly T[], args: PageArgs): Connection<T> {
  const [way, size] =
    typeof args.first === 'number'
      ? (['first', args.first] as const)
      : (['last', args.last ?? undefined] as const)
  if (size === undefined)
    throw new GraphqlError(
      'MISSING_PAGINATION_BOUNDARIES',
      `You must provide a \`first\` or \`last\` value to properly paginate the \`${name}\` connection.`,
    )
  if (size < 0 || size > MOST_NODES)
    throw new GraphqlError(
      'EXCESSIVE_PAGINATION',
      `Requesting ${size} records on the \`${name}\` connection exceeds the \`${way}\` limit of ${MOST_NODES} records.`,
    )
  const nodes = way === 'first' ? all.slice(0, size) : all.slice(Math.max(0, all.length - size))
  const cut = nodes.length < all.length
  const pageInfo = {
    hasNextPage: cut && way === 'first',
    hasPreviousPage: cut && way === 'last',
  }
  return { nodes, pageInfo, totalCount: all.length }
}
