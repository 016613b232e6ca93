/**
 * One turn over one repository: list, tidy up, decide, try. A turn never waits for work; it starts
 * attempts and ends. Each repository has its own turns, so that one that fails (renamed, no
 * permission, empty, GitHub down) leaves the others going.
 */
import { hasCode } from '../util/index.ts'
import type { Tip } from './claim/decide.ts'
import { consider, type Option } from './consider.ts'
import { tell, type Job, type RepoContext } from './context.ts'
import { TasksError } from './errors.ts'
import type { Floor, RepoMemory } from './floor.ts'
import type { Issue } from './github.ts'
import { inherit } from './inherit.ts'
import { eligible, pausedBy, priorityOf, type IntakeRules } from './intake.ts'
import type { Policy } from './needs.ts'
import { sight } from './sight.ts'
import { inTheirTime } from './stagger.ts'

export async function turn(
  floor: Floor,
  place: RepoContext,
  memory: RepoMemory,
  signal: AbortSignal,
): Promise<void> {
  const { context } = floor
  const { settings } = context
  const issues = await context.github.openIssues(place.repo, settings.trigger, signal)
  const listed = new Set(issues.map(({ number }) => number))
  const closed = [...memory.listed].filter((number) => !listed.has(number))
  memory.listed = listed
  // Here what waited for them is asked about in this very turn.
  const unblocked = closed.flatMap((number) => context.gates?.changed(place.repo, number) ?? [])
  floor.wake?.(unblocked.filter((repo) => repo !== place.repo))
  await cancelUnlisted(floor, place, listed, signal)
  const early: IntakeRules = {
    trigger: settings.trigger,
    failed: settings.failed,
    requiredLabels: [],
    meshLogins: new Set(),
  }
  const wanted: Issue[] = []
  for (const issue of issues) {
    const verdict = eligible({ ...issue, assignees: [] }, early)
    if (verdict.is === 'eligible') wanted.push(issue)
    else await floor.say({ is: 'skipped', repo: place.repo, issue, reason: verdict.reason })
  }
  if (wanted.length === 0) return
  const snapshot = await place.refs.snapshot(
    signal,
    new Set(wanted.map(({ number }) => String(number))),
  )
  const tips = new Map<number, Tip>()
  for (const issue of wanted) {
    const tip = await place.claims.decode(
      place.repo,
      issue.number,
      snapshot.get(String(issue.number)),
    )
    tips.set(issue.number, tip)
    await sight(floor, place, memory, issue.number, tip)
  }
  forget(memory, listed)
  const at = await policyOf(floor, place, memory, signal)
  memory.paused = pausedBy(settings, place.repo, at.policy)?.reason

  const options: Option[] = []
  for (const issue of wanted) {
    const tip = tips.get(issue.number) ?? { is: 'absent' }
    const option = await consider(floor, place, memory, { issue, tip, policy: at.policy })
    if (option !== undefined) options.push(option)
    await inherit(floor, place, memory, { issue, tip }, signal)
  }
  await startSome(floor, place, options, at, signal)
}

async function startSome(
  floor: Floor,
  place: RepoContext,
  options: Option[],
  at: { policy: Policy; base: string },
  signal: AbortSignal,
): Promise<void> {
  const { context } = floor
  const priority = ({ issue }: Option) => priorityOf(issue.labels, context.settings.priority)
  options.sort(
    (a, b) => priority(a) - priority(b) || a.rank - b.rank || a.issue.number - b.issue.number,
  )
  const open: Option[] = []
  for (const option of options) {
    // What was barred at the last look costs nobody a wait: it is asked about before its time.
    const barred = context.gates?.barred(place.repo, option.issue.number) === true
    if (!barred || (await passesGates(floor, place, option, signal))) open.push(option)
  }
  const isOver = ({ issue }: Option) =>
    floor.freeSlots() <= 0 ||
    floor.heardClaimed(place.repo, issue.number) ||
    floor.isActive(place.repo, issue.number)
  const { staggerMs } = context.settings
  const inTime = inTheirTime(open, { staggerMs, clock: context.clock, signal, isOver })
  for await (const option of inTime) {
    const { issue, decision } = option
    if (!(await passesGates(floor, place, option, signal))) continue
    // The listing is older than the refs: what somebody ended in between shows only in the issue.
    if (decision.previous !== null && !(await stillEligible(floor, place, option, signal))) continue
    const job: Job = {
      place,
      issue,
      instructions: option.instructions,
      ...(option.refusal === undefined ? {} : { refusal: option.refusal }),
      rules: option.rules,
      earlier: option.earlier,
      policy: at.policy,
      base: at.base,
      attempt: decision.attempt,
      strikes: decision.strikes,
      previous: decision.previous,
      takeover: decision.takeover,
    }
    void tell(context, job, 'trying')
    floor.begin(job)
  }
}

async function passesGates(
  floor: Floor,
  { repo }: RepoContext,
  { issue, needs }: Option,
  signal: AbortSignal,
): Promise<boolean> {
  const verdict = await floor.context.gates?.ask(repo, issue, signal).catch((error: unknown) => {
    if (hasCode(error, 'GITHUB_NOT_FOUND')) return { is: 'gone' as const }
    throw error
  })
  if (verdict?.is === 'gone') return false
  if (verdict === undefined || verdict.is === 'open') {
    await floor.say({ is: 'trying', repo, issue: issue.number })
    return true
  }
  const { reason } = verdict
  if (verdict.is === 'untrusted') await floor.say({ is: 'skipped', repo, issue, reason })
  else await floor.say({ is: 'waiting', repo, issue: issue.number, needs, reason })
  return false
}

async function stillEligible(
  { context }: Floor,
  place: RepoContext,
  { issue, rules }: Option,
  signal: AbortSignal,
): Promise<boolean> {
  const fresh = await readIssue(context, place, issue.number, signal)
  return fresh !== undefined && eligible(fresh, rules).is === 'eligible'
}

/** What is worked and not in the listing: pages shift while they are read, so the issue itself decides. */
async function cancelUnlisted(
  floor: Floor,
  place: RepoContext,
  listed: ReadonlySet<number>,
  signal: AbortSignal,
): Promise<void> {
  const { context } = floor
  for (const number of floor.activeIssues(place.repo)) {
    if (listed.has(number)) continue
    const issue = await readIssue(context, place, number, signal)
    const labelled = issue?.labels.some(
      (label) => label.toLowerCase() === context.settings.trigger.toLowerCase(),
    )
    if (issue?.open === true && labelled === true) continue
    floor.cancel(
      place.repo,
      number,
      `closed, gone, or without the label ${context.settings.trigger}`,
    )
  }
}

async function readIssue(
  { github }: Floor['context'],
  place: RepoContext,
  number: number,
  signal: AbortSignal,
): Promise<Issue | undefined> {
  return github.issue(place.repo, number, signal).catch((error: unknown) => {
    if (hasCode(error, 'GITHUB_NOT_FOUND')) return undefined
    throw error
  })
}

function forget(memory: RepoMemory, listed: ReadonlySet<number>): void {
  const { sightings, records, gone, forced, suspicions, chains, orders, lonely } = memory
  for (const map of [sightings, records, gone, forced, suspicions, chains, orders, lonely]) {
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
