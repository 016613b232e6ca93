/**
 * What is known of a repository's issues, kept over turns. A look lists them all, or reads the few
 * that somebody said changed; between looks turns go on with what is known.
 */
import { hasCode } from '../../util/index.ts'
import type { RepoContext } from '../context.ts'
import type { Floor, RepoMemory } from './floor.ts'
import type { Issue } from '../github/github.ts'

export interface Change {
  issue: number
  updatedAt: string
  gone?: true
}

export interface Look {
  /** Whether to list all open issues. */
  list: boolean
  /** Else: which of them to read. */
  read: readonly number[]
  /** Since when this agent has known of a change that is read now, monotonic ms. */
  since?: ReadonlyMap<number, number>
}

/** Of a first listing, the issues that changed last are named as news: the poller before may have missed them. */
const maxFirst = 16

/** Updates what is known. Returns what a listing found changed. */
export async function look(
  floor: Floor,
  place: RepoContext,
  memory: RepoMemory,
  { list, read, since }: Look,
  signal: AbortSignal,
): Promise<Change[]> {
  if (list) return listAll(floor, place, memory, signal)
  for (const number of read) {
    const issue = await readIssue(floor.context, place, number, signal)
    if (issue === undefined || !isWanted(floor, issue)) drop(floor, place, memory, number)
    else remember(floor, memory, issue, since?.get(number))
  }
  return []
}

async function listAll(
  floor: Floor,
  place: RepoContext,
  memory: RepoMemory,
  signal: AbortSignal,
): Promise<Change[]> {
  const { context } = floor
  const isFirst = memory.listedAt === -Infinity
  const issues = await context.github.openIssues(place.repo, context.settings.trigger, signal)
  const changes: Change[] = []
  for (const issue of issues) {
    const known = memory.issues.get(issue.number)
    if (known === undefined || stampOf(known.issue) !== stampOf(issue))
      changes.push({ issue: issue.number, updatedAt: issue.updatedAt })
    remember(floor, memory, issue)
  }
  const listed = new Set(issues.map(({ number }) => number))
  for (const [number, { issue }] of memory.issues) {
    if (listed.has(number)) continue
    changes.push({ issue: number, updatedAt: issue.updatedAt, gone: true })
    forgetOne(floor, place, memory, number)
  }
  memory.listedAt = context.clock.monotonic()
  await cancelUnlisted(floor, place, listed, signal)
  if (!isFirst) return changes
  return changes.toSorted((a, b) => (a.updatedAt < b.updatedAt ? 1 : -1)).slice(0, maxFirst)
}

function remember({ context }: Floor, memory: RepoMemory, issue: Issue, heardAt?: number): void {
  const now = context.clock.monotonic()
  const known = memory.issues.get(issue.number)
  const isSame = known !== undefined && stampOf(known.issue) === stampOf(issue)
  const changedAt = isSame ? known.changedAt : (heardAt ?? now)
  memory.issues.set(issue.number, { issue, readAt: now, changedAt })
}

/** What a change of shows; GitHub's own stamp has whole seconds. */
const stampOf = ({ updatedAt, labels, assignees, title, body, waitsFor, openParts }: Issue) =>
  // REST and GraphQL have orders of their own.
  JSON.stringify([
    updatedAt,
    labels.toSorted(),
    assignees.toSorted(),
    title,
    body.length,
    waitsFor,
    openParts,
  ])

/** What waited for it is asked about again: here in this very turn, elsewhere at once. */
function forgetOne(floor: Floor, { repo }: RepoContext, memory: RepoMemory, number: number): void {
  memory.issues.delete(number)
  const unblocked = floor.context.gates?.changed(repo, number) ?? []
  floor.wake?.(unblocked.filter((other) => other !== repo))
}

function drop(floor: Floor, place: RepoContext, memory: RepoMemory, number: number): void {
  forgetOne(floor, place, memory, number)
  if (floor.isActive(place.repo, number)) cancel(floor, place, number)
}

const isWanted = ({ context }: Floor, issue: Issue) =>
  issue.open &&
  issue.labels.some((label) => label.toLowerCase() === context.settings.trigger.toLowerCase())

function cancel(floor: Floor, { repo }: RepoContext, number: number): void {
  const { trigger } = floor.context.settings
  floor.cancel(repo, number, `closed, gone, or without the label ${trigger}`)
}

/** What is worked and not in the listing: pages shift while they are read, so the issue itself decides. */
async function cancelUnlisted(
  floor: Floor,
  place: RepoContext,
  listed: ReadonlySet<number>,
  signal: AbortSignal,
): Promise<void> {
  for (const number of floor.activeIssues(place.repo)) {
    if (listed.has(number)) continue
    const issue = await readIssue(floor.context, place, number, signal)
    if (issue === undefined || !isWanted(floor, issue)) cancel(floor, place, number)
  }
}

/** Reads one again; undefined when it is not there or not wanted any more, and then it is forgotten. */
export async function readAgain(
  floor: Floor,
  place: RepoContext,
  memory: RepoMemory,
  number: number,
  signal: AbortSignal,
): Promise<Issue | undefined> {
  const issue = await readIssue(floor.context, place, number, signal)
  if (issue === undefined || !isWanted(floor, issue)) {
    forgetOne(floor, place, memory, number)
    return undefined
  }
  remember(floor, memory, issue)
  return issue
}

async function readIssue(
  { github, gates }: Floor['context'],
  place: RepoContext,
  number: number,
  signal: AbortSignal,
): Promise<Issue | undefined> {
  return (gates ?? github).issue(place.repo, number, signal).catch((error: unknown) => {
    if (hasCode(error, 'GITHUB_NOT_FOUND')) return undefined
    throw error
  })
}
