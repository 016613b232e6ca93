/**
 * The chain of claim records: each follows from the one before by a rule. Only `held` and what is handed on
 * are leased; whoever is not named waits for the lease and the margin.
 */
import type { ClaimRecord } from '../../../src/tasks/claim/record.ts'
import { marginMs } from '../../../src/tasks/intake/consider.ts'
import { refPrefix, type RefMove } from './server.ts'
import { leaseMs, maxRounds, recordsOf, type World } from './world.ts'

/** One valid holder at any point: each record follows from the one before by a rule. */
export async function chain(world: World, issue: number): Promise<string[]> {
  const moves = world.server.refs.get(`${refPrefix}${issue}`) ?? []
  const records = await recordsOf(world.server, issue)
  return moves.flatMap((move, index) => {
    const at = `#${issue} record ${index}`
    const record = records[index]
    if (record === undefined) return [`${at} is not valid`]
    if (record.previous !== move.before) return [`${at} does not follow the one before`]
    if (record.peerId !== move.by) return [`${at} was moved by somebody else`]
    const earlier = index === 0 ? undefined : records[index - 1]
    const wrong =
      earlier === undefined
        ? first(record)
        : step(world, { record: earlier, move: moves[index - 1]! }, { record, move })
    return wrong === undefined ? [] : [`${at}: ${wrong}`]
  })
}

const first = (record: ClaimRecord) =>
  record.state === 'held' && record.attempt === 1 ? undefined : 'a chain begins with held(1)'

interface Link {
  record: ClaimRecord
  move: RefMove
}

function step(world: World, { record: a, move: was }: Link, { record: b, move }: Link) {
  if ((b.state === 'handed') !== (b.to !== undefined)) return `${b.state} names ${b.to?.peerId}`
  if (b.to?.peerId === b.peerId) return 'it is handed on to who had it'
  if (b.round !== undefined || a.round !== undefined) {
    const wrong = round(a, b)
    if (wrong !== undefined) return wrong
  } else if (a.state === 'done') return 'something follows done'
  if (b.attempt === a.attempt) {
    if (a.state !== 'held') return `${b.state} follows ${a.state} within an attempt`
    if (b.peerId !== a.peerId) return `${b.peerId} goes on with the attempt of ${a.peerId}`
    return undefined
  }
  if (b.attempt !== a.attempt + 1) return `attempt ${b.attempt} follows ${a.attempt}`
  if (b.state !== 'held') return `an attempt begins with ${b.state}`
  const { rate } = world.machines.find(({ name }) => name === b.peerId)!
  const waited = (move.at - was.at) * rate
  const early =
    waited < leaseMs + marginMs
      ? `after ${Math.round(waited)} ms of a lease of ${leaseMs} ms`
      : undefined
  // A pull request of a done record is the owner's; others wait as for a lease.
  if (a.state === 'done' && a.peerId !== b.peerId)
    return early === undefined ? undefined : `a round ${early}`
  if (a.state === 'handed') {
    const isNamed = a.to?.peerId === b.peerId
    if (!isNamed && early !== undefined) return `what was handed to another is taken ${early}`
    // Who is named goes on; for anybody else that one is gone, as any holder may be.
    const strikes = isNamed ? a.strikes : a.strikes + 1
    return b.strikes === strikes ? undefined : `${b.strikes} strikes follow ${a.strikes}`
  }
  // Its own, left behind by a crash or by a lost answer.
  if (a.state !== 'held' || a.peerId === b.peerId) return undefined
  return early === undefined ? undefined : `taken over ${early}`
}

/** Rounds are counted, are about something that no round before was about, and never become first work. */
function round(a: ClaimRecord, b: ClaimRecord): string | undefined {
  if (b.round === undefined) return `first work follows round ${a.round}`
  if (b.round > maxRounds) return `round ${b.round} of ${maxRounds}`
  const next = a.state === 'done' ? (a.round ?? 0) + 1 : (a.round ?? 0)
  if (b.round !== next) return `round ${b.round} follows ${a.state} of round ${a.round ?? 0}`
  if (b.attempt === a.attempt && String(b.feedback) !== String(a.feedback))
    return 'a round changes what it is about'
  return (b.feedback ?? []).length > 0 ? undefined : 'a round is about nothing'
}
