/**
 * From options to attempts: in order of priority, each after the delay of this agent's place, and
 * only after what the decision stands on was read again.
 */
import { explain, hasCode } from '../../util/index.ts'
import { consider, type Option } from './consider.ts'
import type { Tip } from '../claim/decide.ts'
import { tell, type Job, type RepoContext } from '../context.ts'
import type { Floor, RepoMemory } from '../look/floor.ts'
import type { Issue } from '../github/github.ts'
import { priorityOf } from './intake.ts'
import { readAgain } from '../look/look.ts'
import { policyOf } from '../look/policy-of.ts'
import { readFresh, readRefs } from '../look/sightings.ts'
import { inTheirTime } from './stagger.ts'

/** How old the reading of an issue may be when a claim is tried, ms. */
const freshMs = 10_000

/** For how long the delay of this agent's place runs from the issue's change, not from when it could try, ms. */
const newsMs = 10_000

export async function startSome(
  floor: Floor,
  place: RepoContext,
  memory: RepoMemory,
  options: Option[],
  signal: AbortSignal,
): Promise<void> {
  const { clock, gates, settings } = floor.context
  const begun = clock.monotonic()
  const priority = ({ issue }: Option) => priorityOf(issue.labels, settings.priority)
  options.sort(
    (a, b) => priority(a) - priority(b) || a.rank - b.rank || a.issue.number - b.issue.number,
  )
  const { repo } = place
  const apart = eachApart(floor, repo)
  const open: Option[] = []
  for (const option of options) {
    // What was barred at the last look costs nobody a wait: it is asked about before its time.
    const barred = gates?.barred(repo, option.issue.number) === true
    if (!barred || (await apart.run(option, () => passesGates(floor, place, option, signal))))
      open.push(option)
  }
  for (const { issue } of open) {
    const changedAt = memory.issues.get(issue.number)?.changedAt ?? -Infinity
    const known = memory.since.get(issue.number)
    memory.since.set(issue.number, known ?? (begun - changedAt < newsMs ? changedAt : begun))
  }
  const inTime = inTheirTime(open, {
    staggerMs: settings.staggerMs,
    clock,
    signal,
    since: ({ issue }) => memory.since.get(issue.number) ?? begun,
    isOver: ({ issue }) =>
      floor.freeSlots() <= 0 ||
      floor.heardClaimed(repo, issue.number) ||
      floor.isActive(repo, issue.number),
  })
  const issues = open.map(({ issue }) => issue)
  for await (const option of inTime)
    await apart.run(option, () => tryOne(floor, place, memory, { option, issues, begun }, signal))
  apart.end()
}

/** What GitHub answers about one issue, and says nothing about another. */
const aboutOne = ['GITHUB_ANSWER', 'GITHUB_FORBIDDEN', 'GITHUB_REFUSED']

/**
 * One issue of which GitHub answers what cannot be used must not keep the others from being tried. Where it
 * is so with all of them, it is the repository that has trouble, which its status is to say: `end` throws.
 */
function eachApart(floor: Floor, repo: string) {
  let first: unknown
  let went = 0
  return {
    async run<T>({ issue }: Option, step: () => Promise<T>): Promise<T | undefined> {
      try {
        const result = await step()
        went += 1
        return result
      } catch (error) {
        if (!aboutOne.some((code) => hasCode(error, code))) throw error
        first ??= error
        const reason = `it cannot be looked at: ${explain(error)}`
        await floor.say({ is: 'skipped', repo, issue, reason })
        return undefined
      }
    },
    end(): void {
      if (went === 0 && first !== undefined) throw first as Error
    },
  }
}

interface Trial {
  option: Option
  /** All that may be tried in this turn: the refs are read for all of them at once. */
  issues: readonly Issue[]
  /** Monotonic ms. */
  begun: number
}

async function tryOne(
  floor: Floor,
  place: RepoContext,
  memory: RepoMemory,
  { option, issues, begun }: Trial,
  signal: AbortSignal,
): Promise<void> {
  const { number } = option.issue
  const at = await policyOf(floor, place, memory, signal, begun)
  // A takeover needs a second reading after the lease and the margin, whatever was read before.
  const read = option.decision.takeover ? readRefs : readFresh
  await read(floor, place, memory, issues, signal)
  const known = memory.issues.get(number)
  const isOld = floor.context.clock.monotonic() - (known?.readAt ?? -Infinity) > freshMs
  const tip = memory.tips.get(number)?.tip ?? { is: 'absent' }
  const { policy } = at
  // What the refs alone decide costs no reading of the issue.
  if (
    (await consider(floor, place, memory, { issue: option.issue, tip, policy }, signal)) ===
    undefined
  )
    return
  // The listing is older than the refs: what somebody ended in between shows only in the issue.
  const isNew = tip.is === 'absent' && !isOld
  const issue = isNew ? known?.issue : await readAgain(floor, place, memory, number, signal)
  if (issue === undefined) return
  const now = await consider(floor, place, memory, { issue, tip, policy }, signal)
  if (now === undefined || !(await passesGates(floor, place, now, signal))) return
  // What was heard meanwhile is younger than what was read.
  if (floor.heardClaimed(place.repo, number)) return
  const { decision, instructions, refusal, rules, earlier, wanted } = now
  const job: Job = {
    place,
    issue,
    instructions,
    ...(refusal === undefined ? {} : { refusal }),
    needs: wanted,
    rules,
    earlier,
    policy,
    base: at.base,
    attempt: decision.attempt,
    strikes: decision.strikes,
    previous: decision.previous,
    takeover: decision.takeover,
    ...commandOf(memory, tip, number),
  }
  void tell(floor.context, job, 'trying')
  floor.begin(job)
}

/** The newest comment that asked for a try: what was obeyed before stays in the chain. */
function commandOf(memory: RepoMemory, tip: Tip, issue: number): Pick<Job, 'command'> {
  const before = tip.is === 'record' ? (tip.record.command ?? 0) : 0
  const command = Math.max(before, memory.retries.get(issue)?.comment ?? 0)
  return command === 0 ? {} : { command }
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
