/**
 * Help among the agents of the model, as far as claims depend on it: a task that is stuck, or still works,
 * asks; somebody says that it would take the whole task over, and the real code hands it on. Who answers may
 * be gone by the time that the claim names it: it may also have answered before it was killed, stopped, cut
 * off or filled, or be nobody at all. Both sides are killed at each step of it now and then.
 */
import type { HelpQuestion } from '../../../src/mesh/index.ts'
import type { DeskOutcome, HelpDesk } from '../../../src/tasks/asking/desk.ts'
import type { Patches } from '../../../src/tasks/asking/patches.ts'
import type { ClaimRepository } from '../../../src/tasks/claim/repository-types.ts'
import { createHelping, type HelpingComponents } from '../../../src/tasks/helping/helping.ts'
import type { TasksJournal } from '../../../src/tasks/needs.ts'
import { nullLogger, sleep } from '../../../src/util/index.ts'
import type { Process } from './scheduler.ts'
import { incarnationOf, type Machine, type World } from './world.ts'

export const helpSettings = {
  ask: true,
  give: true,
  people: false,
  handOver: true,
  patienceMs: 60_000,
  workMs: 60_000,
  pauseMs: 5_000,
}

/** Of all answers: somebody takes over; it gives advice; it is lost on the way. The rest: nobody can. */
const answers = { takeover: 0.7, advice: 0.1, lost: 0.05 }
/** Part of the take-overs that are promised by whoever it may be, whatever has become of it since. */
const blind = 0.3
/** Requests that a task may make. */
const maxRequests = 3
/** A peer that was in the mesh once. */
const gone = 'agent-gone'

const never = () => new Promise<never>(() => undefined)

/** Kills the machine's process at this step of a hand-over, or does not. */
function crash(world: World, machine: Machine): boolean {
  const { handing } = world.init
  if (handing === undefined || world.network.calm || !world.random.chance(handing.crash))
    return false
  if (machine.agent === undefined || world.crash === undefined) return false
  world.crash(machine)
  world.handing.crashes += 1
  return true
}

export function deskOf(world: World, machine: Machine, { clock }: Process): HelpDesk {
  const { random } = world
  const others = () => world.machines.filter((one) => one !== machine)
  const triedOf = ({ issue }: { issue: number }) => {
    const tried = world.handing.tried.get(issue) ?? []
    world.handing.tried.set(issue, tried)
    return tried
  }

  /** Peer id of who says that it would take over. */
  async function helperFor(question: HelpQuestion, signal: AbortSignal) {
    const ready = others().filter(
      ({ agent }) =>
        agent?.process.frozen === 'no' && agent.helping?.offer(question).ready === true,
    )
    const isBlind = ready.length === 0 || random.chance(blind)
    const all = isBlind ? [...others(), undefined] : ready
    const helper = all[Math.floor(random.between(0, all.length))]
    if (helper?.agent?.process.frozen === 'no') {
      await helper.agent.helping?.help(question, signal, question.budget)
      crash(world, helper)
    }
    return helper?.name ?? gone
  }

  async function answerTo(question: HelpQuestion, signal: AbortSignal): Promise<DeskOutcome> {
    const { id } = question
    const luck = random.next()
    if (luck < answers.lost)
      return { is: 'lost', id, helper: others()[0]?.name ?? gone, reason: 'it said no more' }
    if (luck < answers.lost + answers.advice && question.want.includes('advice')) {
      const helper = others()[0]?.name ?? gone
      return { is: 'answered', id, helper, answer: { form: 'advice', text: 'Do it so.' } }
    }
    const isLucky = luck < answers.lost + answers.advice + answers.takeover
    // The mesh lets no answer through that nobody wanted.
    if (!isLucky || !question.want.includes('takeover'))
      return { is: 'nobody', id, reason: 'nobody can' }
    const helper = await helperFor({ ...question, want: ['takeover'] }, signal)
    return { is: 'answered', id, helper, answer: { form: 'takeover', note: '' } }
  }

  return {
    maxRequests,
    reachable: () => others().filter(({ agent }) => agent !== undefined).length,
    async *ask(request, signal) {
      const tried = triedOf(request.task)
      if (tried.length >= maxRequests) {
        yield { is: 'ended', outcome: { is: 'exhausted', tried } }
        return
      }
      const id = Math.floor(random.between(0, 2 ** 40))
        .toString(16)
        .padStart(32, '0')
      const round = tried.length + 1
      tried.push({ id, round, asked: [], outcome: 'nobody', reason: 'nobody', entries: [] })
      if (crash(world, machine)) await never()
      await sleep(random.between(100, 4_000), { signal, clock })
      const about = { id, round, v: 1, mesh: 'm', origin: machine.name }
      const outcome = await answerTo({ ...request, ...about } as HelpQuestion, signal)
      // The answer is on its way; meanwhile whoever gave it may be gone.
      await sleep(random.between(10, 8_000), { signal, clock })
      if (outcome.is === 'answered' && crash(world, machine)) await never()
      yield { is: 'ended', outcome }
    },
    conclude: async () => undefined,
    tried: (task) => [...triedOf(task)],
    completed: ({ issue }) => void world.handing.tried.delete(issue),
    who(peerId) {
      const known = world.machines.find(({ name }) => name === peerId)
      if (known === undefined) return { name: peerId }
      return { name: peerId, login: known.login, incarnation: incarnationOf(known) }
    },
  }
}

/** The side of the helper, as it is; of all help there is only the take-over here. */
export const helpingOf = (
  components: Pick<
    HelpingComponents,
    'place' | 'context' | 'self' | 'openSlots' | 'letGo' | 'clock'
  >,
) =>
  createHelping({
    ...components,
    settings: helpSettings,
    hold: () => () => undefined,
    scratch: { open: () => Promise.reject(new Error('No executor helps here.')) },
    logger: nullLogger,
  })

/** No diff goes with a question here, and no patch comes back. */
export const noPatches: Patches = {
  common: async (one) => one,
  between: async () => undefined,
  apply: async () => ({ is: 'unfit', reason: 'There are no patches here.' }),
}

const isHanding = (world: World, oid: string) =>
  world.server.commits.get(oid)?.message.includes('"state":"handed"') === true

/** The process dies when the request that hands the claim on has left. */
export const dyingRefs = (
  refs: ClaimRepository,
  world: World,
  machine: Machine,
): ClaimRepository => ({
  ...refs,
  push(updates, signal) {
    const pushed = refs.push(updates, signal)
    return updates.some(({ next }) => isHanding(world, next)) && crash(world, machine)
      ? never()
      : pushed
  },
})

/** … when GitHub has taken it; and the one that it names, when its claim has arrived. */
export function dyingAtMoves(world: World): void {
  world.server.onMove = ({ by, before, after }) => {
    const isFollowing = before !== null && isHanding(world, before)
    if (!isFollowing && (after === null || !isHanding(world, after))) return
    const machine = world.machines.find(({ name }) => name === by)
    if (machine !== undefined) crash(world, machine)
  }
}

/** … before and after the journal says so; and who goes on, when its journal says that it tries, or won. */
export function dyingJournal(journal: TasksJournal, world: World, machine: Machine): TasksJournal {
  const following = new Set<string>()
  return {
    ...journal,
    async append(entry, options) {
      if (entry.type === 'claim.tried' && isHanding(world, entry.previous ?? ''))
        following.add(entry.oid ?? '')
      const isStep =
        (entry.type === 'claim.released' && entry.state === 'handed') ||
        ((entry.type === 'claim.tried' || entry.type === 'claim.won') &&
          following.has(entry.oid ?? ''))
      if (isStep && crash(world, machine)) await never()
      const written = await journal.append(entry, options)
      if (isStep && crash(world, machine)) await never()
      return written
    },
  }
}
