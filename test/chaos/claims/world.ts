/** All that a schedule runs in: model time, GitHub, the network, machines, and what was seen to go wrong. */
import { createHash } from 'node:crypto'
import type { EntryInput, LoggedEntry } from '../../../src/journal/index.ts'
import type { TaskAnnouncement } from '../../../src/mesh/index.ts'
import type { Candidate } from '../../../src/tasks/intake/intake.ts'
import { decodeRecord, type ClaimRecord } from '../../../src/tasks/claim/record.ts'
import type { Tip } from '../../../src/tasks/claim/decide.ts'
import type { ClaimRepository } from '../../../src/tasks/claim/repository-types.ts'
import type { Settings } from '../../../src/tasks/context.ts'
import type { GitHub } from '../../../src/tasks/github/github.ts'
import type { Tried } from '../../../src/tasks/asking/desk.ts'
import type { Helping } from '../../../src/tasks/helping/helping.ts'
import type { TasksJournal, TasksMesh, TasksWork } from '../../../src/tasks/needs.ts'
import type { Transport } from './clients.ts'
import { Network, type Faults } from './network.ts'
import { createRandom, Scheduler, type Process, type Random } from './scheduler.ts'
import { refPrefix, repo, Server } from './server.ts'

export const leaseMs = 120_000
/** Fewer than there may be reviews, so that some pull requests end with a person. */
export const maxRounds = 2

export interface WorldInit {
  seed: number
  issues: number
  agents: number
  /** All agents have one GitHub login. */
  oneLogin: boolean
  /** Largest part by which a clock is too fast or too slow. */
  drift: number
  faults: Faults
  transports: 'git' | 'rest' | 'both'
  /** Probability that work takes minutes, while things go wrong. */
  longWork: number
  /** A rule of the server forbids that commits of a branch disappear. */
  appendOnly: boolean
  /** How often agents ask for help, and are killed at a step of handing on, 0 to 1. Default: they do not help. */
  handing?: { asks: number; crash: number }
}

/** What survives the process: journal, local git store, key. */
export interface Machine {
  name: string
  login: string
  rate: number
  transport: Transport
  journal: LoggedEntry[]
  store: Set<string>
  incarnations: number
  /** It does not reach GitHub until this time. */
  cutUntil: number
  /** For good. */
  left: boolean
  agent: RunningAgent | undefined
}

export interface RunningAgent {
  process: Process
  /** Whether nothing is being worked. */
  idle(): boolean
  /** What it answers who asks for help. */
  helping?: Helping
  /** Ends in order: hands back what is not finished. */
  stop(): Promise<void>
}

export interface Execution {
  issue: number
  attempt: number
  by: string
  from: number
  to: number
}

/** What an executor went on from, and what was kept on the branch at that moment, as progress in ms. */
export interface Started {
  issue: number
  attempt: number
  from: number
  kept: number
  at: number
}

export type Heard = Parameters<TasksMesh['heard']>[0]

export interface World {
  init: WorldInit
  scheduler: Scheduler
  random: Random
  server: Server
  network: Network
  machines: Machine[]
  executions: Execution[]
  /** Who finished what, by the tree of the commit. */
  made: Map<string, { by: string; issue: number; attempt: number }>
  violations: string[]
  listeners: Map<Process, Heard>
  /** Decoded records by OID: decoding is pure, and most of what a schedule would cost. */
  decoded: Map<string, Tip>
  /** Whether machines sleep, or clocks err more than the margin allows. */
  untimely: boolean
  /** Whether somebody deletes, forces or overwrites claim refs. */
  tampered: boolean
  /** Whether every write arrives at once, though its answer may be lost. */
  keepsWrites: boolean
  /** How often frozen work went on. */
  resumed: number
  started: Started[]
  /** Checkpoints that arrived, as their agents know. */
  checkpoints: number
  handing: {
    /** Requests for help by issue, since its task last ended. */
    tried: Map<number, Tried[]>
    /** Processes that were killed at a step of a hand-over. */
    crashes: number
  }
  /** Kills what runs on the machine, which comes back later. */
  crash?: (machine: Machine) => void
  tuning: Tuning
}

/** What a measurement changes of the world that schedules run in. */
export interface Tuning {
  settings?: Partial<Settings>
  github?: (machine: Machine, github: GitHub) => GitHub
  refs?: (machine: Machine, refs: ClaimRepository) => ClaimRepository
  work?: (machine: Machine, process: Process) => TasksWork
}

const transportOf = ({ transports }: WorldInit, index: number): Transport =>
  transports === 'both' ? (index % 2 === 0 ? 'git' : 'rest') : transports

export function createWorld(
  init: WorldInit,
  { untimely, tampered, keepsWrites }: Pick<World, 'untimely' | 'tampered' | 'keepsWrites'>,
  tuning: Tuning = {},
): World {
  const scheduler = new Scheduler()
  const random = createRandom(init.seed)
  const machines = Array.from({ length: init.agents }, (_, index) => ({
    name: `agent-${index}`,
    login: init.oneLogin ? 'bot' : `bot-${index}`,
    rate: 1 + random.between(-init.drift, init.drift),
    transport: transportOf(init, index),
    journal: [],
    store: new Set<string>(),
    incarnations: 0,
    cutUntil: 0,
    left: false,
    agent: undefined,
  }))
  return {
    init,
    scheduler,
    random,
    server: new Server(init.issues, () => scheduler.now, init.appendOnly),
    network: new Network(scheduler, random, init.faults),
    machines,
    executions: [],
    made: new Map(),
    violations: [],
    listeners: new Map(),
    decoded: new Map(),
    untimely,
    tampered,
    keepsWrites,
    resumed: 0,
    started: [],
    checkpoints: 0,
    handing: { tried: new Map(), crashes: 0 },
    tuning,
  }
}

/** Nobody forges here; what a bad signature leads to is tested elsewhere. */
export const signatureOf = (peerId: string, data: Uint8Array) =>
  Buffer.from(`${peerId} ${data.length}`)
export const verify = async (peerId: string, data: Uint8Array, signature: Uint8Array) =>
  signatureOf(peerId, data).equals(signature)

export const incarnationOf = (machine: Machine) =>
  createHash('md5').update(`${machine.name} ${machine.incarnations}`).digest('hex')

export function journalOf(world: World, machine: Machine, process: Process) {
  const { journal } = machine
  return {
    head: () => ({ key: 'k', epoch: 0, length: journal.length }),
    async append(entry: EntryInput) {
      if (!process.alive) return new Promise<never>(() => undefined)
      const stamp = { v: 1 as const, epoch: 0, seq: journal.length, time: process.clock.now() }
      const logged = { ...entry, ...stamp }
      journal.push({ ...logged, agent: machine.name } as unknown as LoggedEntry)
      return logged
    },
    /** Journals of others are here at once. */
    async *read({ agent, task, types }: Parameters<TasksJournal['read']>[0]) {
      const asked: readonly string[] | undefined = types
      for (const { name, journal: read } of world.machines) {
        if (agent !== undefined && name !== agent) continue
        for (const entry of read) {
          if (task !== undefined && !('task' in entry && entry.task.issue === task.issue)) continue
          if (asked?.includes(entry.type) ?? true) yield entry
        }
      }
    },
    async *tail() {
      // Nobody follows a journal here.
    },
  }
}

/** Share that is lost, and the longest delay, ms. */
const gossip = { lost: 0.2, delayMs: 2_000 }

export function meshOf(world: World, machine: Machine, process: Process): TasksMesh {
  return {
    peerId: machine.name,
    incarnation: incarnationOf(machine),
    sign: async (data) => signatureOf(machine.name, data),
    candidates: () =>
      world.machines
        .filter((other) => other !== machine && other.agent !== undefined)
        .map((other) => candidate(other, other.agent?.idle() === true ? 1 : 0)),
    async tell(announcement: TaskAnnouncement) {
      if (!process.alive) return
      for (const [other, handler] of world.listeners) {
        if (other === process || world.random.chance(gossip.lost)) continue
        world.scheduler.after(world.random.between(5, gossip.delayMs), () =>
          other.deliver(() => handler(announcement, machine.name)),
        )
      }
    },
    heard(handler) {
      world.listeners.set(process, handler)
      return () => void world.listeners.delete(process)
    },
  }
}

export const candidate = (machine: Machine, freeSlots: number): Candidate => ({
  peerId: machine.name,
  name: machine.name,
  login: machine.login,
  offers: new Set(),
  repositories: [repo],
  freeSlots,
})

/** The records of an issue's claim ref, oldest first; `undefined` where it holds none. */
export async function recordsOf(
  server: Server,
  issue: number,
): Promise<(ClaimRecord | undefined)[]> {
  return Promise.all(
    (server.refs.get(`${refPrefix}${issue}`) ?? []).map(async ({ after }) => {
      if (after === null) return undefined
      const { message, parent } = server.commits.get(after)!
      const parents = parent === null ? [] : [parent]
      return decodeRecord(message, { repo, issue, parents }, verify).catch(() => undefined)
    }),
  )
}

/** What a commit says that is no record of anybody. */
export const foreign = 'foreign'

export function stateOf(server: Server, issue: number): string | undefined {
  const oid = server.ref(`${refPrefix}${issue}`)
  if (oid === undefined) return undefined
  const { message } = server.commits.get(oid)!
  return message === foreign ? foreign : (JSON.parse(message) as { state?: string }).state
}
