/**
 * Real agents on the machines of a world, each `bzzz up` with a home of its own, that work issues of
 * one forge at the hub; an observer that notes what they show; and the judgement at the end.
 */
import { connect, type ApiClient } from '../../../src/api/client.ts'
import { marginMs } from '../../../src/tasks/intake/consider.ts'
import { until } from '../../../src/util/index.ts'
import { createFounder } from '../../members.ts'
import { Actor, endOrphans, onlyChores, type Place } from '../processes/actors.ts'
import { violationsOf } from '../processes/checks.ts'
import type { Disturbance, Evidence } from '../processes/evidence.ts'
import { gather } from '../processes/gather.ts'
import { ended, quiet, rethrowUnless } from '../processes/settle.ts'
import { openStage, type Planned, type Stage } from '../processes/stage.ts'
import { Recorder } from './recorder.ts'
import { forks, gaps, missing, placeOf, unverified, unwritten } from './replicas.ts'
import type { FinalJournals } from './replicas.ts'
import type { Context } from './scenario.ts'
import { maxSlow, watchSlowness, type Slowness } from './slowness.ts'
import type { Machine } from './world.ts'

export interface CrewInit {
  machines: readonly Machine[]
  leaseMs?: number
  /** Environment of the agent on a machine, over the usual. */
  env?: (machine: Machine, context: Context) => Readonly<Record<string, string>>
  /** Configuration of its mesh, over the usual. */
  mesh?: (machine: Machine) => object
  /** Before the agents start: to prepare homes. */
  prepare?: (crew: Crew, context: Context) => Promise<void>
  /** Homes are copied, so that an epoch may have a journal of each. Default false. */
  copies?: boolean
}

export interface Member {
  readonly name: string
  readonly machine: Machine
  readonly actor: Actor
  readonly api: ApiClient
}

export interface Crew {
  readonly stage: Stage
  readonly members: readonly Member[]
  readonly recorder: Recorder
  /** See `slowness.ts`. */
  slowness(): number
  /** What the harness keeps processes from; for the judge of overlapping work. */
  readonly disturbances: Disturbance[]
  /** One more member, whose agent is not started. */
  add(machine: Machine, name?: string): Member
  /** Ends its agent; it is asked for nothing any more, and what it alone showed does not count. */
  dismiss(member: Member): Promise<void>
  /**
   * Until each of `some` (default: all) is connected to all others of them and has their
   * capabilities. Resolves with how long that took, ms; undefined, and a violation, when it took longer
   * than `limitMs`, stretched as far as the machine is slow.
   */
  whole(what: string, limitMs: number, some?: readonly Member[]): Promise<number | undefined>
  /** An issue that anybody may do, or `by` alone. */
  issue(by?: Member, ms?: number): Promise<Planned>
  /** Issues for anybody, one after the other, until it is called. */
  flow(everyMs: number): () => Promise<void>
  /** Waits for the end of everything, ends the agents, and judges all there is. */
  judge(): Promise<Evidence>
}

const usualLeaseMs = 12_000
const pollMs = 2_000
const safetyPollMs = 8_000
/** For all to be up, on a busy machine, ms. */
const upMs = 180_000
/** For all issues to end when nothing goes wrong any more, ms. */
const endMs = 240_000
/** Until all replicas have all, ms. */
const replicatedMs = 90_000
const apiMs = 5_000
/** For all journals of one agent, ms. */
const readMs = 30_000
const verifyMs = 60_000
const yieldMs = 30_000

/** How agents of a world find each other. They listen as a user's do, on every interface. */
const usualMesh = { dht: { enabled: false } }

/** Runs agents for the time of `use`; ends all of them whatever happens. */
export async function withCrew(
  context: Context,
  init: CrewInit,
  use: (crew: Crew) => Promise<void>,
): Promise<void> {
  const { world, dir, random, signal, note } = context
  const { machines, leaseMs = usualLeaseMs } = init
  const login = 'crew'
  const slowMs: [number, number] = [1_500, leaseMs]
  const stage = await openStage({ logins: [login], issues: 0, random, slowMs, within: dir })
  const recorder = new Recorder()
  const members: Member[] = []
  const retired: Member[] = []
  const slowness = await watchSlowness()
  const founder = await createFounder(dir, `chaos-${context.seed}`)

  function add(machine: Machine, name = machine.name): Member {
    const place: Place = {
      enter: machine.enter,
      settings: {
        mesh: { ...usualMesh, ...init.mesh?.(machine) },
        work: { ...onlyChores, tags: [name] },
      },
      env: init.env?.(machine, context) ?? {},
    }
    const actor = new Actor(stage, {
      name,
      login,
      protocol: 'bzzz',
      founder,
      leaseMs,
      pollMs,
      safetyPollMs,
      place,
    })
    const api = connect(actor.home, { timeoutMs: apiMs })
    const member = { name, machine, actor, api }
    members.push(member)
    recorder.follow(name, actor.home)
    return member
  }

  const crew: Crew = {
    stage,
    members,
    recorder,
    slowness: () => slowness.factor(),
    disturbances: [],
    add,
    async dismiss(member) {
      members.splice(members.indexOf(member), 1)
      retired.push(member)
      await member.actor.end()
    },
    whole: async (what, limitMs, some = members) =>
      whole(context, { what, limitMs, some, slowness }),
    issue: async (by, ms = random.between(0, 300)) =>
      stage.openIssue({ kind: 'quick', ms: Math.round(ms), needs: by ? [by.name] : [] }),
    flow: (everyMs) => flow(crew, everyMs, context),
    judge: async () => judge(crew, context, { leaseMs, login, copies: init.copies ?? false }),
  }
  try {
    await world.expose(Number(new URL(stage.forge.url).port))
    for (const machine of machines) add(machine)
    await init.prepare?.(crew, context)
    for (const { actor } of members) await actor.start()
    await until('all agents to be up', upMs * slowness.factor(), () => allReady(members), {
      signal,
      everyMs: 250,
    })
    note(`${members.length} agents are up`)
    await use(crew)
  } finally {
    context.figure('everything took longer here by', Math.round(slowness.factor() * 10) / 10)
    await slowness.stop()
    await recorder.stop()
    await Promise.all([...members, ...retired].map(async ({ actor }) => actor.retire()))
    await endOrphans(stage)
    await stage.close(true)
  }
}

const allReady = async (members: readonly Member[]) =>
  (await Promise.all(members.map(async ({ actor }) => actor.ready()))).every(Boolean)

interface Whole {
  what: string
  limitMs: number
  some: readonly Member[]
  slowness: Slowness
}

async function whole(
  { signal, violation, figure }: Context,
  { what, limitMs, some, slowness }: Whole,
): Promise<number | undefined> {
  const began = performance.now()
  let lacks: string[] = []
  const look = async () => {
    const all = await Promise.all(some.map(async (one) => lacking(one, some)))
    lacks = all.flat()
    return lacks.length === 0
  }
  const late = () => performance.now() - began > limitMs * slowness.factor()
  await until(what, limitMs * maxSlow, async () => (await look()) || late(), {
    signal,
    everyMs: 100,
  }).catch(rethrowUnless('DEADLINE'))
  const took = performance.now() - began
  if (lacks.length > 0) {
    const seconds = `${Math.round(took / 1_000)} s (${limitMs / 1_000} on an idle machine)`
    violation(`${what}: not whole after ${seconds}: ${lacks.join(', ')}`)
    return undefined
  }
  figure(`${what}, whole after, s`, Math.round(took / 100) / 10)
  return took
}

async function lacking(one: Member, all: readonly Member[]): Promise<string[]> {
  const others = all.filter((other) => other !== one)
  const rows = await one.api.peers().catch(() => undefined)
  if (rows === undefined) return [`${one.name} does not answer`]
  return others.flatMap(({ name }) => {
    const row = rows.find((at) => at.name === name)
    return row?.connected === true && row.capabilities !== null ? [] : [`${one.name} lacks ${name}`]
  })
}

function flow(crew: Crew, everyMs: number, { signal }: Context): () => Promise<void> {
  const over = new AbortController()
  const running = (async () => {
    while (!over.signal.aborted && !signal.aborted) {
      await crew.issue()
      await until('the next issue', everyMs, () => over.signal.aborted, { everyMs: 50 }).catch(
        rethrowUnless('DEADLINE'),
      )
    }
  })()
  return async () => {
    over.abort()
    await running
  }
}

/** Waits for the end of all issues and for all replicas, ends the agents, and judges all there is. */
async function judge(
  crew: Crew,
  { signal, note, figure, violation }: Context,
  { leaseMs, login, copies }: { leaseMs: number; login: string; copies: boolean },
): Promise<Evidence> {
  const { stage, members, recorder, disturbances } = crew
  await ended(stage, [login], { ms: endMs * crew.slowness(), signal, note }).catch(
    rethrowUnless('DEADLINE'),
  )
  await quiet(stage, signal)
  const began = performance.now()
  let finals: FinalJournals[] = []
  const replicated = async () => {
    const read = await Promise.all(members.map(async (one) => finalOf(one))).catch(() => undefined)
    if (read === undefined) return false
    finals = read
    const all = new Set(finals.flatMap(({ entries }) => entries.map(placeOf)))
    return finals.every(({ entries }) => entries.length === all.size)
  }
  await until('all replicas', replicatedMs * crew.slowness(), replicated, {
    signal,
    everyMs: 1_000,
  }).catch(rethrowUnless('DEADLINE'))
  if (finals.length < members.length) throw new Error('not all journals could be read')
  figure('replicas equal after, s', Math.round((performance.now() - began) / 100) / 10)
  await recorder.stop()
  const here = new Set(members.map(({ name }) => name))
  const shown = recorder.sightings
  const seen = shown.filter(({ holder }) => here.has(holder))
  finals = await Promise.all(
    finals.map(async (final, index) => {
      const verifications = await members[index]!.api.verify(undefined, { timeoutMs: verifyMs })
      return { ...final, verifications }
    }),
  )
  await Promise.all(members.map(async ({ actor }) => actor.end()))
  const orphans = await endOrphans(stage)
  if (orphans > 0) violation(`${orphans} processes were left behind`)
  const evidence = await gather(stage, {
    leaseMs,
    marginMs,
    yieldMs,
    logins: [login],
    disturbances,
  })
  for (const { rule, text } of violationsOf(evidence)) violation(`${rule}: ${text}`)
  for (const text of forks(shown, finals, { copies })) violation(`fork: ${text}`)
  for (const text of missing(seen, finals)) violation(`lost: ${text}`)
  for (const text of gaps(finals)) violation(`gap: ${text}`)
  for (const text of unverified(finals)) violation(`verify: ${text}`)
  for (const text of unwritten(evidence.records, finals)) violation(`unwritten: ${text}`)
  figure('issues', evidence.issues.length)
  figure('entries acknowledged', seen.length)
  return evidence
}

async function finalOf({ name, actor }: Member): Promise<FinalJournals> {
  const entries = []
  const api = connect(actor.home, { timeoutMs: readMs })
  for await (const entry of api.logs()) entries.push(entry)
  return { holder: name, entries, verifications: [] }
}

/** Publications by these agents between two times, as the forge's ledger has them. */
export function publishedBetween(
  { moves, records }: Evidence,
  names: readonly string[],
  [from, to]: readonly [number, number],
): number {
  return moves.filter(({ after, at }) => {
    const record = after === null ? undefined : records.get(after)
    if (typeof record !== 'object' || record.state !== 'done') return false
    return names.includes(record.name) && at >= from && at <= to
  }).length
}
