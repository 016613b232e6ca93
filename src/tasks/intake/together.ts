/**
 * Whether an issue touches files that another one, which is worked now, touches as well: here by this
 * agent, or elsewhere as far as claim refs and announcements tell. All agents read the same issues, so
 * nobody needs to be told which files those are. Two agents that begin at the same moment may miss it.
 */
import { isLeased, keeperOf } from '../claim/decide.ts'
import type { Floor, RepoMemory } from '../look/floor.ts'
import type { Issue } from '../github/github.ts'
import { fileHints, overlap } from './files.ts'
import { decodeInstructions } from './instructions.ts'

const known = new WeakMap<Issue, readonly string[]>()

function hintsOf(issue: Issue): readonly string[] {
  const found = known.get(issue) ?? fileHints(`${issue.title}\n${issue.body}`, filesOf(issue.body))
  known.set(issue, found)
  return found
}

/** A block that cannot be read names no files. */
function filesOf(body: string): readonly string[] {
  try {
    return decodeInstructions(body).files ?? []
  } catch {
    return []
  }
}

/** The issue that is in the way, and the file; undefined: none is. */
export function inTheWay(
  floor: Pick<Floor, 'activeIssues' | 'heardClaimed'>,
  repo: string,
  memory: Pick<RepoMemory, 'issues' | 'tips' | 'away'>,
  issue: Issue,
): { issue: number; file: string } | undefined {
  const active = new Set(floor.activeIssues(repo))
  for (const [number, { issue: other }] of memory.issues) {
    if (number === issue.number) continue
    if (!active.has(number) && !isHeld(memory, number) && !floor.heardClaimed(repo, number))
      continue
    const file = overlap(hintsOf(issue), hintsOf(other))
    if (file !== undefined) return { issue: number, file }
  }
  return undefined
}

/** By an agent that is there: one that is gone works on nothing. */
function isHeld({ tips, away }: Pick<RepoMemory, 'tips' | 'away'>, number: number): boolean {
  const tip = tips.get(number)?.tip
  return tip?.is === 'record' && isLeased(tip.record) && !away.has(keeperOf(tip.record))
}
