/** An agent as the API sees it, without an agent: plain data that a test may change. */
import type {
  ApiSources,
  InviteView,
  LoggedEntry,
  MemberView,
  PeerRow,
  Question,
  Status,
  TaskDetail,
  Verification,
} from '../../../src/api/types.ts'
import { CodedError, sleep } from '../../../src/util/index.ts'
import { askRow, askTree } from './help-fixture.ts'

export const ownPeerId = '12D3KooWGRUnJkYyGmDMEcJqRgnpKBLdpTCBzSxK1YpGzpYPBcf4'
export const otherPeerId = '12D3KooWLqR7mvVsDFnzQfVNXtNHYzWCPdvwXe3TQnMwvGUq7tXn'
export const key = 'ab'.repeat(32)

export const status: Status = {
  name: 'owl',
  peerId: ownPeerId,
  version: '0.1.0',
  pid: process.pid,
  startedAtMs: Date.UTC(2026, 0, 2, 12, 0, 0),
  home: '/home/owl',
  roles: ['worker'],
  state: 'running',
  mesh: {
    connected: 1,
    known: 2,
    addresses: [`/ip4/127.0.0.1/tcp/4001/p2p/${ownPeerId}`],
    twins: [],
  },
  membership: {
    meshId: 'ef'.repeat(32),
    meshName: 'team',
    standing: 'member',
    roles: ['worker', 'signer'],
    expiresAtMs: Date.UTC(2099, 0, 7, 13, 0, 0),
    asks: 1,
  },
  journal: {
    key,
    epoch: 1,
    length: 42,
    state: { is: 'open' },
    others: { journals: 2, bytes: 9_000, budgetBytes: 1e9, droppedEntries: 0, droppedFrom: 0 },
  },
  slots: { total: 2, used: 1 },
  tasks: {
    open: 1,
    waiting: 0,
    claimed: 0,
    working: 1,
    checking: 0,
    publishing: 0,
    done: 3,
    review: 0,
    merged: 0,
    closed: 0,
    failed: 1,
    cancelled: 0,
    released: 0,
  },
  frozen: [],
  github: {
    apiUrl: 'https://api.github.com',
    login: 'octocat',
    repos: [
      {
        repo: 'octo/lib',
        ok: true,
        lastSuccessMs: Date.UTC(2026, 0, 2, 12, 0, 5),
        error: null,
        paused: null,
      },
      { repo: 'octo/gone', ok: false, lastSuccessMs: null, error: 'Not found.', paused: null },
    ],
    rateLimit: { remaining: 4_812, limit: 5_000, resetAtMs: Date.UTC(2026, 0, 2, 12, 30, 0) },
    credential: {
      kind: 'token',
      source: 'file /etc/bzzz/token',
      expiresAtMs: Date.UTC(2099, 0, 7, 13, 0, 0),
      error: null,
    },
    webhooks: {
      url: 'http://127.0.0.1:8787/webhook',
      deliveries: {
        accepted: 3,
        ignored: 0,
        repeated: 1,
        unsigned: 0,
        invalid: 0,
        limited: 0,
        dropped: 0,
      },
      lastDeliveryMs: Date.UTC(2026, 0, 2, 12, 0, 0),
    },
  },
}

export const peers: PeerRow[] = [
  {
    name: 'bee',
    peerId: otherPeerId,
    standing: 'member',
    presence: 'alive',
    connected: true,
    roles: ['worker'],
    words: null,
    record: {
      name: 'bee',
      issuedAtMs: Date.UTC(2026, 0, 2),
      expiresAtMs: Date.UTC(2099, 0, 2),
      by: 'root',
      admittedBy: 'root',
    },
    addresses: [`/ip4/192.0.2.7/tcp/4001/p2p/${otherPeerId}`],
    rttMs: 1.5,
    capabilities: null,
    journal: { key, length: 17 },
    lastSeenMs: Date.UTC(2026, 0, 2, 12, 0, 1),
  },
]

const row = {
  repo: 'octo/lib',
  issue: 4,
  title: 'Fix login',
  state: 'done',
  agent: 'owl',
  attempt: 1,
  pullRequest: { number: 9, url: 'https://github.com/octo/lib/pull/9' },
  durationMs: 185_000,
} as const

export const detail: TaskDetail = {
  ...row,
  reason: null,
  skipped: [],
  claimRef: null,
  checkpoint: null,
  candidates: [],
  moreCandidates: 0,
  contention: 1,
  get history() {
    return entries.filter((entry) => 'task' in entry)
  },
}

export const entries: LoggedEntry[] = [
  {
    v: 1,
    agent: 'owl',
    peerId: ownPeerId,
    epoch: 1,
    seq: 318,
    time: Date.UTC(2026, 0, 2, 12, 1, 3),
    type: 'claim.won',
    task: { repo: 'octo/lib', issue: 4 },
    attempt: 1,
    oid: 'a'.repeat(40),
    title: 'Fix login',
    branch: 'bzzz/issue-4-1',
    leaseMs: 600_000,
  },
  {
    v: 1,
    agent: 'bee',
    peerId: otherPeerId,
    epoch: 2,
    seq: 12,
    time: Date.UTC(2026, 0, 2, 12, 1, 4),
    type: 'claim.lost',
    task: { repo: 'octo/lib', issue: 4 },
    attempt: 1,
    winner: 'owl',
    reason: 'the ref has moved',
  },
]

export const question: Question = {
  id: '1f2e3d4c',
  task: 'octo/lib#4',
  executor: 'claude',
  kind: 'execute',
  title: 'Run npm publish',
  command: 'npm publish',
  paths: [],
  askedAtMs: Date.UTC(2026, 0, 2, 12, 1, 3),
  deadlineMs: Date.UTC(2026, 0, 2, 12, 11, 3),
}

export const verification: Verification = {
  agent: 'owl',
  peerId: ownPeerId,
  key,
  epoch: 1,
  length: 42,
  dropped: 0,
  ok: true,
  problems: [],
  branches: [],
}

export const invite: InviteView = {
  id: '0123456789abcdef'.repeat(2),
  roles: ['worker'],
  usesLeft: 1,
  expiresAt: Date.UTC(2099, 0, 2),
  revoked: false,
}

/** Of a machine that asks to be let in. */
export const asking: PeerRow = {
  ...peers[0]!,
  name: 'elk',
  peerId: '12D3KooWAskingAskingAskingAskingAskingAskingAskingAs',
  standing: 'asking',
  connected: false,
  words: 'ability cabin fabric ginger habit ice',
  record: null,
  journal: null,
}

const member: MemberView = {
  peerId: otherPeerId,
  name: 'bee',
  roles: ['worker'],
  standing: 'member',
  issuedAt: 1,
  expiresAt: 2,
  by: 'root',
}

export interface FakeSources extends ApiSources {
  /** What was asked of the membership, in order: name and arguments. */
  asked: unknown[][]
  /** Log queries in order, and whether the iteration that followed was closed. */
  queries: { query: unknown; follow: boolean; closed: boolean }[]
  stops: number
}

/** `more`: what `tail` gives after `entries`; it then waits for its signal. */
export function fakeSources(
  change: Partial<ApiSources> = {},
  more: () => AsyncIterable<LoggedEntry> | Iterable<LoggedEntry> = () => [],
): FakeSources {
  const noted = <T>(call: unknown[], answer: T): T => {
    sources.asked.push(call)
    return answer
  }
  const sources: FakeSources = {
    queries: [],
    asked: [],
    stops: 0,
    status: () => status,
    peers: () => peers,
    tasks: () => [
      row,
      {
        ...row,
        issue: 5,
        state: 'open',
        agent: null,
        attempt: 0,
        pullRequest: null,
        durationMs: null,
      },
      { ...row, repo: 'octo/app', issue: 5 },
    ],
    task: ({ repo, issue }) => (repo === 'octo/lib' && issue === 4 ? detail : undefined),
    answer(ref, id, answer) {
      if (id !== question.id) throw new CodedError('QUESTION_UNKNOWN', 'No such question.')
      return noted(['answer', ref, id, answer], question)
    },
    async *logs(query) {
      const record = { query, follow: false, closed: false }
      sources.queries.push(record)
      try {
        yield* entries
      } finally {
        record.closed = true
      }
    },
    async *tail(query, signal) {
      const record = { query, follow: true, closed: false }
      sources.queries.push(record)
      try {
        yield* entries
        yield* more()
        await sleep(3_600_000, { signal }).catch(() => undefined)
      } finally {
        record.closed = true
      }
    },
    bundle: async function* bundle({ agent }) {
      yield { bzzz: 'bundle', v: 1, agent }
      yield { end: { journals: 0, entries: 0 } }
    },
    verify: async (agent) => (agent === undefined || agent === 'owl' ? [verification] : []),
    membership: {
      invite: async (...given) => noted(['invite', ...given], { ...invite, token: 'bzzz1.secret' }),
      invites: () => [invite],
      revokeInvite: async (...given) => noted(['revoke', ...given], undefined),
      approve: async (...given) => noted(['approve', ...given], member),
      deny: async (...given) => noted(['deny', ...given], undefined),
      remove: async (...given) => noted(['remove', ...given], member),
      rotate: async (...given) =>
        noted(['rotate', ...given], { epoch: 1, left: 6, members: 2, removals: 1 }),
      ping: async (peerId) => noted(['ping', peerId], 1.25),
    },
    help: {
      list: async (...given) => noted(['asks', ...given], [askRow]),
      show: async (id) => (id === askRow.id ? askTree : undefined),
      send: async (ref, wanted) =>
        noted(['ask', ref, wanted], {
          is: 'advice',
          id: askRow.id,
          helper: otherPeerId,
          text: 'x',
        }),
      answer: async (...given) => noted(['answer', ...given], undefined),
    },
    stop: () => {
      sources.stops += 1
    },
    ...change,
  }
  return sources
}
