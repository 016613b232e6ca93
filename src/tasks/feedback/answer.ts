/** One pull request in one turn: what is to be answered, who does that, and when. */
import { mayClaimRound } from '../claim/decide-round.ts'
import { isAsked } from '../claim/retry.ts'
import { short, stoppedLabel } from '../context.ts'
import { marginMs } from '../intake/consider.ts'
import type { RepoMemory } from '../look/floor.ts'
import { readRefs } from '../look/sightings.ts'
import { askPerson } from './ask-person.ts'
import { begin } from './begin.ts'
import type { Parts } from './parts.ts'
import { granted, lastHalt, type Granted } from './halts.ts'
import type { Rounds } from './history.ts'
import { itemsOf, type Item } from './items.ts'
import { judge } from './judge.ts'
import { pastOf } from './past.ts'
import { makeReady } from './ready.ts'
import type { Watched } from './watched.ts'

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
  if (feedback.maxRounds === 0) return
  if (isMarked(parts, one)) {
    one.markSeenAt = clock.now()
    one.settled = ''
  }
  const items = await hear(parts, one, signal)
  const now = clock.monotonic()
  const keys = items.map(({ key }) => key).join(' ')
  if (keys !== one.keys) {
    one.keys = keys
    one.quietSince = now
    const told = items.map(({ key, kind, from }) => ({ key, kind, from: short(from) }))
    if (items.length > 0) await journal.append({ type: 'feedback.seen', ...about, items: told })
  }
  if (items.length === 0) return unblocked(one)
  const early = judge(judgeInput(parts, one, items, nothingYet))
  const due = `${keys} ${memory.retries.get(issue)?.comment ?? 0}`
  if (early.is === 'wait' || early.is === 'nothing' || one.settled === due) return
  // From here on the claim ref is asked: what was worked stands in its chain.
  await readRefs(floor, place, memory, [{ number: issue }], signal)
  const past = await pastOf(parts, issue)
  const asked = isWanted(memory, issue, past.command)
  const of = { repo, issue, pull: one.pull.number, command: past.command }
  const grant = granted({
    halt: await lastHalt(journal, of),
    markSeenAt: one.markSeenAt,
    seenAt: clock.now() - (clock.monotonic() - one.shownAt),
    rounds: past.rounds,
    maxRounds: feedback.maxRounds,
  })
  if (grant.halted && !asked) return
  const verdict = judge(judgeInput(parts, one, items, { ...past, grant }))
  if (verdict.is === 'nothing') one.settled = due
  if (verdict.is !== 'round' && verdict.is !== 'person') return unblocked(one)
  const tip = memory.tips.get(issue)?.tip ?? { is: 'absent' as const }
  if (memory.suspicions.has(issue)) return
  const retry = memory.retries.get(issue)
  const decision = mayClaimRound({
    tip,
    sighting: memory.sightings.get(issue),
    now,
    marginMs,
    // Whether all are used up was judged with what a person asked for since.
    maxRounds: verdict.is === 'person' ? Infinity : grant.limit,
    maxAttempts: settings.maxAttempts,
    self: context.mesh.peerId,
    awaySince: tip.is === 'record' ? memory.away.get(tip.record.peerId) : undefined,
    ...(retry === undefined ? {} : { retry }),
    abandoned: (record, oid) =>
      record.peerId === context.mesh.peerId && floor.abandoned(oid, record.previous),
  })
  if (!decision.may) return
  if (verdict.is === 'person') {
    const { reason } = verdict
    return askPerson(parts, one, { reason, items, oid: decision.previous, past }, signal)
  }
  const { logins } = past
  const limit = asked ? feedback.maxRounds : grant.limit
  await begin(parts, one, { items: verdict.items, decision, limit, asked, retry, logins }, signal)
}

const unblocked = (one: Watched) => void (one.blockedSince = undefined)

/** A label says that nothing is to be done by itself. */
function isMarked({ floor }: Parts, { seen }: Watched): boolean {
  const { settings } = floor.context
  const marks = [settings.feedback?.needsHuman ?? '', stoppedLabel(settings)]
  const has = (mark: string) =>
    seen?.pull.labels.some((name) => name.toLowerCase() === mark.toLowerCase()) === true
  return marks.some(has)
}

/** `command`: the newest comment that the chain says was obeyed. */
function isWanted({ retries, tips }: RepoMemory, issue: number, command: number): boolean {
  const tip = tips.get(issue)?.tip
  const attempt = tip?.is === 'record' ? tip.record.attempt : 0
  return isAsked(retries.get(issue), { attempt, command })
}

const nothingYet: Rounds = { rounds: 0, worked: new Set(), command: 0, logins: [] }

function judgeInput(
  parts: Parts,
  one: Watched,
  items: readonly Item[],
  { rounds, worked, command, grant }: Rounds & { grant?: Granted },
) {
  const { floor, memory } = parts
  const { settings, clock } = floor.context
  const { maxRounds = 0, quietMs = 0 } = settings.feedback ?? {}
  return {
    items,
    worked,
    asked: isWanted(memory, one.issue, command),
    again: grant?.again === true,
    rounds,
    maxRounds: grant?.limit ?? maxRounds,
    pending: one.seen?.checks.pending ?? 0,
    marked: isMarked(parts, one),
    now: clock.monotonic(),
    quietSince: one.quietSince,
    quietMs,
  }
}

/** The items, of people who may push only. */
export async function hear(
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
