/** One issue in one turn: may and should this agent try it now? Says what it finds, starts nothing. */
import { explain } from '../util/index.ts'
import { mayClaim, type Tip } from './claim/decide.ts'
import type { Job, RepoContext } from './context.ts'
import { TasksError } from './errors.ts'
import type { Floor, RepoMemory } from './floor.ts'
import type { Issue } from './github.ts'
import { eligible, lacking, rankOf, type Candidate, type IntakeRules } from './intake.ts'
import { decodeInstructions, needsOf, type Instructions } from './instructions.ts'
import type { Policy } from './needs.ts'

/** Margin over the lease before a takeover, ms. */
export const marginMs = 5_000
/** How long nobody must be able to do an issue before it counts as waiting, ms. */
const lonelyMs = 5_000

export interface Option {
  issue: Issue
  needs: string[]
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
): Promise<Option | undefined> {
  const { context } = floor
  const { issue, tip, policy } = at
  const { repo } = place
  // Only who stands in the chain of claims may be assigned; what a peer announces proves nothing.
  const earlier = issue.assignees.length === 0 ? [] : await loginsOf(place, issue.number)
  const rules: IntakeRules = {
    trigger: context.settings.trigger,
    failed: context.settings.failed,
    requiredLabels: policy.requiredLabels,
    meshLogins: new Set(earlier),
  }
  const verdict = eligible(issue, rules)
  if (floor.isActive(repo, issue.number)) {
    if (verdict.is === 'skip') floor.cancel(repo, issue.number, verdict.reason)
    return undefined
  }
  if (verdict.is === 'skip') {
    await floor.say({ is: 'skipped', repo, issue, reason: verdict.reason })
    return undefined
  }
  const { instructions, needs, refusal } = read(issue)
  const self = floor.self()
  const others = context.mesh.candidates()
  const missing = lacking(needs, self)
  const rank = rankOf(self, others, repo, issue.number, needs)
  await floor.say({
    is: 'seen',
    repo,
    issue,
    needs,
    ...(missing.length > 0 ? {} : { place: rank }),
  })
  if (missing.length > 0) {
    await wait(floor, place, memory, issue, needs, others)
    return undefined
  }
  const choice = context.work.choose(instructions, policy)
  if ('code' in choice && choice.code === 'NO_EXECUTOR' && refusal === undefined) {
    await floor.say({ is: 'waiting', repo, issue: issue.number, needs, reason: choice.reason })
    return undefined
  }
  const now = context.clock.monotonic()
  if (floor.notBefore(repo, issue.number) > now) return undefined
  const vanished = memory.gone.get(issue.number)
  const decision = mayClaim({
    tip,
    ...(vanished === undefined ? {} : { vanished }),
    sighting: memory.sightings.get(issue.number),
    now,
    marginMs,
    maxAttempts: context.settings.maxAttempts,
    abandoned: (record, oid) =>
      record.peerId === context.mesh.peerId && floor.abandoned(oid, record.previous),
  })
  if (!decision.may) {
    if (decision.why === 'invalid')
      context.logger.warn(
        { event: 'claim.invalid', repo, issue: issue.number, why: decision.reason },
        'a claim ref is unusable; the issue is left alone',
      )
    return undefined
  }
  const exhausted = decision.exhausted
    ? {
        code: 'ATTEMPTS_EXHAUSTED',
        reason: `${decision.strikes} attempts in a row ended without a result.`,
        tried: [`${decision.strikes} attempts; see the journals of the agents`],
      }
    : undefined
  const refused = refusal ?? exhausted
  return {
    issue,
    needs,
    instructions,
    rank,
    decision,
    rules,
    earlier,
    ...(refused === undefined ? {} : { refusal: refused }),
  }
}

function read(issue: Issue): {
  instructions: Instructions
  needs: string[]
  refusal?: NonNullable<Job['refusal']>
} {
  try {
    const { needs, ...instructions } = decodeInstructions(issue.body)
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

async function wait(
  floor: Floor,
  place: RepoContext,
  memory: RepoMemory,
  issue: Issue,
  needs: string[],
  others: Candidate[],
): Promise<void> {
  const able = others.some(
    (peer) =>
      lacking(needs, peer).length === 0 &&
      peer.repositories.some((name) => name.toLowerCase() === place.repo.toLowerCase()),
  )
  const now = floor.context.clock.monotonic()
  if (able) {
    memory.lonely.delete(issue.number)
    const reason = `lacks ${lacking(needs, floor.self()).join(', ')}`
    await floor.say({ is: 'skipped', repo: place.repo, issue, reason })
    return
  }
  const since = memory.lonely.get(issue.number) ?? now
  memory.lonely.set(issue.number, since)
  if (now - since < lonelyMs) return
  await floor.say({
    is: 'waiting',
    repo: place.repo,
    issue: issue.number,
    needs,
    reason: `no connected agent offers ${needs.join(', ')}`,
  })
}

/** Records of the chain that are looked at for logins: more holders than any issue has in a row. */
const maxChain = 100

/** Logins of all who held the issue's claim, in lower case. */
async function loginsOf(place: RepoContext, issue: number): Promise<string[]> {
  const chain = await place.refs.history(String(issue), maxChain)
  const tips = await Promise.all(chain.map((raw) => place.claims.decode(place.repo, issue, raw)))
  const logins = tips.flatMap((tip) =>
    tip.is === 'record' ? [tip.record.login.toLowerCase()] : [],
  )
  return [...new Set(logins)]
}
