/** The repository's policy at the tip of its base branch; decoded once per commit. */
import type { RepoContext } from '../context.ts'
import { TasksError } from '../errors.ts'
import type { Floor, RepoMemory } from './floor.ts'
import type { Policy } from '../needs.ts'

/**
 * What is known, when it was read later than `since` (monotonic ms), else what the remote says now.
 * Errors: `REPO_EMPTY`, `REPO_CHANGED`, those of git.
 */
export async function policyOf(
  floor: Floor,
  place: RepoContext,
  memory: RepoMemory,
  signal: AbortSignal,
  since: number,
): Promise<{ policy: Policy; base: string }> {
  const { at } = memory
  if (at !== undefined && at.readAt >= since) return at
  const branch = place.info.defaultBranch
  const readAt = floor.context.clock.monotonic()
  const base = (await place.refs.fetchBranches([branch], signal)).get(branch)
  if (place.refs.headMoved?.() === true) {
    memory.at = undefined
    const text = `The default branch of ${place.repo} is not ${branch} any more.`
    throw new TasksError('REPO_CHANGED', text, { data: { repo: place.repo, branch } })
  }
  if (base === undefined) {
    throw new TasksError(
      'REPO_EMPTY',
      `${place.repo} has no commit on its default branch ${branch}.`,
      {
        data: { repo: place.repo, branch },
        next: 'Push a first commit; the agent goes on by itself.',
      },
    )
  }
  const policy =
    at?.base === base ? at.policy : await floor.context.work.readPolicy(place.refs.gitDir, base)
  memory.at = { policy, base, readAt }
  return memory.at
}
