/**
 * An agent as it is, in model time: the service of `src/tasks` with its rota, gates, claims and
 * publication. Only GitHub's client and the repository are the model's, and the mesh is a gossip that
 * delays and loses a little, and carries tasks, issues and limits as the real one does.
 */
import { createTasks } from '../src/tasks/tasks.ts'
import type { TasksInit } from '../src/tasks/contract.ts'
import { createClaims } from '../src/tasks/claim/claims.ts'
import type { ClaimRepository } from '../src/tasks/claim/repository-types.ts'
import type { GateCalls } from '../src/tasks/github/gate-calls.ts'
import type { GitHub } from '../src/tasks/github/github.ts'
import type { Answered } from '../src/tasks/github/answers.ts'
import type { TasksMesh, TasksWork, Topic } from '../src/tasks/needs.ts'
import { nullLogger } from '../src/util/index.ts'
import { newProcess, sendOf } from '../test/chaos/claims/agent.ts'
import { gitHubOf, repositoryOf } from '../test/chaos/claims/clients.ts'
import type { Process } from '../test/chaos/claims/scheduler.ts'
import { repo } from '../test/chaos/claims/server.ts'
import {
  candidate,
  incarnationOf,
  journalOf,
  signatureOf,
  verify,
  type Machine,
  type RunningAgent,
  type World,
} from '../test/chaos/claims/world.ts'

/** On a local network: ms from sender to receiver, and the part that is lost. */
export const gossip = { fromMs: 50, toMs: 300, lost: 0.01 }

type Message = { topic: 'tasks' | 'issues' | 'limits' | 'slots'; body: unknown }

/** What all agents of a world are connected by. */
export class Gossip {
  readonly #world: World
  readonly #listeners = new Map<Process, Map<string, (body: unknown, from: string) => void>>()
  /** Used slots by peer, as each process heard them last. */
  readonly #used = new Map<Process, Map<string, number>>()

  constructor(world: World) {
    this.#world = world
  }

  join(process: Process): void {
    this.#listeners.set(process, new Map())
    this.#used.set(process, new Map())
  }

  used(process: Process, peer: string): number {
    return this.#used.get(process)?.get(peer) ?? 0
  }

  send(from: { machine: Machine; process: Process }, { topic, body }: Message): void {
    const { random, scheduler } = this.#world
    const { name } = from.machine
    for (const [process, handlers] of this.#listeners) {
      if (process === from.process || random.chance(gossip.lost)) continue
      scheduler.after(random.between(gossip.fromMs, gossip.toMs), () =>
        process.deliver(() => {
          if (topic === 'slots') this.#used.get(process)?.set(name, body as number)
          else handlers.get(topic)?.(body, name)
        }),
      )
    }
  }

  topic<T>(machine: Machine, process: Process, topic: Message['topic']): Topic<T> {
    return {
      publish: async (body) => this.send({ machine, process }, { topic, body }),
      subscribe: (handler) => {
        const handlers = this.#listeners.get(process)
        handlers?.set(topic, handler as (body: unknown, from: string) => void)
        return () => void handlers?.delete(topic)
      },
    }
  }
}

export interface AgentInit {
  settings: Omit<TasksInit, 'name'>
  gossip: Gossip
  gates: (machine: Machine, process: Process, github: GitHub) => GateCalls
  /** Sees every call; `answered` says what GitHub's headers would. */
  count: (machine: Machine, github: GitHub, answered: (answer: Answered) => void) => GitHub
  refs: (machine: Machine, refs: ClaimRepository) => ClaimRepository
  work: (machine: Machine, process: Process) => TasksWork
}

export async function startReal(
  world: World,
  machine: Machine,
  init: AgentInit,
): Promise<RunningAgent> {
  const process = newProcess(world, machine)
  const { clock } = process
  const { name, login } = machine
  const send = sendOf(world, machine, process)
  const { settings, gossip: mesh } = init
  mesh.join(process)
  const gitHub = gitHubOf(name, login, world.server, send, { assigning: () => undefined })
  const tasks = createTasks(
    { ...settings, name },
    {
      journal: journalOf(world, machine, process),
      mesh: meshOf(world, machine, process, mesh),
      work: init.work(machine, process),
      git: async () => '',
      verify,
      logger: nullLogger,
      clock,
      self: () => candidate(machine, 0),
      onChange: ({ slotsUsed }) =>
        mesh.send({ machine, process }, { topic: 'slots', body: slotsUsed }),
      connect: (_, { onAnswer = () => undefined }) => ({
        ...init.count(machine, gitHub, onAnswer),
        gates: init.gates(machine, process, gitHub),
        principal: () => `user:${login}@github.com`,
        assignable: async () => true,
        refs: () => {
          throw new Error('the model has no REST transport')
        },
      }),
      async openPlace(_, { signer }, { github }, where, signal) {
        const refs = init.refs(machine, repositoryOf(name, world.server, send, machine.store))
        const identity = { name, login, incarnation: signer.incarnation, leaseMs: settings.leaseMs }
        const real = createClaims(refs, settings.refPrefix, identity, { signer, verify, clock })
        const decode: typeof real.decode = async (of, issue, raw) => {
          const known = raw === undefined ? undefined : world.decoded.get(raw.oid)
          const tip = known ?? (await real.decode(of, issue, raw))
          if (raw !== undefined) world.decoded.set(raw.oid, tip)
          return tip
        }
        const info = await github.repository(repo, signal)
        return { repo: where, info, refs, claims: { ...real, decode } }
      },
    },
  )
  await tasks.start()
  return { process, idle: () => tasks.slots().used === 0, stop: () => tasks.stop() }
}

function meshOf(world: World, machine: Machine, process: Process, mesh: Gossip): TasksMesh {
  const said = mesh.topic<Parameters<TasksMesh['tell']>[0]>(machine, process, 'tasks')
  return {
    peerId: machine.name,
    incarnation: incarnationOf(machine),
    sign: async (data) => signatureOf(machine.name, data),
    candidates: () =>
      world.machines
        .filter((other) => other !== machine && other.agent !== undefined)
        .map((other) => candidate(other, 1 - mesh.used(process, other.name))),
    tell: (word) => said.publish(word),
    heard: (handler) => said.subscribe(handler),
    issues: mesh.topic(machine, process, 'issues'),
    limits: mesh.topic(machine, process, 'limits'),
  }
}
