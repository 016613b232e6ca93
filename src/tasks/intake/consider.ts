/** One issue in one turn: may and should this agent try it now? Says what it finds, starts nothing. */
import { explain } from '../../util/index.ts'
import { isTakenOff } from './assigned.ts'
import { readChain, type Chain } from './chain.ts'
import { mayClaim, type Tip } from '../claim/decide.ts'
import type { ClaimState } from '../claim/record.ts'
import { stoppedLabel, type Job, type RepoContext } from '../context.ts'
import { isPassing, TasksError } from '../errors.ts'
import { rankAll, type Ranked } from './fitness.ts'
import type { Floor, RepoMemory } from '../look/floor.ts'
import type { Issue } from '../github/github.ts'
import { eligible, lacking, pausedBy, type IntakeRules } from './intake.ts'
import { decodeInstructions, needsOf, workOf, type Instructions } from './instructions.ts'
import type { Policy } from '../needs.ts'
import { inTheWay } from './together.ts'
import { exhaustedReason, takenAway, type LastAttempt } from '../texts.ts'

/** Margin over the lease before a takeover, ms. */
export const marginMs = 5_000
/** How long nobody must be able to do an issue before it counts as waiting, ms. */
const lonelyMs = 5_000

/** Why this agent has no executor for an issue now, though that may change. */
export const notNow: ReadonlySet<string> = new Set([
  'NO_EXECUTOR',
  'QUOTA',
  'ENVIRONMENT',
  'BUDGET',
])

export interface Option {
  issue: Issue
  needs: string[]
  /** Those, and the executor that the issue names. */
  wanted: string[]
  instructions: Instructions
  refusal?: NonNullable<Job['refusal']>
  rank: number
  decision: Extract<ReturnType<typeof mayClaim>, { may: true }>
  rules: IntakeRules
  earlier: string[]
}

export async function consider(
  floor: Floor,
  place: RepoContext,
  memory: RepoMemory,
  at: { issue: Issue; tip: Tip; policy: Policy },
  signal: AbortSignal = new AbortController().signal,
): Promise<Option | undefined> {
  const { context } = floor
  const { issue, tip, policy } = at
  const { repo } = place
  const isActive = floor.isActive(repo, issue.number)
  const chain = await chainAt(place, memory, { issue, tip, isActive })
  // Only who stands in the chain of claims may be assigned; what a peer announces proves nothing.
  const earlier = await agentsOf(floor, repo, { issue, tip, logins: chain.logins }, signal)
  const rules: IntakeRules = {
    trigger: context.settings.trigger,
    failed: context.settings.failed,
    stopped: stoppedLabel(context.settings),
    requiredLabels: policy.requiredLabels,
    // The own login is there by this agent's own hand while it works the issue.
    meshLogins: new Set(isActive ? [...earlier, context.login.toLowerCase()] : earlier),
  }
  const verdict = eligible(issue, rules)
  if (isActive) {
    if (verdict.is === 'skip') floor.cancel(repo, issue.number, verdict.reason)
    else if (isTakenOff(memory.assigned, issue, context.login))
      floor.stop?.(repo, issue.number, { why: 'unassigned', reason: takenAway })
    return undefined
  }
  memory.assigned.delete(issue.number)
  if (verdict.is === 'skip') {
    await floor.say({ is: 'skipped', repo, issue, reason: verdict.reason })
    return undefined
  }
  const { instructions, needs, refusal } = read(issue)
  const { executor } = instructions
  const wanted = executor === undefined ? needs : [...new Set([...needs, executor.toLowerCase()])]
  const self = floor.self()
  const order = rankAll({
    self,
    others: context.mesh.candidates(),
    repo,
    issue: issue.number,
    needs: wanted,
    failures: chain.failures,
    ...(refusal === undefined ? { work: workOf(instructions) } : {}),
  })
  memory.orders.set(issue.number, order)
  const mine = order.find(({ peerId }) => peerId === self.peerId)
  const rank = mine?.rank ?? null
  await floor.say({
    is: 'seen',
    repo,
    issue,
    needs,
    ...(rank === null ? {} : { place: rank }),
  })
  const paused = pausedBy(context.settings, repo, policy)
  if (paused !== undefined) {
    const { reason, everywhere } = paused
    if (everywhere) await floor.say({ is: 'waiting', repo, issue: issue.number, needs, reason })
    else await floor.say({ is: 'skipped', repo, issue, reason })
    return undefined
  }
  const about = { repo, issue: issue.number, labels: issue.labels }
  const choice = context.work.choose(instructions, policy, about)
  const spent = 'code' in choice && choice.code === 'BUDGET' && choice.retryAt === undefined
  const none = 'code' in choice && notNow.has(choice.code) && !spent && refusal === undefined
  if (rank === null || none) {
    const missing = rank === null ? lacking(wanted, self) : []
    const alone =
      missing.length > 0
        ? `no connected agent offers ${wanted.join(', ')}`
        : none
          ? choice.reason
          : (mine?.reason ?? '')
    const patient = missing.length > 0
    const why = { order, mine: mine?.reason ?? '', alone, patient }
    await wait(floor, place, memory, issue, needs, why)
    return undefined
  }
  memory.lonely.delete(issue.number)
  const other = inTheWay(floor, repo, memory, issue)
  if (other !== undefined) {
    const reason = `touches ${other.file}, as #${other.issue} does, which is worked now`
    await floor.say({ is: 'waiting', repo, issue: issue.number, needs, reason })
    return undefined
  }
  const now = context.clock.monotonic()
  if (floor.notBefore(repo, issue.number) > now) return undefined
  // Where there is a pull request, another round is meant.
  const isWatched = floor.desk?.watches(repo, issue.number) === true
  const asked = isWatched ? undefined : memory.retries.get(issue.number)
  const vanished = memory.gone.get(issue.number)
  const forced = memory.forced.get(issue.number)
  const decision = mayClaim({
    tip,
    ...(vanished === undefined ? {} : { vanished }),
    ...(forced === undefined ? {} : { forced }),
    sighting: memory.sightings.get(issue.number),
    now,
    marginMs,
    maxAttempts: context.settings.maxAttempts,
    ...(asked === undefined ? {} : { retry: asked }),
    self: context.mesh.peerId,
    abandoned: (record, oid) =>
      record.peerId === context.mesh.peerId && floor.abandoned(oid, record.previous),
  })
  if (!decision.may) return undefined
  const exhausted = decision.exhausted
    ? {
        code: 'ATTEMPTS_EXHAUSTED',
        reason: exhaustedReason(decision.strikes, lastOf(tip, decision.takeover, self.peerId)),
        tried: [],
      }
    : undefined
  const overspent = spent ? { code: 'BUDGET', reason: choice.reason, tried: [] } : undefined
  const refused = refusal ?? overspent ?? exhausted
  return {
    issue,
    needs,
    wanted,
    instructions,
    rank,
    decision,
    rules,
    earlier,
    ...(refused === undefined ? {} : { refusal: refused }),
  }
}

/** After these the holder has taken its login off: one that is there again may be a person's. */
const letGo: ReadonlySet<ClaimState> = new Set(['released', 'yielded', 'failed', 'cancelled'])

/** Logins of earlier holders, without those that a person of the same account was assigned by since. */
async function agentsOf(
  floor: Floor,
  repo: string,
  { issue, tip, logins }: { issue: Issue; tip: Tip; logins: readonly string[] },
  signal: AbortSignal,
): Promise<string[]> {
  if (issue.assignees.length === 0) return []
  const { gates } = floor.context
  const there = issue.assignees.map((one) => one.toLowerCase())
  const held = logins.filter((login) => there.includes(login))
  const isOver = tip.is === 'record' && letGo.has(tip.record.state)
  if (!isOver || tip.at === undefined || held.length === 0 || floor.isActive(repo, issue.number))
    return [...logins]
  const since = { logins: held, since: tip.at }
  const taken = await gates?.takenSince?.(repo, issue, since, signal).catch((error: unknown) => {
    if (signal.aborted || isPassing(error)) throw error
    return held
  })
  return logins.filter((login) => taken?.includes(login) !== true)
}

function lastOf(tip: Tip, takeover: boolean, self: string): LastAttempt {
  if (tip.is !== 'record') return { agent: 'an agent', how: 'silent' }
  const { name: agent, peerId } = tip.record
  return { agent, how: !takeover ? 'returned' : peerId === self ? 'ended' : 'silent' }
}

/** Read once for each tip, and only when it may matter. */
async function chainAt(
  place: RepoContext,
  memory: RepoMemory,
  { issue, tip, isActive }: { issue: Issue; tip: Tip; isActive: boolean },
): Promise<Chain> {
  const known = memory.chains.get(issue.number)
  // A peer's word that it let go, which comes late, makes this agent forget what it read before it claimed.
  if (tip.is === 'absent' && known !== undefined && isActive) return known
  const settled = tip.is !== 'record' || tip.record.state === 'done'
  const fresh = tip.is === 'record' && tip.record.attempt === 1 && tip.record.state === 'held'
  if (tip.is === 'absent' || (issue.assignees.length === 0 && (settled || fresh)))
    return { logins: [], failures: new Map() }
  if (known?.oid === tip.oid) return known
  const chain = await readChain(place, issue.number)
  memory.chains.set(issue.number, { ...chain, oid: tip.oid })
  return chain
}

function read(issue: Issue): {
  instructions: Instructions
  needs: string[]
  refusal?: NonNullable<Job['refusal']>
} {
  try {
    const { needs, files: _, ...instructions } = decodeInstructions(issue.body)
    return { instructions, needs: needsOf(issue.labels, needs) }
  } catch (error) {
    const reason =
      error instanceof TasksError ? `${error.message} ${error.next ?? ''}` : explain(error)
    const refusal = {
      code: 'INSTRUCTIONS_INVALID',
      reason,
      tried: ['read the bzzz block of the issue'],
    }
    return { instructions: {}, needs: needsOf(issue.labels, []), refusal }
  }
}

/** Not for this agent. Said as its own reason when another one can do it, else as what the task waits for. */
async function wait(
  floor: Floor,
  place: RepoContext,
  memory: RepoMemory,
  issue: Issue,
  needs: string[],
  why: { order: readonly Ranked[]; mine: string; alone: string; patient: boolean },
): Promise<void> {
  const self = floor.self().peerId
  const able = why.order.some(({ rank, peerId }) => rank !== null && peerId !== self)
  const now = floor.context.clock.monotonic()
  if (able) {
    memory.lonely.delete(issue.number)
    const reason = why.mine === '' ? why.alone : why.mine
    await floor.say({ is: 'skipped', repo: place.repo, issue, reason })
    return
  }
  const since = memory.lonely.get(issue.number) ?? now
  memory.lonely.set(issue.number, since)
  if (why.patient && now - since < lonelyMs) return
  const reason = why.alone
  await floor.say({ is: 'waiting', repo: place.repo, issue: issue.number, needs, reason })
}
