/**
 * What must be true of every schedule, read from the server's side: the history of the refs, the
 * pull requests, who unassigned whom, and who executed when. The checkers know nothing of how agents
 * decide, so they judge any protocol.
 *
 * Where somebody tampers with claim refs, the chain, the waiting time of takeovers and overlapping
 * executions are not judged: a ref that was taken away or put back is free for others at once. All
 * else must hold still. An issue whose ref was overwritten with what is no record is left alone. So is
 * one with an assignment that no record speaks of, since it may be a person's: where writes are lost
 * or late as well (`keepsWrites`), or an agent is gone for good, it is not judged whether every issue ends.
 */
import { decodeMessage } from '../../../src/tasks/checkpoints/message.ts'
import { keyOf } from '../../../src/tasks/feedback/items.ts'
import { chain } from './chain.ts'
import { reviewBody } from './clients.ts'
import { branchPrefix, failedLabel, needsHuman, refPrefix, trigger } from './server.ts'
import { foreign, recordsOf, stateOf, type Started, type World } from './world.ts'

export async function violationsOf(world: World): Promise<string[]> {
  const issues = [...world.server.issues.keys()]
  const found = await Promise.all(
    issues.map(async (issue) => [
      ...(world.tampered ? [] : await chain(world, issue)),
      ...(await publication(world, issue)),
      ...(world.tampered ? [] : await rounds(world, issue)),
      ...pulls(world, issue),
      ...executions(world, issue),
      ...resumptions(world, issue),
      ...ending(world, issue),
    ]),
  )
  return [...world.violations, ...found.flat(), ...strangers(world), ...refusals(world)]
}

/** Each review is worked once at most, and only while its pull request is open. */
async function rounds(world: World, issue: number): Promise<string[]> {
  const records = (await recordsOf(world.server, issue)).flatMap((record) => record ?? [])
  const done = records.filter(({ state, round }) => state === 'done' && round !== undefined)
  const worked = done.flatMap(({ feedback = [] }) => feedback)
  const known = new Set(world.server.pulls.flatMap(({ reviews }) => reviews.map(reviewKey)))
  return [
    ...(new Set(worked).size === worked.length ? [] : [`#${issue}: a review was worked twice`]),
    ...(worked.every((key) => known.has(key))
      ? []
      : [`#${issue}: a round is about what nobody said`]),
  ]
}

const reviewKey = ({ id }: { id: number }) => keyOf('review', id, reviewBody)

/** Whether there is a review that still must lead to a round, or to the word that a person is needed. */
export function unanswered(world: World, issue: number): boolean {
  const { server } = world
  const pull = server.pullOf(issue)
  const { open, labels, assignees } = server.issue(issue)
  const isHalted = [needsHuman, failedLabel].some((mark) => pull?.labels.includes(mark) === true)
  if (pull === undefined || world.tampered || isHalted) return false
  const logins = new Set(world.machines.map(({ login }) => login))
  const isWanted = open && labels.includes(trigger) && !labels.includes(failedLabel)
  if (!isWanted || assignees.some((login) => !logins.has(login))) return false
  const state = stateOf(server, issue)
  if (state === undefined || state === foreign || state === 'failed') return false
  const worked = new Set<string>()
  for (const { after } of server.refs.get(`${refPrefix}${issue}`) ?? []) {
    const { message = '{}' } = server.commits.get(after ?? '') ?? {}
    if (message === foreign) return false
    const record = JSON.parse(message) as { state: string; feedback?: string[] }
    if (record.state === 'done') for (const key of record.feedback ?? []) worked.add(key)
  }
  return pull.reviews.some((review) => !worked.has(reviewKey(review)))
}

/**
 * The work branch moves only with a record of the newest attempt, by its holder: with the closing one to
 * finished work, with a renewal to a checkpoint. Only checkpoints ever give way.
 */
async function publication(world: World, issue: number): Promise<string[]> {
  const { server } = world
  const { refs, pulls } = server
  const claims = refs.get(`${refPrefix}${issue}`) ?? []
  const records = await recordsOf(world.server, issue)
  const branch = refs.get(`refs/heads/${branchPrefix}${issue}`) ?? []
  const noteOf = (oid: string | null) => decodeMessage(server.commits.get(oid ?? '')?.message ?? '')
  const wrong = branch.flatMap((move) => {
    const at = claims.findIndex(({ push }) => push === move.push)
    const record = records[at]
    const after = server.commits.get(move.after ?? '')
    const note = noteOf(move.after)
    if (record === undefined || record.state !== (note === undefined ? 'done' : 'held'))
      return [`the branch of #${issue} moved without a done record`]
    const made = world.made.get(after?.tree ?? '')
    const right =
      note === undefined
        ? made?.attempt === record.attempt && made.by === record.peerId
        : note.attempt === record.attempt
    if (!right)
      return [`the branch of #${issue} holds the work of another attempt than ${record.attempt}`]
    const stays = new Set(server.chain(move.after))
    for (const oid of server.chain(move.before)) {
      if (stays.has(oid)) break
      if (noteOf(oid) === undefined || note !== undefined)
        return [`the branch of #${issue} lost what stood there`]
    }
    return []
  })
  const done = claims.filter((_, index) => records[index]?.state === 'done')
  const stale = pulls.filter(
    ({ body, branch: head }) =>
      head === `${branchPrefix}${issue}` &&
      !done.some(({ after }) => body.includes(`Claim \`${after}\``)),
  )
  return [...wrong, ...stale.map(({ by }) => `${by} opened a pull request of #${issue} unfenced`)]
}

function pulls(world: World, issue: number): string[] {
  const open = world.server.pulls.filter(
    ({ body, ended }) => body.startsWith(`Closes #${issue}\n`) && ended === undefined,
  )
  return open.length > 1 ? [`#${issue} has ${open.length} open pull requests`] : []
}

/** Holds while clocks err less than the margin and no machine sleeps. */
function executions(world: World, issue: number): string[] {
  if (world.untimely || world.tampered) return []
  const all = world.executions.filter((one) => one.issue === issue)
  return all.flatMap((one, index) =>
    all
      .slice(index + 1)
      .filter((other) => other.from < one.to && one.from < other.to)
      .map((other) => `${one.by} and ${other.by} execute #${issue} at once`),
  )
}

/**
 * Nobody but agents moves work branches here, so none may take its branch for somebody else's. Where
 * somebody forced a claim ref, what was pushed under the record that was taken away is nobody's any more:
 * then an agent gives way to it, as it would to a person.
 */
function refusals({ tampered, machines }: World): string[] {
  if (tampered) return []
  return machines.flatMap(({ name, journal }) =>
    journal.flatMap((entry) => {
      const gaveUp =
        (entry.type === 'checkpoint.refused' && entry.reason.includes('someone else')) ||
        (entry.type === 'task.failed' && entry.code === 'BRANCH_MOVED')
      return gaveUp ? [`${name} gave up #${entry.task.issue}: ${entry.reason}`] : []
    }),
  )
}

/** Longest time in which an agent that was overtaken runs on before it notices, ms. */
const noticeMs = 2_500

/**
 * Who goes on has all that was kept: nothing done is done twice. One that slept while somebody took over
 * begins with what it saw before; it must notice, and end at once what it began.
 */
function resumptions(world: World, issue: number): string[] {
  if (world.tampered) return []
  const all = world.started.filter((one) => one.issue === issue)
  const isOvertaken = (one: Started) =>
    all.slice(0, all.indexOf(one)).some(({ attempt }) => attempt > one.attempt)
  const isBrief = ({ attempt, at }: Started) =>
    world.executions
      .filter((one) => one.issue === issue && one.attempt === attempt && one.from >= at)
      .every(({ from, to }) => to - from <= noticeMs)
  return all
    .filter((one) => one.from < one.kept && !(isOvertaken(one) && isBrief(one)))
    .map(
      ({ attempt, from, kept }) =>
        `attempt ${attempt} at #${issue} begins at ${from} of ${kept} ms`,
    )
}

function strangers(world: World): string[] {
  const logins = new Set(world.machines.map(({ login }) => login))
  return world.server.unassigned
    .filter(({ by, login }) => by !== 'person' && !logins.has(login))
    .map(({ by, issue, login }) => `${by} took ${login} off #${issue}`)
}

function isRound({ server }: World, issue: number): boolean {
  const { message = '{}' } = server.commits.get(server.ref(`${refPrefix}${issue}`) ?? '') ?? {}
  return message !== foreign && (JSON.parse(message) as { round?: number }).round !== undefined
}

/** Whether the mesh still has something to do: an open task that nobody else has. */
export function pending(world: World, issue: number): boolean {
  const { open, labels, assignees } = world.server.issue(issue)
  const logins = new Set(world.machines.map(({ login }) => login))
  if (!open || !labels.includes(trigger) || labels.includes(failedLabel)) return false
  if (assignees.some((login) => !logins.has(login))) return false
  const published = world.server.pulls.some(({ body }) => body.startsWith(`Closes #${issue}\n`))
  const isShort = world.machines.some(({ left }) => left)
  if (world.tampered && (published || !world.keepsWrites || isShort)) return false
  const state = stateOf(world.server, issue)
  // With a pull request, what is left to do is what people say about it: see `unanswered`.
  return state !== foreign && !(published && (state === 'done' || isRound(world, issue)))
}

function ending(world: World, issue: number): string[] {
  if (unanswered(world, issue))
    return [`#${issue}: a review is never answered; its claim is ${stateOf(world.server, issue)}`]
  if (!pending(world, issue)) return []
  return [`#${issue} never ends: its claim is ${stateOf(world.server, issue) ?? 'absent'}`]
}
