/** One example of each type of journal entry, after the first. */
import type { EntryInput } from '../../src/journal/entries.ts'
import { now, ada } from './parties.ts'

const task = { repo: 'acme/widgets', issue: 7 }
const attempt = 1
const oid = 'c1'.repeat(20)
const base = 'ba'.repeat(20)
const head = 'ad'.repeat(20)
const digest = 'd1'.repeat(32)
const branch = 'bzzz/issue-7'
const about = { task, attempt }

const inputs: EntryInput[] = [
  { type: 'peer.seen', peerId: ada.peerId, name: 'ada' },
  { type: 'issue.seen', task, title: 'It is slow', labels: ['bzzz'], needs: [], place: 0 },
  { type: 'issue.skipped', task, title: 'It is slow', reason: 'It is assigned to a person.' },
  { type: 'task.waiting', task, needs: ['docker'], reason: 'No agent has docker.' },
  { type: 'claim.tried', ...about, oid },
  { type: 'claim.won', ...about, oid, title: 'It is slow', branch, leaseMs: 60_000 },
  { type: 'claim.renewed', ...about, oid: 'c2'.repeat(20), leaseMs: 60_000 },
  { type: 'claim.lost', ...about, oid, winner: ada.peerId, reason: 'Another was first.' },
  { type: 'claim.released', ...about, oid, state: 'released', reason: 'The agent stops.' },
  {
    type: 'claim.suspect',
    task,
    ref: 'refs/bzzz/claims/7',
    kind: 'deleted',
    oid,
    reason: 'The ref is gone.',
  },
  { type: 'executor.started', ...about, executor: 'tests', kind: 'command' },
  { type: 'executor.session', ...about, executor: 'claude', how: 'resumed' },
  {
    type: 'executor.asked',
    ...about,
    executor: 'claude',
    question: '1f2e3d4c',
    kind: 'execute',
    sha256: digest,
    deadlineMs: now + 600_000,
  },
  {
    type: 'executor.permission',
    ...about,
    executor: 'claude',
    kind: 'execute',
    sha256: digest,
    allowed: true,
    by: 'person',
    question: '1f2e3d4c',
  },
  {
    type: 'executor.activity',
    ...about,
    executor: 'claude',
    tools: [{ kind: 'edit', status: 'completed', sha256: digest }],
    moreTools: 0,
    plan: { steps: 3, done: 1, sha256: digest },
    files: { count: 1, sha256: digest },
    permissions: { allowed: 2, denied: 0 },
    usage: { inputTokens: 1200, outputTokens: 300, costMicros: 12_000 },
  },
  { type: 'executor.output', ...about, sha256: digest, bytes: 1200, truncated: false },
  { type: 'executor.frozen', ...about, renewed: now },
  { type: 'executor.resumed', ...about, frozenMs: 4000 },
  {
    type: 'executor.away',
    executor: 'claude',
    why: 'quota',
    reason: 'The model has no quota left.',
    untilMs: 1_700_000_300_000,
  },
  { type: 'executor.back', executor: 'claude' },
  {
    type: 'executor.ended',
    ...about,
    executor: 'tests',
    outcome: 'done',
    exitCode: 0,
    durationMs: 61_000,
    usage: { inputTokens: 1200, outputTokens: 300 },
  },
  {
    type: 'check.run',
    ...about,
    name: 'test',
    outcome: 'passed',
    exitCode: 0,
    durationMs: 5000,
    outputSha256: digest,
  },
  {
    type: 'checkpoint.intent',
    ...about,
    branch,
    head,
    record: 'c4'.repeat(20),
    files: 3,
    bytes: 2048,
    leftOut: 1,
    digestSha256: digest,
  },
  {
    type: 'checkpoint.pushed',
    ...about,
    branch,
    head,
    record: 'c4'.repeat(20),
    files: 3,
    bytes: 2048,
  },
  {
    type: 'checkpoint.refused',
    ...about,
    branch,
    reason: 'GitHub does not take bzzz/issue-7: a rule forbids it.',
  },
  { type: 'work.finished', ...about, branch, base, head },
  { type: 'publish.intent', ...about, branch, base, head, claim: oid, done: 'c3'.repeat(20) },
  { type: 'pushed', ...about, branch, base, head },
  {
    type: 'pull.opened',
    ...about,
    number: 8,
    url: 'https://github.example/acme/widgets/pull/8',
    head,
    adopted: false,
  },
  { type: 'task.done', ...about, pull: 8, durationMs: 70_000 },
  { type: 'task.failed', ...about, code: 'CHECK_FAILED', reason: 'Tests fail.', durationMs: 9000 },
  { type: 'task.cancelled', ...about, reason: 'The issue was closed.' },
  { type: 'peer.lost', peerId: ada.peerId, reason: 'no sign of life' },
  { type: 'agent.stopped', reason: 'stop' },
]

/** With their stamps, as they stand in a journal from its second entry on. */
export const laterEntries = inputs.map((input, at) => {
  const time = now + 1000 * (at + 1)
  return { ...input, v: 1 as const, epoch: 0, seq: at + 1, time, order: time * 1024 }
})
