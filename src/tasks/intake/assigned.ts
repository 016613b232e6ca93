/**
 * Whether somebody took the own assignment off an issue that is worked. The claim's holder assigns itself,
 * so a reading that shows the login and a later one that does not tell it. A replica that lags shows an
 * older state of the issue: only a stamp that has risen since counts.
 */
import type { Issue } from '../github/github.ts'

/** `seen`: stamp of the newest reading that showed the login, by issue; kept here. */
export function isTakenOff(seen: Map<number, string>, issue: Issue, login: string): boolean {
  const { number, updatedAt, assignees } = issue
  const last = seen.get(number)
  const isThere = assignees.some((one) => one.toLowerCase() === login.toLowerCase())
  if (isThere && (last ?? '') < updatedAt) seen.set(number, updatedAt)
  return !isThere && last !== undefined && last < updatedAt
}
