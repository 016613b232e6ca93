/**
 * What must be true of a run, judged from the forge's side: the history of the refs, issue events,
 * pull requests and branches. Pure, and without any knowledge of how agents decide, so that it
 * judges any protocol. The one thing that is not the forge's is when chores ran: they sign in a file.
 */
import type { ClaimRecord } from '../../../src/tasks/claim/record.ts'
import {
  branchPrefix,
  closes,
  contentOf,
  emptyTree,
  endingOf,
  pathOf,
  refPrefix,
  type Evidence,
  type Execution,
  type IssueFacts,
  type Move,
} from './evidence.ts'

export type Rule =
  | 'chain'
  | 'takeover'
  | 'publication'
  | 'one pull request'
  | 'change'
  | 'execution'
  | 'assignment'
  | 'person'
  | 'ending'

export interface Violation {
  rule: Rule
  issue: number
  text: string
}

/** Events have whole seconds. */
const secondMs = 1_000

export function violationsOf(evidence: Evidence): Violation[] {
  const known = new Set(evidence.issues.map(({ number }) => number))
  const strays = evidence.moves.flatMap(({ ref }) => {
    if (!ref.startsWith(refPrefix) || known.has(Number(ref.slice(refPrefix.length)))) return []
    return [{ rule: 'chain' as const, issue: 0, text: `${ref} belongs to no issue` }]
  })
  const found = evidence.issues.flatMap((issue) => [
    ...chain(evidence, issue),
    ...publication(evidence, issue),
    ...pulls(evidence, issue),
    ...executions(evidence, issue),
    ...assignments(evidence, issue),
    ...people(evidence, issue),
    ...ending(evidence, issue),
  ])
  return [...strays, ...found]
}

const because = (rule: Rule, { number: issue }: IssueFacts) => {
  return (text: string): Violation => ({ rule, issue, text: `#${issue}: ${text}` })
}

export const movesOf = ({ moves }: Evidence, ref: string) => moves.filter((one) => one.ref === ref)
export const claimsOf = (evidence: Evidence, { number }: IssueFacts) =>
  movesOf(evidence, `${refPrefix}${number}`)

/** One valid holder at any point: each record follows from the one before by a rule. */
function chain(evidence: Evidence, issue: IssueFacts): Violation[] {
  const moves = claimsOf(evidence, issue)
  const say = because('chain', issue)
  return moves.flatMap((move, index) => {
    const earlier = moves[index - 1]
    const at = `record ${index}`
    if (move.after === null) return [say(`${at}: the claim ref was deleted`)]
    const record = evidence.records.get(move.after)
    if (typeof record !== 'object') return [say(`${at} is not valid: ${record ?? 'it is absent'}`)]
    const commit = evidence.commits.get(move.after)
    if (commit?.tree !== emptyTree) return [say(`${at} has files`)]
    if (move.before !== (earlier?.after ?? null)) return [say(`${at} broke the chain`)]
    if (record.previous !== move.before) return [say(`${at} does not name the one before`)]
    const before = recordOf(evidence, earlier)
    if (earlier === undefined || before === undefined) {
      const right = record.state === 'held' && record.attempt === 1
      return right ? [] : [say('a chain begins with held(1)')]
    }
    return step(evidence, issue, { record: before, move: earlier }, { record, move })
  })
}

interface Link {
  record: ClaimRecord
  move: Move
}

/** Whether a record ends another's claim that its holder has not let go; with done it keeps its pull request. */
export const isTakeover = (a: ClaimRecord, b: ClaimRecord) =>
  (a.state === 'held' || a.state === 'done') && b.attempt !== a.attempt && a.peerId !== b.peerId

function step(
  { leaseMs, marginMs }: Evidence,
  issue: IssueFacts,
  { record: a, move: was }: Link,
  { record: b, move }: Link,
): Violation[] {
  const say = because('chain', issue)
  const wrong = round(a, b)
  if (wrong !== undefined) return [say(wrong)]
  if (b.attempt === a.attempt) {
    if (a.state !== 'held') return [say(`${b.state} follows ${a.state} within an attempt`)]
    if (b.peerId !== a.peerId) return [say(`${b.name} goes on with the attempt of ${a.name}`)]
    return []
  }
  if (b.attempt !== a.attempt + 1) return [say(`attempt ${b.attempt} follows ${a.attempt}`)]
  if (b.state !== 'held') return [say(`an attempt begins with ${b.state}`)]
  if (!isTakeover(a, b)) return []
  const waited = move.at - was.at
  if (waited >= leaseMs + marginMs) return []
  return [
    because('takeover', issue)(`taken over after ${waited} ms of ${leaseMs} + ${marginMs} ms`),
  ]
}

/**
 * After done comes nothing but a round of feedback, which is about something and never becomes first
 * work. Another than who published waits for it as for a lease: see `isTakeover`.
 */
function round(a: ClaimRecord, b: ClaimRecord): string | undefined {
  if (b.round === undefined) {
    if (a.state === 'done') return `${b.state} of ${b.name} follows done`
    return a.round === undefined ? undefined : `first work follows round ${a.round}`
  }
  const next = a.state === 'done' ? (a.round ?? 0) + 1 : (a.round ?? 0)
  if (b.round !== next) return `round ${b.round} follows ${a.state} of round ${a.round ?? 0}`
  if (b.attempt === a.attempt && String(b.feedback) !== String(a.feedback))
    return 'a round changes what it is about'
  return (b.feedback ?? []).length > 0 ? undefined : 'a round is about nothing'
}

/** The work branch moves only together with the closing record of the newest attempt. */
function publication(evidence: Evidence, issue: IssueFacts): Violation[] {
  const say = because('publication', issue)
  const claims = claimsOf(evidence, issue)
  const done = claims.filter((move) => recordOf(evidence, move)?.state === 'done')
  const branch = movesOf(evidence, `refs/heads/${branchPrefix}${issue.number}`)
  const moved = branch.flatMap((move) => {
    const claim = claims.find(({ transaction }) => transaction === move.transaction)
    const record = recordOf(evidence, claim)
    if (record?.state !== 'done') return [say('the work branch moved without a done record')]
    if (move.after === null) return [say('the work branch was deleted')]
    const commit = evidence.commits.get(move.after)
    if (commit?.author !== `${record.name} (bzzz)`)
      return [say(`${record.name} published the work of ${commit?.author ?? 'nobody'}`)]
    return []
  })
  const opened = evidence.pulls.filter((pull) => isFor(pull, issue))
  const unfenced = opened.flatMap((pull) => {
    if (done.some(({ after }) => pull.body.includes(`Claim \`${after}\``))) return []
    return [say(`pull request ${pull.number} stands on no done record`)]
  })
  return [...moved, ...unfenced]
}

function recordOf({ records }: Evidence, move: Move | undefined): ClaimRecord | undefined {
  const record = records.get(move?.after ?? '')
  return typeof record === 'object' ? record : undefined
}

const isFor = ({ body }: { body: string }, { number }: IssueFacts) =>
  `${body}\n`.startsWith(closes(number))

/** At most one open pull request, and what it changes is what the issue asked for. */
function pulls(evidence: Evidence, issue: IssueFacts): Violation[] {
  const mine = evidence.pulls.filter((pull) => isFor(pull, issue))
  const open = mine.filter((pull) => pull.open)
  const many =
    open.length > 1 ? [because('one pull request', issue)(`${open.length} open pull requests`)] : []
  const say = because('change', issue)
  const wrong = mine.flatMap(({ number, files, head, headOid }) => {
    const tip = movesOf(evidence, `refs/heads/${head}`).at(-1)?.after
    if (tip !== headOid) return [say(`pull request ${number} does not show the branch's tip`)]
    if (issue.kind === 'broken') return [say(`pull request ${number} of an issue that must fail`)]
    const right = files.size === 1 && files.get(pathOf(issue.word)) === contentOf(issue.word)
    return right ? [] : [say(`pull request ${number} changes ${[...files.keys()].join(', ')}`)]
  })
  return [...many, ...wrong]
}

/** No two at once, unless the harness kept one of the two agents from running meanwhile. */
function executions(evidence: Evidence, issue: IssueFacts): Violation[] {
  return overlapsOf(evidence, issue)
    .filter(({ excused }) => !excused)
    .map(({ a, b }) => {
      const both = Math.round(Math.min(a.to, b.to) - Math.max(a.from, b.from))
      return because('execution', issue)(`${a.agent} and ${b.agent} at once, for ${both} ms`)
    })
}

export interface Overlap {
  a: Execution
  b: Execution
  /** An agent that is stopped can neither renew nor stop its executor. */
  excused: boolean
}

export function overlapsOf(evidence: Evidence, { word }: IssueFacts): Overlap[] {
  const { disturbances, leaseMs, marginMs } = evidence
  const mine = evidence.executions.filter((one) => one.word === word)
  const stopped = ({ agent, from, to }: Execution) =>
    disturbances.some(
      (one) =>
        one.how === 'stop' &&
        one.agent === agent &&
        one.from < to &&
        one.to > from - leaseMs - marginMs,
    )
  return mine.flatMap((a, index) =>
    mine
      .slice(index + 1)
      .filter((b) => a.from < b.to && b.from < a.to)
      .map((b) => ({ a, b, excused: stopped(a) || stopped(b) })),
  )
}

/** An agent assigns itself only under a claim. */
function assignments(evidence: Evidence, issue: IssueFacts): Violation[] {
  const held = claimsOf(evidence, issue).flatMap((move) => {
    const login = recordOf(evidence, move)?.login.toLowerCase()
    return login === undefined ? [] : [{ at: move.at, login }]
  })
  return issue.events.flatMap(({ event, at, assignee }) => {
    const login = assignee?.toLowerCase() ?? ''
    if (event !== 'assigned' || !evidence.agents.has(login)) return []
    if (held.some((one) => one.login === login && one.at <= at + secondMs)) return []
    return [because('assignment', issue)(`${login} was assigned without ever a claim`)]
  })
}

/** Nobody takes a person off an issue, and nothing is published long after a person took it. */
function people(evidence: Evidence, issue: IssueFacts): Violation[] {
  const { agents, disturbances, yieldMs } = evidence
  const say = because('person', issue)
  const taken = issue.events.find(
    ({ event, assignee }) => event === 'assigned' && !agents.has(assignee?.toLowerCase() ?? ''),
  )
  const off = issue.events.flatMap(({ event, actor, assignee }) => {
    if (event !== 'unassigned' || agents.has(assignee?.toLowerCase() ?? '')) return []
    return [say(`${actor} took ${assignee ?? 'somebody'} off`)]
  })
  if (taken === undefined) return off
  const done = claimsOf(evidence, issue).find((move) => recordOf(evidence, move)?.state === 'done')
  if (done === undefined || done.at <= taken.at + secondMs + yieldMs) return off
  const name = recordOf(evidence, done)?.name ?? ''
  const asleep = disturbances.some(
    (one) => one.agent === name && one.from < done.at && one.to > taken.at,
  )
  if (asleep) return off
  return [...off, say(`${name} published ${done.at - taken.at} ms after a person took it`)]
}

function ending(evidence: Evidence, issue: IssueFacts): Violation[] {
  if (endingOf(issue, evidence.pulls, evidence.agents) !== 'unfinished') return []
  const claim = recordOf(evidence, claimsOf(evidence, issue).at(-1))?.state ?? 'absent'
  return [because('ending', issue)(`neither done nor failed; its claim is ${claim}`)]
}
