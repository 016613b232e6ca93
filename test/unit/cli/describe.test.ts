import { describe, expect, it } from 'vitest'
import { helpSamples } from './help-samples.ts'
import type { LoggedEntry } from '../../../src/api/types.ts'
import { describeEntry, logLine } from '../../../src/cli/client/describe.ts'
import { drawHistory } from '../../../src/cli/client/history.ts'
import { entryInputSchema, entrySchemas, type EntryInput } from '../../../src/journal/entries.ts'
import { entryTypes } from '../../../src/api/vocabulary.ts'
import { entries } from '../api/fixture.ts'

const at = { task: { repo: 'octo/lib', issue: 4 }, attempt: 2 }
const oid = 'a'.repeat(40)
const sha = 'b'.repeat(64)

const samples: [EntryInput, string][] = [
  [
    {
      type: 'agent.started',
      peerId: `12D3KooW${'x'.repeat(44)}`,
      name: 'owl',
      incarnation: 'f',
      version: '0.1.0',
      proof: 'p',
    },
    'agent.started owl version 0.1.0 …xxxxxxxx',
  ],
  [{ type: 'agent.stopped', reason: 'asked to' }, 'agent.stopped asked to'],
  [{ type: 'peer.seen', peerId: 'p1', name: 'bee' }, 'peer.seen bee p1'],
  [{ type: 'peer.lost', peerId: 'p1', reason: 'silent' }, 'peer.lost p1 silent'],
  [
    { type: 'issue.seen', task: at.task, title: 'Fix it', labels: ['bzzz', 'bug'], needs: ['gpu'] },
    'issue.seen octo/lib#4 “Fix it” labels bzzz, bug needs gpu',
  ],
  [
    { type: 'issue.skipped', task: at.task, title: 'Fix it', reason: 'assigned to grace' },
    'issue.skipped octo/lib#4 assigned to grace',
  ],
  [
    { type: 'claim.tried', ...at, oid, previous: 'c'.repeat(40) },
    'claim.tried octo/lib#4 attempt 2 record aaaaaaaaaaaa over cccccccccccc',
  ],
  [
    { type: 'claim.won', ...at, oid, title: 'Fix it', branch: 'b/4', leaseMs: 90_000 },
    'claim.won octo/lib#4 attempt 2 “Fix it” branch b/4 lease 1m30s',
  ],
  [
    { type: 'claim.lost', ...at, winner: 'bee', reason: 'the ref moved' },
    'claim.lost octo/lib#4 attempt 2 to bee the ref moved',
  ],
  [
    { type: 'claim.renewed', ...at, oid, leaseMs: 90_000 },
    'claim.renewed octo/lib#4 attempt 2 lease 1m30s',
  ],
  [
    { type: 'claim.released', ...at, state: 'open', reason: 'stopping' },
    'claim.released octo/lib#4 attempt 2 open stopping',
  ],
  [
    {
      type: 'claim.suspect',
      task: at.task,
      ref: 'refs/bzzz/claims/4',
      kind: 'invalid',
      oid: sha.slice(0, 40),
      reason: 'no record',
    },
    'claim.suspect octo/lib#4 invalid refs/bzzz/claims/4 bbbbbbbbbbbb no record',
  ],
  [
    { type: 'executor.started', ...at, executor: 'claude', kind: 'acp' },
    'executor.started octo/lib#4 attempt 2 claude (acp)',
  ],
  [
    { type: 'executor.output', ...at, sha256: sha, bytes: 12_345, truncated: true },
    'executor.output octo/lib#4 attempt 2 12,345 bytes cut sha256 bbbbbbbbbbbb',
  ],
  [
    {
      type: 'executor.ended',
      ...at,
      executor: 'command',
      outcome: 'ok',
      exitCode: 0,
      durationMs: 900,
      usage: { inputTokens: 5 },
    },
    'executor.ended octo/lib#4 attempt 2 command ok exit 0 in 900ms tokens 5 in, ? out',
  ],
  [
    { type: 'executor.session', ...at, executor: 'claude', how: 'resumed' },
    'executor.session octo/lib#4 attempt 2 claude resumed conversation',
  ],
  [
    {
      type: 'executor.activity',
      ...at,
      executor: 'claude',
      tools: [
        { kind: 'edit', status: 'completed', sha256: sha },
        { kind: 'edit', status: 'completed', sha256: sha },
        { kind: 'execute', status: 'failed', sha256: sha },
      ],
      moreTools: 2,
      plan: { steps: 3, done: 1, sha256: sha },
      files: { count: 1, sha256: sha },
      permissions: { allowed: 4, denied: 1 },
      usage: { inputTokens: 5, outputTokens: 6, costMicros: 12_300 },
    },
    'executor.activity octo/lib#4 attempt 2 tools edit ×2, execute failed and 2 more calls plan 1 of 3 wrote 1 file allowed 4 denied 1 tokens 5 in, 6 out $0.0123',
  ],
  [
    {
      type: 'executor.asked',
      ...at,
      executor: 'claude',
      question: '1f2e3d4c',
      kind: 'execute',
      sha256: sha,
      deadlineMs: Date.UTC(2026, 0, 2, 12, 0, 0),
    },
    'executor.asked octo/lib#4 attempt 2 question 1f2e3d4c whether it may execute until 2026-01-02T12:00:00.000Z',
  ],
  [
    {
      type: 'executor.permission',
      ...at,
      executor: 'claude',
      kind: 'execute',
      sha256: sha,
      allowed: false,
      by: 'deadline',
      question: '1f2e3d4c',
    },
    'executor.permission octo/lib#4 attempt 2 denied execute since nobody answered in time question 1f2e3d4c',
  ],
  [
    {
      type: 'check.run',
      ...at,
      name: 'test',
      outcome: 'failed',
      exitCode: 1,
      durationMs: 2_000,
      outputSha256: sha,
    },
    'check.run octo/lib#4 attempt 2 “test” failed exit 1 in 2s',
  ],
  [
    {
      type: 'checkpoint.intent',
      ...at,
      branch: 'b/4',
      head: 'd'.repeat(40),
      record: oid,
      files: 2,
      bytes: 10,
      leftOut: 1,
      digestSha256: '0'.repeat(64),
    },
    'checkpoint.intent octo/lib#4 attempt 2 branch b/4 commit dddddddddddd 2 files 10 bytes 1 left out',
  ],
  [
    {
      type: 'checkpoint.pushed',
      ...at,
      branch: 'b/4',
      head: 'd'.repeat(40),
      record: oid,
      files: 1,
      bytes: 10,
    },
    'checkpoint.pushed octo/lib#4 attempt 2 branch b/4 commit dddddddddddd 1 file',
  ],
  [
    { type: 'checkpoint.refused', ...at, branch: 'b/4', reason: 'a rule' },
    'checkpoint.refused octo/lib#4 attempt 2 branch b/4 a rule',
  ],
  [
    { type: 'work.finished', ...at, branch: 'b/4', base: oid, head: 'd'.repeat(40) },
    'work.finished octo/lib#4 attempt 2 branch b/4 aaaaaaaaaaaa..dddddddddddd',
  ],
  [
    {
      type: 'publish.intent',
      ...at,
      branch: 'b/4',
      base: oid,
      head: 'd'.repeat(40),
      claim: oid,
      done: oid,
    },
    'publish.intent octo/lib#4 attempt 2 branch b/4 aaaaaaaaaaaa..dddddddddddd',
  ],
  [
    {
      type: 'executor.network',
      ...at,
      refused: [{ host: 'a.test', port: 443, reason: 'host', count: 2 }],
      more: 1,
      allowed: [{ host: 'b.test', port: 443, count: 1 }],
      bytes: 7,
    },
    'executor.network octo/lib#4 attempt 2 reached b.test was refused a.test:443 (host) and 1 more 7 bytes',
  ],
  [
    {
      type: 'executor.away',
      executor: 'claude',
      why: 'quota',
      reason: 'none left',
      untilMs: Date.UTC(2026, 0, 2, 12, 0, 0),
    },
    'executor.away claude quota until 2026-01-02T12:00:00.000Z none left',
  ],
  [{ type: 'executor.back', executor: 'claude' }, 'executor.back claude'],
  [
    { type: 'executor.frozen', ...at, renewed: Date.UTC(2026, 0, 2, 12, 0, 0) },
    'executor.frozen octo/lib#4 attempt 2 the lease could not be renewed since 2026-01-02T12:00:00.000Z',
  ],
  [
    { type: 'executor.resumed', ...at, frozenMs: 61_000 },
    'executor.resumed octo/lib#4 attempt 2 after 1m01s',
  ],
  [
    { type: 'pushed', ...at, branch: 'b/4', base: oid, head: 'd'.repeat(40) },
    'pushed octo/lib#4 attempt 2 branch b/4 aaaaaaaaaaaa..dddddddddddd',
  ],
  [
    { type: 'pull.opened', ...at, number: 9, url: 'https://x/9', head: oid, adopted: true },
    'pull.opened octo/lib#4 attempt 2 #9 https://x/9 adopted',
  ],
  [
    { type: 'task.done', ...at, pull: 9, durationMs: 61_000 },
    'task.done octo/lib#4 attempt 2 pull request #9 in 1m01s',
  ],
  [
    { type: 'task.failed', ...at, code: 'CHECKS_FAILED', reason: 'test failed', durationMs: 5_000 },
    'task.failed octo/lib#4 attempt 2 CHECKS_FAILED test failed in 5s',
  ],
  [
    { type: 'task.cancelled', ...at, reason: 'closed' },
    'task.cancelled octo/lib#4 attempt 2 closed',
  ],
  [
    { type: 'feedback.watching', ...at, pull: 9, url: 'http://x' },
    'feedback.watching octo/lib#4 attempt 2 pull request #9',
  ],
  [
    {
      type: 'feedback.seen',
      ...at,
      pull: 9,
      items: [{ key: 'ab'.repeat(8), kind: 'review', from: 'grace' }],
    },
    'feedback.seen octo/lib#4 pull request #9 review (grace)',
  ],
  [
    { type: 'feedback.ignored', task: at.task, pull: 9, from: 'eve', reason: 'may not push' },
    'feedback.ignored octo/lib#4 pull request #9 eve may not push',
  ],
  [
    { type: 'feedback.round', ...at, pull: 9, round: 2, keys: ['ab'.repeat(8), 'cd'.repeat(8)] },
    'feedback.round octo/lib#4 attempt 2 round 2 of pull request #9 2 pieces',
  ],
  [
    {
      type: 'feedback.ended',
      ...at,
      pull: 9,
      round: 2,
      outcome: 'pushed',
      head: 'a'.repeat(40),
      reason: '',
    },
    'feedback.ended octo/lib#4 attempt 2 round 2 of pull request #9 pushed aaaaaaaaaaaa',
  ],
  [
    { type: 'feedback.exhausted', ...at, pull: 9, rounds: 3, reason: 'used up' },
    'feedback.exhausted octo/lib#4 pull request #9 after 3 rounds used up',
  ],
  [
    { type: 'feedback.retry', task: at.task, comment: 5, from: 'grace', after: 2 },
    'feedback.retry octo/lib#4 grace after attempt 2',
  ],
  [
    {
      type: 'feedback.command',
      task: at.task,
      comment: 5,
      from: 'grace',
      command: 'retry',
      outcome: 'done',
    },
    'feedback.command octo/lib#4 grace /bzzz retry done',
  ],
  [
    { type: 'feedback.asked', task: at.task, comment: 5, from: 'grace', question: 'why?' },
    'feedback.asked octo/lib#4 grace “why?”',
  ],
  [
    { type: 'feedback.ready', ...at, pull: 9 },
    'feedback.ready octo/lib#4 attempt 2 pull request #9 is no draft any more',
  ],
  [
    {
      type: 'feedback.named',
      ...at,
      nonce: 'a'.repeat(32),
      issues: [{ kind: 'follow-up', title: 'T', body: 'B' }],
    },
    'feedback.named octo/lib#4 attempt 2 follow-up “T”',
  ],
  [
    { type: 'feedback.issues', ...at, opened: [{ issue: 12, kind: 'follow-up', title: 'T' }] },
    'feedback.issues octo/lib#4 attempt 2 follow-up #12',
  ],
  ...helpSamples,
  [
    { type: 'task.merged', ...at, pull: 9, by: 'grace' },
    'task.merged octo/lib#4 pull request #9 by grace',
  ],
  [
    { type: 'task.closed', ...at, pull: 9, reason: 'by a person' },
    'task.closed octo/lib#4 pull request #9 by a person',
  ],
  [
    { type: 'task.waiting', task: at.task, needs: ['gpu'], reason: 'nobody can' },
    'task.waiting octo/lib#4 needs gpu nobody can',
  ],
]

const logged = (entry: object): LoggedEntry =>
  ({ v: 1, agent: 'owl', peerId: 'p', epoch: 1, seq: 3, time: 0, ...entry }) as LoggedEntry

describe('describeEntry', () => {
  it.each(samples)('tells %j', (entry, text) => {
    expect(entryInputSchema.parse(entry)).toEqual(entry)
    expect(describeEntry(logged(entry))).toBe(text)
  })

  it('covers every type that the journal has, as the API does', () => {
    const types = entrySchemas.map((schema) => schema.shape.type.value).sort()
    expect(samples.map(([{ type }]) => type).sort()).toEqual(types)
    expect([...entryTypes].sort()).toEqual(types)
  })

  it('shows what only newer agents write', () => {
    const unknown = logged({ type: 'unknown', originalType: 'later.asked\u001b[2J' })
    expect(describeEntry(unknown)).toBe('later.asked\ufffd[2J (of a newer version)')
    expect(describeEntry(logged({ type: 'later.asked' }))).toBe('later.asked (of a newer version)')
    expect(describeEntry(logged({ type: 'toString' }))).toBe('toString (of a newer version)')
  })

  it('lets no title reach the terminal as it is', () => {
    const title = '\u001b]52;c;ZXZpbA==\u0007\u001b[2J'
    const line = logLine(logged({ ...entries[0], title, agent: 'o\u001bwl' }), { nowMs: 0 })
    for (const control of ['\u0007', '\u001b']) expect(line).not.toContain(control)
  })

  it('makes aligned lines', () => {
    const time = new Date(2026, 0, 2, 12, 1, 3).getTime()
    const line = logLine(logged({ ...entries[1], time }), { nowMs: time, nameWidth: 5 })
    expect(line).toBe(
      '12:01:03 bee   #12   claim.lost octo/lib#4 attempt 1 to owl the ref has moved',
    )
  })
})

describe('drawHistory', () => {
  it('gives each agent a lane', () => {
    const time = new Date(2026, 0, 2, 12, 0, 0).getTime()
    const step = (seconds: number, agent: string) =>
      logged({ ...entries[1], time: time + seconds * 1_000, agent, seq: seconds })
    const drawn = drawHistory([step(1, 'owl'), step(2, 'bee'), step(3, 'owl')], time)
    expect(drawn).toBe(
      [
        '          owl  bee',
        '12:00:01  ●         claim.lost  attempt 1 to owl the ref has moved  owl#1',
        '12:00:02  │    ●    claim.lost  attempt 1 to owl the ref has moved  bee#2',
        '12:00:03  ●         claim.lost  attempt 1 to owl the ref has moved  owl#3',
      ].join('\n'),
    )
  })

  it('is bounded in width and empty for nothing', () => {
    const many = Array.from({ length: 40 }, (_, index) =>
      logged({ ...entries[1], time: index, agent: `agent-${index}`, reason: '\u001b[2J' }),
    )
    const drawn = drawHistory(many, 0)
    expect(drawn.split('\n')[0]).toContain('others')
    expect(drawn).not.toContain('\u001b')
    expect(drawHistory([], 0)).toBe('')
  })
})
