/** How help is made, and what the rooms around it are to each other. Nothing starts here. */
import type { Config } from '../config/index.ts'
import { createHelp, mayBeAsked, type Help } from '../help/index.ts'
import type { Journal } from '../journal/index.ts'
import { MAX_ROUNDS, verifySignature, type Membership, type Mesh } from '../mesh/index.ts'
import type { HeldSecrets } from '../secrets/index.ts'
import type { HelpDesk, HelpSettings, Tasks } from '../tasks/index.ts'
import type { Logger } from '../util/index.ts'
import { guarded } from './holding.ts'
import { offersOf } from './peers.ts'

export interface HelpParts {
  mesh: Mesh
  membership: Membership
  journal: Journal
  held: HeldSecrets
  /** Undefined before they are made, and where no worker runs. */
  tasks: () => Tasks | undefined
  logger: Logger
}

/** An agent without tasks asks for nothing and forwards. */
export function makeHelp({ mesh, membership, journal, held, tasks, logger }: HelpParts): Help {
  return createHelp({
    mesh,
    membership: {
      meshId: membership.meshId,
      standing: (peerId) => membership.standing(peerId),
      proof: () => (membership.introduction() as { statements: unknown[] }).statements,
      merge: (statements) => membership.merge(statements),
    },
    journal: guarded(journal, held),
    verify: verifySignature,
    helper: {
      offer: (question) =>
        tasks()?.helping.offer(question) ?? { ready: false, reason: 'works no tasks' },
      help: async (question, signal, budget) => {
        const room = tasks()
        if (room === undefined) throw new Error('works no tasks')
        return room.helping.help(question, signal, budget)
      },
    },
    lacks: (needs, capabilities) => {
      const offers = offersOf({ ...nothing, ...capabilities })
      return needs.filter((need) => !offers.has(need.toLowerCase()))
    },
    logger,
  })
}

/** What a peer that has announced nothing offers. */
const nothing = { tags: [], tools: [], languages: [], models: [], gpu: [], executors: [] }

/** Help as the tasks use it. */
export function deskOf(help: Help, mesh: Pick<Mesh, 'peers'>): HelpDesk {
  return {
    maxRequests: MAX_ROUNDS,
    reachable: () => mesh.peers().filter(mayBeAsked).length,
    ask: (request, signal) => help.ask(request, signal),
    conclude: (id, outcome, reason) => help.conclude(id, outcome, reason),
    tried: (task) => help.tried(task),
    completed: (task) => help.completed(task),
    who(peerId) {
      const peer = mesh.peers().find((one) => one.peerId === peerId)
      const { name, login, incarnation } = peer?.capabilities ?? {}
      return {
        name: name ?? peer?.name ?? peerId,
        ...(login === undefined ? {} : { login }),
        ...(incarnation === undefined ? {} : { incarnation }),
      }
    },
  }
}

export const helpSettingsOf = ({ help }: Config): HelpSettings & { people: boolean } => ({
  ...help,
})
