/** A round that is due: begun, or what becomes of it while this agent cannot begin it. */
import type { mayClaimRound } from '../claim/decide-round.ts'
import type { ClaimRecord } from '../claim/record.ts'
import type { Retry } from '../claim/retry.ts'
import { stoppedLabel, type Job } from '../context.ts'
import type { Issue } from '../github/github.ts'
import type { ReviewCalls } from '../github/review-calls.ts'
import { notNow } from '../intake/consider.ts'
import { canTake } from '../intake/fitness.ts'
import { decodeInstructions, needsOf } from '../intake/instructions.ts'
import { eligible, pausedBy } from '../intake/intake.ts'
import { policyOf } from '../look/policy-of.ts'
import type { Parts } from './parts.ts'
import { tellWaiting } from './ask-person.ts'
import { whileBlocked } from './handing-on.ts'
import type { Item } from './items.ts'
import type { Watched } from './watched.ts'

interface Beginning {
  items: Item[]
  decision: Extract<ReturnType<typeof mayClaimRound>, { may: true }>
  /** Highest number of a round. */
  limit: number
  asked: boolean
  retry: Retry | undefined
  logins: string[]
}

export async function begin(
  parts: Parts,
  one: Watched,
  beginning: Beginning,
  signal: AbortSignal,
): Promise<void> {
  const { floor, place, memory, reviews } = parts
  const { context } = floor
  const { settings, clock } = context
  const { repo } = place
  const { items, decision, logins } = beginning
  if (floor.freeSlots() <= 0) return blocked(parts, one, beginning, 'it has no free slot', signal)
  if (floor.notBefore(repo, one.issue) > clock.monotonic()) return
  const issue = await context.github.issue(repo, one.issue, signal)
  const { policy, base } = await policyOf(floor, place, memory, signal, clock.monotonic())
  const verdict = eligible(issue, rulesOf(parts, logins))
  if (verdict.is === 'skip') {
    await floor.say({ is: 'skipped', repo, issue, reason: verdict.reason })
    return
  }
  if (pausedBy(settings, repo, policy) !== undefined) return
  const { executor } = safely(issue.body)
  const instructions = executor === undefined ? {} : { executor }
  const about = { repo, issue: one.issue, labels: issue.labels }
  const choice = context.work.choose(instructions, policy, about)
  const spent = 'code' in choice && choice.code === 'BUDGET' && choice.retryAt === undefined
  if ('code' in choice && notNow.has(choice.code) && !spent && !decision.exhausted)
    return blocked(parts, one, beginning, choice.reason, signal)
  const refused = 'code' in choice ? { code: choice.code, reason: choice.reason } : undefined
  const exhausted = decision.exhausted
    ? {
        code: 'ATTEMPTS_EXHAUSTED',
        reason: `${decision.strikes} attempts at it ended without a result.`,
      }
    : undefined
  const refusal = exhausted ?? refused
  await addLogs(reviews, repo, one, items, signal)
  one.attempt = decision.attempt
  one.owner = context.mesh.peerId
  one.blockedSince = undefined
  floor.begin({
    ...jobOf(parts, one, beginning, issue),
    instructions,
    ...(refusal === undefined ? {} : { refusal: { ...refusal, tried: [] } }),
    policy,
    base,
  })
}

function rulesOf({ floor }: Parts, logins: readonly string[]) {
  const { settings, login } = floor.context
  return {
    trigger: settings.trigger,
    failed: settings.failed,
    stopped: stoppedLabel(settings),
    requiredLabels: [],
    meshLogins: new Set([...logins, login.toLowerCase()]),
  }
}

function jobOf(
  parts: Parts,
  one: Watched,
  { items, decision, limit, asked, retry, logins }: Beginning,
  issue: Issue,
): Omit<Job, 'policy' | 'base'> {
  const tip = parts.memory.tips.get(one.issue)?.tip
  return {
    place: parts.place,
    issue,
    instructions: {},
    rules: rulesOf(parts, logins),
    earlier: logins,
    attempt: decision.attempt,
    strikes: decision.strikes,
    previous: decision.previous,
    takeover: decision.takeover,
    round: {
      number: decision.round,
      of: limit,
      last: decision.round >= limit || decision.exhausted,
      pull: one.pull,
      items,
      merge: items.some(({ kind }) => kind === 'conflict'),
    },
    ...commandOf(tip?.is === 'record' ? tip.record : undefined, asked ? retry?.comment : undefined),
  }
}

/** It waits, goes to whoever can take it, or people are told; see `handing-on.ts`. */
async function blocked(
  parts: Parts,
  one: Watched,
  beginning: Beginning,
  why: string,
  signal: AbortSignal,
): Promise<void> {
  const { floor, place, memory } = parts
  const { mesh, clock } = floor.context
  const { repo } = place
  const issue = memory.issues.get(one.issue)?.issue
  const tip = memory.tips.get(one.issue)?.tip
  if (issue === undefined || tip?.is !== 'record') return
  const now = clock.monotonic()
  if (one.blockedSince === undefined)
    await floor.say({ is: 'skipped', repo, issue, reason: `a round is due, but ${why}` })
  one.blockedSince ??= now
  const { executor } = safely(issue.body)
  const needs = needsOf(issue.labels, executor === undefined ? [] : [executor.toLowerCase()])
  const wanted = { repo, needs, work: 'prose' as const }
  const next = whileBlocked({
    since: one.blockedSince,
    now,
    owned: tip.record.state === 'done',
    others: mesh.candidates().some((other) => canTake(other, wanted)),
    toldAt: one.toldAt,
  })
  if (next === 'tell') {
    one.toldAt = now
    await tellWaiting(parts, one, { why, oid: tip.oid, items: beginning.items }, signal)
  }
  if (next !== 'hand on') return
  one.blockedSince = undefined
  const { policy, base } = await policyOf(floor, place, memory, signal, -Infinity)
  const handOn = `a round is due, but ${why}: it is anybody's who can take it`
  floor.begin({ ...jobOf(parts, one, beginning, issue), policy, base, handOn })
}

/** What was obeyed before stays in the chain. */
function commandOf(record: ClaimRecord | undefined, retry: number | undefined) {
  const command = retry ?? record?.command
  return command === undefined ? {} : { command }
}

function safely(body: string): { executor?: string } {
  try {
    const { executor, chore } = decodeInstructions(body)
    // A chore does what it always does: what people say about it is for a coding agent.
    return executor === undefined || chore !== undefined ? {} : { executor }
  } catch {
    return {}
  }
}

/** The end of the log of each job that failed, where it can be had. */
async function addLogs(
  reviews: ReviewCalls,
  repo: string,
  { seen }: Watched,
  items: Item[],
  signal: AbortSignal,
): Promise<void> {
  for (const check of seen?.checks.failed ?? []) {
    const item = items.find(({ kind, from }) => kind === 'check' && from === check.name)
    if (item === undefined || !check.isJob) continue
    const log = await reviews.jobLog(repo, check.id, signal)
    if (log !== undefined && log !== '') item.text += `\n\nThe end of its log:\n${log}`
  }
}
