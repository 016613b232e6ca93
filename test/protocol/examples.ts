/** One example of each message, each made and signed by the code, with keys that are known. */
import crypto from 'hypercore-crypto'
import { proofBytes } from '../../src/mesh/membership/join-wire.ts'
import { rootOf } from '../../src/mesh/membership/keys.ts'
import { digestOf, emptyRoster, unite } from '../../src/mesh/membership/roster.ts'
import {
  inviteSchema,
  parseStatement,
  type Entry,
  type Stored,
} from '../../src/mesh/membership/statements.ts'
import { writeToken } from '../../src/mesh/membership/token.ts'
import { signCapabilities } from '../../src/mesh/gossip/announcement.ts'
import { capabilitiesSchema } from '../../src/mesh/wire.ts'
import { encodeRecord, type ClaimRecord } from '../../src/tasks/claim/record.ts'
import { canonicalJson, sha256 } from '../../src/util/index.ts'
import { helpExamples } from './help.ts'
import { laterEntries } from './entries.ts'
import {
  ada,
  bob,
  bobsJournal,
  dayMs,
  eve,
  genesis,
  inviteKey,
  meshId,
  now,
  recovery,
  rootKey,
  signed,
  type Written,
} from './parties.ts'

export interface Example {
  /** Name of its schema; without one, it is text. */
  schema: string | undefined
  title: string
  value: unknown
}

const base64url = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url')
const common = { v: 1, mesh: meshId, epoch: 0 } as const
const incarnation = '0b'.repeat(16)
const inviteId = '0a'.repeat(16)

const founder = signed(
  {
    kind: 'member',
    ...common,
    peerId: ada.peerId,
    name: 'ada',
    roles: ['observer', 'signer', 'worker'],
    issuedAt: now,
    expiresAt: now + 365 * dayMs,
    admittedAt: now,
    admittedBy: 'root',
    by: 'root',
  },
  rootKey,
)
const record = (of: { peerId: string; name: string }, at: number, by: string) => ({
  kind: 'member',
  ...common,
  peerId: of.peerId,
  name: of.name,
  roles: ['worker'],
  issuedAt: at,
  expiresAt: at + 30 * dayMs,
  admittedAt: at,
  admittedBy: by,
  invite: inviteId,
  by,
})
const member = signed(record(bob, now + 60_000, ada.peerId), ada.key)
const removal = signed(
  {
    kind: 'removal',
    ...common,
    peerId: eve.peerId,
    name: 'eve',
    issuedAt: now + 120_000,
    by: ada.peerId,
  },
  ada.key,
)
const revocation = signed(
  {
    kind: 'revocation',
    ...common,
    invite: inviteId,
    until: now + 900_000,
    issuedAt: now + 180_000,
    by: ada.peerId,
  },
  ada.key,
)
const next = rootOf(recovery, 1)
const rotation = signed(
  { kind: 'rotation', v: 1, mesh: meshId, epoch: 1, key: next.key.publicKey, next: next.next },
  next.key,
)
const invite = inviteSchema.parse(
  signed(
    {
      kind: 'invite',
      ...common,
      id: inviteId,
      roles: ['worker'],
      uses: 1,
      expiresAt: now + 900_000,
      key: inviteKey.publicKey,
      by: ada.peerId,
    },
    ada.key,
  ),
)
const address = `/ip4/192.0.2.1/tcp/4001/p2p/${ada.peerId}`

function stored(statement: object): Stored {
  const parsed = parseStatement(statement)
  if (parsed === undefined) throw new Error(`no statement: ${canonicalJson(statement)}`)
  return { id: parsed.id, entry: parsed.statement as Entry }
}

const entries = [founder, member, removal, revocation]
const roster = unite(emptyRoster(genesis)!, entries.map(stored))
const digest = digestOf(roster)
const statements = [genesis, founder, member]

/** Bob's journal as `bzzz logs export` gives it. */
function bundleOf({ head, first, manifest }: Written): object[] {
  const { name, peerId } = bob
  const block = Buffer.from(canonicalJson(first))
  const signature = Buffer.from(head.signature ?? '', 'hex').toString('base64')
  const { key, epoch, length, fork } = head
  const about = { peerId, key, epoch, length, fork }
  return [
    { bzzz: 'bundle', v: 1, createdMs: now, by: { name, peerId, version: '0.1.0' } },
    { journal: { ...about, manifest: manifest.toString('base64'), signature } },
    { b: block.toString('base64'), h: crypto.data(block).toString('hex').slice(0, 8) },
    { end: { journals: 1, entries: 1 } },
  ]
}

/** In the order of the page. */
export async function examples(): Promise<Example[]> {
  const journal = await bobsJournal(incarnation)
  const all: Example[] = []
  const add = (schema: string | undefined, title: string, value: unknown) =>
    void all.push({ schema, title, value })

  add('statement-genesis', 'Genesis', genesis)
  add('statement-member', 'Record of a signer, by the mesh key', founder)
  add('statement-member', 'Record of a member, by a signer', member)
  add('statement-removal', 'Removal', removal)
  add('statement-revocation', 'Revocation', revocation)
  add('statement-rotation', 'Rotation to epoch 1', rotation)
  add('invite', 'Invite', invite)
  const token = { meshName: 'example', invite, key: inviteKey, addresses: [address] }
  add(undefined, 'Its token', writeToken(token))

  const at = now + 60_000
  const of = { mesh: meshId, invite: inviteId, joiner: bob.peerId, responder: ada.peerId }
  const bytes = proofBytes({ ...of, name: 'bob', at })
  add(undefined, 'What the invite’s key signs in `proof`', Buffer.from(bytes).toString())
  const proof = base64url(inviteKey.sign(bytes))
  const join = { kind: 'join', v: 1, name: 'bob', at, invite, proof }
  add('join-request', 'Join', join)
  const ask = { kind: 'ask', v: 1, name: 'bob', roles: ['worker'], at, meshName: 'example' }
  add('join-request', 'Ask', ask)
  const introduction = { kind: 'introduce', v: 1, mesh: meshId, statements }
  add('join-request', 'Introduce', introduction)
  add('join-answer', 'Welcome', { kind: 'welcome', v: 1, statements })
  add('join-answer', 'Pending', { kind: 'pending', v: 1, genesis })
  const signers = [{ peerId: ada.peerId, addresses: [address] }]
  add('join-answer', 'Elsewhere', { kind: 'elsewhere', v: 1, signers })
  add('join-answer', 'Refused', { kind: 'refused', v: 1, code: 'TOKEN_SPENT' })
  add('join-answer', 'Met', { kind: 'met', v: 1, standing: 'member', statements })

  add('topic-roster', 'Notice of the roster', { v: 1, digest, statements: [revocation] })
  add('roster-request', 'Exchange of rosters: question', { v: 1, digest: 'ee'.repeat(32) })
  const whole = { v: 1, digest, statements: [genesis, ...entries] }
  add('roster-answer', 'Exchange of rosters: answer, digests differ', whole)

  const capabilities = capabilitiesSchema.parse({
    v: 1,
    peerId: bob.peerId,
    name: 'bob',
    version: '0.1.0',
    incarnation,
    sequence: 1,
    startedAt: now,
    login: 'bob',
    roles: ['worker'],
    journal: journal.head,
    executors: [{ name: 'tests', kind: 'command', models: [] }],
    models: [],
    languages: [{ name: 'typescript', version: '6' }],
    tools: [{ name: 'git' }],
    tags: ['linux'],
    cpu: { cores: 2, load1: 0.5 },
    memory: { totalBytes: 8_000_000_000, freeBytes: 4_000_000_000 },
    gpu: [],
    slots: { total: 1, used: 0 },
    repositories: ['acme/widgets'],
    issuedAt: at,
  })
  add('capabilities-payload', 'Capabilities, before they are signed', capabilities)
  const identity = { sign: async (data: Uint8Array) => bob.key.sign(data) }
  const { announcement } = await signCapabilities(capabilities, { identity, meshName: 'example' })
  add('topic-capabilities', 'Announcement', announcement)
  add('capabilities-request', 'Question for the announcement', null)
  add('capabilities-answer', 'Answer to it', announcement)
  const beat = { v: 1, incarnation, sequence: 12, at, everyMs: 1000, startedAt: now, announced: 1 }
  add('topic-heartbeat', 'Heartbeat', beat)
  add('topic-heartbeat', 'Goodbye', { ...beat, sequence: 13, leaving: true })

  const have = [
    [ada.peerId, now, 3],
    [bob.peerId, now, 1],
  ].sort((a, b) => (String(a[0]) < String(b[0]) ? -1 : 1))
  const asked = { v: 1, digest: sha256(canonicalJson(have)), have }
  add('picture-request', 'Question for the picture', asked)
  const picture = { v: 1, same: false, announcements: [announcement], more: false }
  add('picture-answer', 'Picture', { ...picture, heard: [[bob.peerId, 250]] })
  add('probe-request', 'Probe', { v: 1, target: bob.peerId })
  add('probe-answer', 'Answer to a probe', { v: 1, reached: true, tried: true, rttMs: 1.5 })
  const { key, length } = journal.head
  add('witness-request', 'Question to a witness', { v: 1, at: { key, length } })
  const testimony = { v: 1, heads: [journal.head], treeHash: journal.head.treeHash }
  add('witness-answer', 'Testimony', testimony)

  for (const example of await helpExamples([genesis, founder])) all.push(example)

  const repo = 'acme/widgets'
  const oid = 'c1'.repeat(20)
  const claimed = { v: 1, repo, issue: 7, event: 'claimed', attempt: 1, oid, at }
  add('topic-tasks', 'News of a task', claimed)
  const changed = [{ issue: 7, updatedAt: '2026-01-01T00:01:00Z' }, { issue: 5, updatedAt: '2026-01-01T00:00:30Z', gone: true }] // prettier-ignore
  const tick = { v: 1, repo, at, tick: 3, everyMs: 15_000, changed, complete: true }
  add('topic-issues', 'Tick of a repository’s poller', tick)
  const limit = { remaining: 4200, limit: 5000, resetAtMs: now + 3_600_000 }
  const principal = 'user:bob@api.github.com'
  add('topic-limits', 'What is left of a limit', { v: 1, principal, ...limit, at })

  add('entry-agent.started', 'First entry of a journal', journal.first)
  for (const entry of laterEntries) add(`entry-${entry.type}`, `Entry \`${entry.type}\``, entry)

  for (const [line, value] of bundleOf(journal).entries()) {
    const schema = line === 0 ? 'bundle-header' : 'bundle-line'
    add(schema, `Bundle, line ${line + 1}`, value)
  }

  const claim: ClaimRecord = {
    v: 1,
    repo,
    issue: 7,
    state: 'held',
    attempt: 1,
    strikes: 0,
    peerId: bob.peerId,
    name: 'bob',
    incarnation,
    login: 'bob',
    leaseMs: 60_000,
    previous: null,
    nonce: '0c'.repeat(16),
  }
  const signer = { peerId: bob.peerId, ...identity }
  add('claim-record', 'Claim record', JSON.parse(await encodeRecord(claim, signer)))
  return all
}
