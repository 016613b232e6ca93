/**
 * One turn over one repository: look, tidy up, decide, try. A turn never waits for work; it starts
 * attempts and ends. Each repository has its own turns, so that one that fails (renamed, no
 * permission, empty, GitHub down) leaves the others going.
 *
 * A turn decides from what is known, and asks GitHub and the claim refs only for what it is about to
 * do: while nothing can be done, it costs no request but the look itself.
 */
import type { Tip } from '../claim/decide.ts'
import { consider, type Option } from '../intake/consider.ts'
import type { RepoContext } from '../context.ts'
import type { Floor, RepoMemory } from './floor.ts'
import type { Issue } from '../github/github.ts'
import { inheritInTurn } from '../recover/inherit.ts'
import { safetyOf } from './polling.ts'
import { eligible, pausedBy, type IntakeRules } from '../intake/intake.ts'
import { look, type Change, type Look } from './look.ts'
import type { Policy } from '../needs.ts'
import { policyOf } from './policy-of.ts'
import { forgetOthers, readIfDue } from './sightings.ts'
import { startSome } from '../intake/starting.ts'

export interface TurnInit extends Look {
  /** After a listing: what it found changed. */
  onListed?: (changes: Change[]) => void
  /** Whether something says that there is news. */
  asked?: boolean
  /** Whether git is asked although nothing needs it: to learn whether it answers. */
  probe?: boolean
}

export async function turn(
  floor: Floor,
  place: RepoContext,
  memory: RepoMemory,
  signal: AbortSignal,
  { onListed, probe = false, asked = false, ...how }: TurnInit = { list: true, read: [] },
): Promise<void> {
  const changes = await look(floor, place, memory, how, signal)
  if (how.list) onListed?.(changes)
  forgetOthers(memory)
  await floor.desk?.turn(floor, place, memory, { asked }, signal)
  const wanted = await wantedOf(floor, place, memory)
  if (wanted.length === 0 && !probe) return
  const policy = await prepare(floor, place, memory, wanted, probe, signal).catch(
    async (error: unknown) => {
      const old = memory.at?.policy ?? { requiredLabels: [] }
      for (const issue of wanted.filter(({ number }) => floor.isActive(place.repo, number)))
        await consider(
          floor,
          place,
          memory,
          { issue, tip: tipOf(memory, issue), policy: old },
          signal,
        )
      throw error
    },
  )
  const options: Option[] = []
  for (const issue of wanted) {
    const tip = tipOf(memory, issue)
    const option = await consider(floor, place, memory, { issue, tip, policy }, signal)
    if (option === undefined) memory.since.delete(issue.number)
    else options.push(option)
    if (floor.context.settings.dryRun !== true)
      await inheritInTurn(floor, place, memory, { issue, tip }, signal)
  }
  await startSome(floor, place, memory, options, signal)
}

const tipOf = (memory: RepoMemory, { number }: Issue): Tip =>
  memory.tips.get(number)?.tip ?? { is: 'absent' }

/**
 * What new work stands on: policy and claim refs. Where one cannot be had, what people did to an issue that
 * is worked must be seen all the same.
 */
async function prepare(
  floor: Floor,
  place: RepoContext,
  memory: RepoMemory,
  wanted: readonly Issue[],
  probe: boolean,
  signal: AbortSignal,
): Promise<Policy> {
  const oldest = oldestPolicy(floor, memory, wanted)
  const { policy } = await policyOf(floor, place, memory, signal, oldest)
  memory.paused = pausedBy(floor.context.settings, place.repo, policy)?.reason
  await readIfDue(floor, place, memory, wanted, signal, probe)
  return policy
}

/**
 * From when on the policy must be, monotonic ms: it is asked for again now and then, but only where
 * it could make an issue free.
 */
function oldestPolicy(floor: Floor, memory: RepoMemory, wanted: readonly Issue[]): number {
  const { clock, settings } = floor.context
  const isFinal = (tip: Tip | undefined) => tip?.is === 'record' && tip.record.state === 'done'
  const isOpen = wanted.some(
    ({ number, assignees }) => assignees.length === 0 && !isFinal(memory.tips.get(number)?.tip),
  )
  if (!isOpen || floor.freeSlots() <= 0) return -Infinity
  return clock.monotonic() - safetyOf(settings)
}

/** What could be a task, by its labels alone. */
async function wantedOf(floor: Floor, place: RepoContext, memory: RepoMemory): Promise<Issue[]> {
  const { trigger, failed } = floor.context.settings
  const early: IntakeRules = { trigger, failed, requiredLabels: [], meshLogins: new Set() }
  const wanted: Issue[] = []
  for (const { issue } of memory.issues.values()) {
    const verdict = eligible({ ...issue, assignees: [] }, early)
    if (verdict.is === 'eligible') wanted.push(issue)
    // What this agent is about to end, it has labelled itself.
    else if (!floor.isActive(place.repo, issue.number))
      await floor.say({ is: 'skipped', repo: place.repo, issue, reason: verdict.reason })
  }
  return wanted
}
