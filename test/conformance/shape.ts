/** Answers compared by their form: which keys there are, and of which type each is. */

type Kind = 'string' | 'number' | 'boolean' | 'null' | 'object' | 'array'

/** Objects whose keys are data. */
const MAPS = /(^|\.)permissions$/

const kindOf = (value: unknown): Kind => {
  if (value === null || value === undefined) return 'null'
  return Array.isArray(value) ? 'array' : (typeof value as Kind)
}

/**
 * How `ours` differs from `theirs`: `+ path` a key that only ours has, `- path` one that only theirs
 * has, `~ path` another type. Null fits every type. Of a list the first item stands for all; an
 * empty one says nothing.
 */
export function differences(theirs: unknown, ours: unknown, at = ''): string[] {
  const [a, b] = [kindOf(theirs), kindOf(ours)]
  if (a === 'null' || b === 'null') return []
  if (a !== b) return [`~ ${at || '.'}: ${a} there, ${b} here`]
  if (Array.isArray(theirs) && Array.isArray(ours)) {
    if (theirs.length === 0 || ours.length === 0) return []
    return differences(theirs[0], ours[0], `${at}[]`)
  }
  if (a !== 'object' || MAPS.test(at)) return []
  const [left, right] = [theirs as Record<string, unknown>, ours as Record<string, unknown>]
  return [...new Set([...Object.keys(left), ...Object.keys(right)])].flatMap((key) => {
    const path = at === '' ? key : `${at}.${key}`
    if (!Object.hasOwn(right, key)) return [`- ${path}`]
    if (!Object.hasOwn(left, key)) return [`+ ${path}`]
    return differences(left[key], right[key], path)
  })
}

/** A difference without its place: `+ user.login` is `+ login`. */
export const bare = (difference: string): string =>
  difference.replace(/^([-+~] )(?:\S*[.\]])?(?=[\w+-])/, '$1')
