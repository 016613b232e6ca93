/** One pull request in one turn: what is to be answered, who does that, and when. */
import { mayClaimRound } from '../claim/decide-round.ts'
import type { ClaimRecord } from '../claim/record.ts'
import { short, signatureOf, type Job, type RepoContext } from '../context.ts'
import type { ReviewCalls } from '../github/review-calls.ts'
import { marginMs } from '../intake/consider.ts'
import { decodeInstructions } from '../intake/instructions.ts'
import { eligible, pausedBy } from '../intake/intake.ts'
import type { Floor, RepoMemory } from '../look/floor.ts'
import { policyOf } from '../look/policy-of.ts'
import { readRefs } from '../look/sightings.ts'
import { commentOnce } from '../attempt/comment-once.ts'
import type { DeskMemory } from './desk.ts'
import { roundsOf, type Rounds } from './history.ts'
import { itemsOf, type Item } from './items.ts'
import { judge } from './judge.ts'
import type { People } from './people.ts'
import { makeReady } from './ready.ts'
import { personComment } from './texts.ts'
import type { Watched } from './watched.ts'

export interface Parts {
  floor: Floor
  place: RepoContext
  memory: RepoMemory
  own: DeskMemory
  reviews: ReviewCalls
  people: People
}

const maxChain = 100

export async function answer(parts: Parts, one: Watched, signal: AbortSignal): Promise<void> {
  const { floor, place, memory } = parts
  const { context } = floor
  const { clock, settings, journal } = context
  const { repo } = place
  const { seen, issue } = one
  const feedback = settings.feedback
  if (seen === undefined || feedback === undefined || !seen.pull.open) return
  const about = { task: { repo, issue }, attempt: one.attempt, pull: one.pull.number }
  if (!one.noted) {
    one.noted = true
    await journal.append({ type: 'feedback.watching', ...about, url: short(one.pull.url) })
  }
  if (floor.isActive(repo, issue)) return
  await makeReady(parts, one, signal)
  const items = await hear(parts, one, signal)
  const now = clock.monotonic()
  const keys = items.map(({ key }) => key).join(' ')
  if (keys !== one.keys) {
    one.keys = keys
    one.quietSince = now
    const told = items.map(({ key, kind, from }) => ({ key, kind, from: short(from) }))
    if (items.length > 0) await journal.append({ type: 'feedback.seen', ...about, items: told })
  }
  if (items.length === 0) return
  const early = judge(judgeInput(parts, one, items, nothingYet))
  const due = `${keys} ${memory.retries.get(issue) ?? 0}`
  if (early.is === 'wait' || early.is === 'nothing' || one.settled === due) return
  // From here on the claim ref is asked: what was worked stands in its chain.
  await readRefs(floor, place, memory, [{ number: issue }], signal)
  const past = await pastOf(parts, issue)
  const asked = (memory.retries.get(issue) ?? 0) > past.command
  const verdict = judge(judgeInput(parts, one, items, past))
  if (verdict.is === 'nothing') one.settled = due
  if (verdict.is !== 'round' && verdict.is !== 'person') return
  const tip = memory.tips.get(issue)?.tip ?? { is: 'absent' as const }
  if (memory.suspicions.has(issue)) return
  const retry = memory.retries.get(issue)
  const decision = mayClaimRound({
    tip,
    sighting: memory.sightings.get(issue),
    now,
    marginMs,
    // Whether all are used up was judged with what a person asked for since.
    maxRounds: verdict.is === 'person' ? Infinity : feedback.maxRounds,
    maxAttempts: settings.maxAttempts,
    self: context.mesh.peerId,
    awaySince: tip.is === 'record' ? memory.away.get(tip.record.peerId) : undefined,
    ...(retry === undefined ? {} : { retry }),
    abandoned: (record, oid) =>
      record.peerId === context.mesh.peerId && floor.abandoned(oid, record.previous),
  })
  if (!decision.may) return
  if (verdict.is === 'person')
    return askPerson(parts, one, { reason: verdict.reason, items, oid: decision.previous }, signal)
  if (floor.freeSlots() <= 0 || floor.notBefore(repo, issue) > now) return
  const { logins } = past
  await begin(parts, one, { items: verdict.items, decision, asked, retry, logins }, signal)
}

const nothingYet: Rounds = { rounds: 0, worked: new Set(), command: 0, logins: [] }

function judgeInput(
  { floor, memory }: Parts,
  one: Watched,
  items: readonly Item[],
  { rounds, worked, command }: Rounds,
) {
  const { settings, clock } = floor.context
  const { maxRounds = 0, quietMs = 0, needsHuman = '' } = settings.feedback ?? {}
  const label = needsHuman.toLowerCase()
  return {
    items,
    worked,
    asked: (memory.retries.get(one.issue) ?? 0) > command,
    rounds,
    maxRounds,
    pending: one.seen?.checks.pending ?? 0,
    marked: one.seen?.pull.labels.some((name) => name.toLowerCase() === label) === true,
    now: clock.monotonic(),
    quietSince: one.quietSince,
    quietMs,
  }
}

/** The items, of people who may push only. */
async function hear(
  { floor, place, people }: Parts,
  one: Watched,
  signal: AbortSignal,
): Promise<Item[]> {
  const { seen } = one
  if (seen === undefined) return []
  const authors = new Set(
    [...seen.reviews, ...seen.lines].filter(({ bot }) => !bot).map(({ author }) => author),
  )
  const may = new Set<string>()
  for (const author of authors)
    if (await people.mayPush(place.repo, author, signal)) may.add(author.toLowerCase())
  const { items, ignored } = itemsOf(seen, may)
  for (const { id, from, reason } of ignored) {
    if (one.ignored.has(id)) continue
    one.ignored.add(id)
    await floor.context.journal.append({
      type: 'feedback.ignored',
      task: { repo: place.repo, issue: one.issue },
      pull: one.pull.number,
      from: short(from),
      reason,
    })
  }
  return items
}

/** What the chain of claims tells, as it was read last. */
export async function pastOf({ place }: Parts, issue: number): Promise<Rounds> {
  const raw = await place.refs.history(String(issue), maxChain)
  const records: ClaimRecord[] = []
  for (const one of raw) {
    const tip = await place.claims.decode(place.repo, issue, one)
    if (tip.is === 'record') records.push(tip.record)
  }
  return roundsOf(records)
}

interface Beginning {
  items: Item[]
  decision: Extract<ReturnType<typeof mayClaimRound>, { may: true }>
  asked: boolean
  retry: number | undefined
  logins: string[]
}

async function begin(
  { floor, place, memory, reviews }: Parts,
  one: Watched,
  { items, decision, asked, retry, logins }: Beginning,
  signal: AbortSignal,
): Promise<void> {
  const { context } = floor
  const { settings, clock } = context
  const { repo } = place
  const { maxRounds = 0 } = settings.feedback ?? {}
  const issue = await context.github.issue(repo, one.issue, signal)
  const { policy, base } = await policyOf(floor, place, memory, signal, clock.monotonic())
  const rules = {
    trigger: settings.trigger,
    failed: settings.failed,
    requiredLabels: [],
    meshLogins: new Set([...logins, context.login.toLowerCase()]),
  }
  const tip = memory.tips.get(one.issue)?.tip
  const verdict = eligible(issue, rules)
  if (verdict.is === 'skip') {
    await floor.say({ is: 'skipped', repo, issue, reason: verdict.reason })
    return
  }
  if (pausedBy(settings, repo, policy) !== undefined) return
  const { executor } = safely(issue.body)
  const instructions = executor === undefined ? {} : { executor }
  const choice = context.work.choose(instructions, policy)
  const refused = 'reason' in choice ? { code: choice.code, reason: choice.reason } : undefined
  const exhausted = decision.exhausted
    ? {
        code: 'ATTEMPTS_EXHAUSTED',
        reason: `${decision.strikes} attempts at it ended without a result.`,
      }
    : undefined
  const refusal = exhausted ?? refused
  await addLogs(reviews, repo, one, items, signal)
  const job: Job = {
    place,
    issue,
    instructions,
    ...(refusal === undefined ? {} : { refusal: { ...refusal, tried: [] } }),
    rules,
    earlier: logins,
    policy,
    base,
    attempt: decision.attempt,
    strikes: decision.strikes,
    previous: decision.previous,
    takeover: decision.takeover,
    round: {
      number: decision.round,
      last: decision.round >= maxRounds || exhausted !== undefined,
      pull: one.pull,
      items,
      merge: items.some(({ kind }) => kind === 'conflict'),
    },
    ...commandOf(tip?.is === 'record' ? tip.record : undefined, asked ? retry : undefined),
  }
  one.attempt = decision.attempt
  floor.begin(job)
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

async function askPerson(
  { floor, place }: Parts,
  one: Watched,
  { reason, items, oid }: { reason: string; items: readonly Item[]; oid: string },
  signal: AbortSignal,
): Promise<void> {
  const { context } = floor
  const { needsHuman = '', maxRounds = 0 } = context.settings.feedback ?? {}
  const { repo } = place
  const job = { place, issue: { number: one.issue }, attempt: one.attempt } as Job
  const tried: string[] = []
  const { mesh, journal } = context
  const types = ['feedback.ended'] as const
  for await (const entry of journal.read({ task: { repo, issue: one.issue }, types })) {
    if (entry.type !== 'feedback.ended' || entry.pull !== one.pull.number) continue
    const why = entry.reason === '' ? '' : `: ${entry.reason}`
    tried.push(`round ${entry.round} of ${entry.agent}: ${entry.outcome}${why}`)
  }
  const signature = await signatureOf(context, { job, lease: { claim: { oid } } })
  const body = personComment({ reason, items, tried: tried.slice(-20), needsHuman }, signature)
  await commentOnce(context, job, { number: one.pull.number, body }, signal)
  await context.github.addLabel(repo, one.pull.number, needsHuman, signal)
  one.readAt = -Infinity
  if (one.seen !== undefined)
    one.seen = {
      ...one.seen,
      pull: { ...one.seen.pull, labels: [...one.seen.pull.labels, needsHuman] },
    }
  await context.journal.append({
    type: 'feedback.exhausted',
    task: { repo, issue: one.issue },
    attempt: one.attempt,
    pull: one.pull.number,
    rounds: maxRounds,
    reason: short(`${reason}, says ${mesh.peerId}`, 3_900),
  })
}
