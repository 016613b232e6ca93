/** The agent as its API shows it. Pure, but for reading what the rooms know at this moment. */
import type { MembershipStatus, Status } from '../api/index.ts'
import type { Help } from '../help/index.ts'
import type { Journal } from '../journal/index.ts'
import { isRenewalLate, type Membership, type Mesh } from '../mesh/index.ts'
import type { Credential } from '../secrets/index.ts'
import { headOf } from './written.ts'
import { taskStates, type Board, type Tasks, type Webhooks } from '../tasks/index.ts'
import type { Work } from '../work/index.ts'

export interface AgentFacts {
  name: string
  version: string
  startedAtMs: number
  home: string
  roles: string[]
  draining: boolean
  apiUrl: string
}

export interface AgentRooms {
  mesh: Mesh
  membership: Membership
  journal: Journal
  board: Board
  /** Only workers have it. */
  tasks: Tasks | undefined
  work: Pick<Work, 'standings' | 'budgets'> | undefined
  help: Pick<Help, 'open' | 'counters'> | undefined
  credential: Credential | undefined
  webhooks: Webhooks | undefined
}

export function statusOf(
  facts: AgentFacts,
  { mesh, membership, journal, board, tasks, work, help, credential, webhooks }: AgentRooms,
): Status {
  const known = mesh.peers()
  const rows = board.rows()
  const counts = taskStates.map((state) => [
    state,
    rows.filter((row) => row.state === state).length,
  ])
  return {
    name: facts.name,
    peerId: mesh.peerId,
    version: facts.version,
    pid: process.pid,
    startedAtMs: facts.startedAtMs,
    home: facts.home,
    roles: facts.roles,
    state: facts.draining ? 'draining' : 'running',
    mesh: {
      connected: known.filter((peer) => peer.connected).length,
      known: known.length,
      addresses: mesh.addresses(),
      reach: mesh.reach(),
      clock: membership.clock() ?? null,
      twins: mesh.twins().map((of) => known.find(({ peerId }) => peerId === of)?.name ?? of),
    },
    membership: membershipOf(membership, Date.now()),
    journal: journalOf(journal),
    slots: tasks?.slots() ?? { total: 0, used: 0 },
    ...(work === undefined
      ? {}
      : { work: { standings: work.standings(), budgets: work.budgets() } }),
    ...(help === undefined ? {} : { help: { open: help.open(), counters: help.counters() } }),
    tasks: Object.fromEntries(counts) as Status['tasks'],
    frozen: rows.flatMap(({ repo, issue, agent, frozenSinceMs }) =>
      agent !== facts.name || frozenSinceMs === undefined
        ? []
        : [{ repo, issue, sinceMs: frozenSinceMs }],
    ),
    github: {
      ...(tasks?.status() ?? {
        apiUrl: facts.apiUrl,
        login: null,
        repos: [],
        rateLimit: null,
        reach: { is: 'ok' },
        hooks: false,
      }),
      credential: credential?.status() ?? null,
      webhooks: webhooks?.status() ?? null,
    },
  }
}

function journalOf(journal: Journal): Status['journal'] {
  const state = journal.state()
  const { key, epoch, length } = headOf(journal) ?? { key: '', epoch: 0, length: 0 }
  const branches = [...journal.branches()]
  return { key, epoch, length, state, others: journal.kept(), branches }
}

function membershipOf(membership: Membership, nowMs: number): MembershipStatus {
  const { meshId, meshName, peerId } = membership
  const own = membership.members().find((one) => one.peerId === peerId)
  return {
    meshId,
    meshName,
    standing: membership.standing(peerId),
    roles: membership.roles(peerId),
    expiresAtMs: own?.expiresAt ?? null,
    renewalLate: own !== undefined && isRenewalLate(own, nowMs),
    asks: membership.asks().length,
    others: membership.members().filter((one) => one.peerId !== peerId && one.standing === 'member')
      .length,
  }
}
