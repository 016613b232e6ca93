/**
 * One turn over one repository: list, tidy up, decide, try. A turn never waits for work; it starts
 * attempts and ends. Each repository has its own turns, so that one that fails (renamed, no
 * permission, empty, GitHub down) leaves the others going.
 */
import { sleep } from '../util/index.ts'
import type { Tip } from './claim/decide.ts'
import { consider, type Option } from './consider.ts'
import type { RepoContext } from './context.ts'
import { TasksError } from './errors.ts'
import type { Floor, RepoMemory } from './floor.ts'
import type { Issue } from './github.ts'
import { eligible, type IntakeRules } from './intake.ts'
import type { Policy } from './needs.ts'

export async function turn(
  floor: Floor,
  place: RepoContext,
  memory: RepoMemory,
  signal: AbortSignal,
): Promise<void> {
  const { context } = floor
  const { settings } = context
  const issues = await context.github.openIssues(place.repo, settings.trigger, signal)
  const listed = new Map(issues.map((issue) => [issue.number, issue]))
  const meshLogins = new Set(
    [context.login, ...context.mesh.candidates().flatMap((peer) => peer.login ?? [])].map((login) =>
      login.toLowerCase(),
    ),
  )
  const early: IntakeRules = {
    trigger: settings.trigger,
    failed: settings.failed,
    requiredLabels: [],
    meshLogins,
  }
  const wanted = issues.filter(
    (issue) => eligible({ ...issue, assignees: [] }, early).is === 'eligible',
  )
  for (const issue of floor.activeIssues(place.repo)) {
    if (!listed.has(issue))
      floor.cancel(place.repo, issue, `closed, or without the label ${settings.trigger}`)
  }
  if (wanted.length === 0) return
  const snapshot = await place.refs.snapshot(signal)
  const tips = new Map<number, Tip>()
  for (const issue of wanted) {
    const tip = await place.claims.decode(
      place.repo,
      issue.number,
      snapshot.get(String(issue.number)),
    )
    tips.set(issue.number, tip)
    sight(memory, issue.number, tip, context.clock.monotonic())
  }
  forget(memory, listed)
  const policy = await policyOf(floor, place, memory, signal)

  const options: Option[] = []
  for (const issue of wanted) {
    const tip = tips.get(issue.number) ?? { is: 'absent' }
    const option = await consider(floor, place, memory, {
      issue,
      tip,
      policy: policy.policy,
      meshLogins,
    })
    if (option !== undefined) options.push(option)
  }
  await startSome(floor, place, options, policy, signal)
}

async function startSome(
  floor: Floor,
  place: RepoContext,
  options: Option[],
  at: { policy: Policy; base: string },
  signal: AbortSignal,
): Promise<void> {
  const { context } = floor
  options.sort((a, b) => a.rank - b.rank || a.issue.number - b.issue.number)
  for (const option of options) {
    const { issue, decision } = option
    if (floor.freeSlots() <= 0) return
    if (floor.heardClaimed(place.repo, issue.number)) continue
    if (option.rank > 0) {
      await sleep(option.rank * context.settings.staggerMs, { signal, clock: context.clock })
      if (floor.heardClaimed(place.repo, issue.number)) continue
    }
    if (floor.freeSlots() <= 0 || floor.isActive(place.repo, issue.number)) continue
    floor.begin({
      place,
      issue,
      instructions: option.instructions,
      ...(option.refusal === undefined ? {} : { refusal: option.refusal }),
      rules: option.rules,
      policy: at.policy,
      base: at.base,
      attempt: decision.attempt,
      strikes: decision.strikes,
      previous: decision.previous,
      takeover: decision.takeover,
    })
  }
}

function sight(memory: RepoMemory, issue: number, tip: Tip, now: number): void {
  if (tip.is === 'absent') memory.sightings.delete(issue)
  else if (memory.sightings.get(issue)?.oid !== tip.oid)
    memory.sightings.set(issue, { oid: tip.oid, since: now })
}

function forget(memory: RepoMemory, listed: ReadonlyMap<number, Issue>): void {
  for (const map of [memory.sightings, memory.lonely]) {
    for (const issue of map.keys()) if (!listed.has(issue)) map.delete(issue)
  }
}

/** The policy of the base branch's tip; decoded once per commit. */
async function policyOf(
  floor: Floor,
  place: RepoContext,
  memory: RepoMemory,
  signal: AbortSignal,
): Promise<{ policy: Policy; base: string }> {
  const branch = place.info.defaultBranch
  const base = (await place.refs.fetchBranches([branch], signal)).get(branch)
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
  const known = memory.policies.get(base)
  if (known !== undefined) return { policy: known, base }
  const policy = await floor.context.work.readPolicy(place.refs.gitDir, base)
  memory.policies.clear()
  memory.policies.set(base, policy)
  return { policy, base }
}
