/** The judge of the process-level run, on small histories: it must see each thing that may not happen. */
import { describe, expect, it } from 'vitest'
import type { ClaimRecord } from '../../../src/tasks/claim/record.ts'
import { violationsOf } from '../../chaos/processes/checks.ts'
import {
  branchPrefix,
  contentOf,
  emptyTree,
  pathOf,
  refPrefix,
  type Commit,
  type Evidence,
  type IssueFacts,
  type Move,
} from '../../chaos/processes/evidence.ts'
import { parseSigns } from '../../chaos/processes/gather.ts'
import { parseLedger } from '../../chaos/processes/ledger.ts'

type Step = Partial<ClaimRecord> & { at: number; oid: string; transaction?: string }

const leaseMs = 8_000
const claimRef = `${refPrefix}1`
const branch = `${branchPrefix}1`

/** A run that is as it should be: claimed by ada, renewed, published with its branch, one pull request. */
function evidence(steps: readonly Step[] = usual, change: Partial<Evidence> = {}): Evidence {
  const moves: Move[] = []
  const records = new Map<string, ClaimRecord | string>()
  const commits = new Map<string, Commit>()
  let before: string | null = null
  for (const { at, oid, transaction = oid, ...rest } of steps) {
    const record = { ...held, previous: before, ...rest }
    records.set(oid, record)
    commits.set(oid, { oid, tree: emptyTree, parents: [], author: 'Bzzz', message: '' })
    moves.push({ at, ref: claimRef, before, after: oid, transaction })
    before = oid
  }
  commits.set('work', { oid: 'work', tree: 't', parents: [], author: 'ada (bzzz)', message: '' })
  const ref = `refs/heads/${branch}`
  moves.push({ at: 3_000, ref, before: null, after: 'work', transaction: 'c' })
  return {
    leaseMs,
    marginMs: 5_000,
    yieldMs: 30_000,
    agents: new Set(['ada', 'bo']),
    issues: [issue],
    moves,
    commits,
    records,
    pulls: [pull],
    executions: [{ word: 'w1', agent: 'ada', pid: 1, from: 1_000, to: 2_000 }],
    disturbances: [],
    ...change,
  }
}

const held: ClaimRecord = {
  v: 1,
  repo: 'octo/mill',
  issue: 1,
  state: 'held',
  attempt: 1,
  strikes: 0,
  peerId: 'peer-ada',
  name: 'ada',
  incarnation: '',
  login: 'ada',
  leaseMs,
  previous: null,
  nonce: '',
}
const byBo = { peerId: 'peer-bo', name: 'bo', login: 'bo' }
const usual: Step[] = [
  { at: 1_000, oid: 'a' },
  { at: 2_000, oid: 'b' },
  { at: 3_000, oid: 'c', state: 'done' },
]
const issue: IssueFacts = {
  number: 1,
  word: 'w1',
  kind: 'quick',
  open: true,
  labels: ['bzzz'],
  assignees: ['ada'],
  events: [{ event: 'assigned', at: 1_000, actor: 'ada', assignee: 'ada' }],
}
const pull = {
  number: 2,
  open: true,
  head: branch,
  base: 'main',
  headOid: 'work',
  body: 'Closes #1\n\nClaim `c`.',
  files: new Map([[pathOf('w1'), contentOf('w1')]]),
}
const rules = (given: Evidence) => [...new Set(violationsOf(given).map(({ rule }) => rule))]

describe('the judge', () => {
  it('has nothing to say of a run that is as it should be', () => {
    expect(violationsOf(evidence())).toEqual([])
  })

  it('lets a claim be taken over after lease and margin, and not before', () => {
    const takeover = (at: number): Step[] => [
      { at: 1_000, oid: 'a', ...byBo },
      { at, oid: 'b', attempt: 2 },
      { at: at + 1, oid: 'c', attempt: 2, state: 'done' },
    ]
    const issues = [{ ...issue, events: [] }]
    expect(rules(evidence(takeover(14_000), { issues }))).toEqual([])
    expect(rules(evidence(takeover(13_999), { issues }))).toEqual(['takeover'])
  })

  it('lets rounds of feedback follow done: its owner at once, others after lease and margin', () => {
    const about = { round: 1, feedback: ['0123456789abcdef'], attempt: 2 }
    const round = (at: number, more: Partial<ClaimRecord> = {}): Step[] => [
      ...usual,
      { at, oid: 'd', ...about, ...more },
      { at: at + 1, oid: 'e', ...about, ...more, state: 'done' },
    ]
    expect(rules(evidence(round(4_000)))).toEqual([])
    expect(rules(evidence(round(16_000, byBo)))).toEqual([])
    expect(rules(evidence(round(15_999, byBo)))).toEqual(['takeover'])
    for (const wrong of [{ round: 2 }, { feedback: [] }, { attempt: 3 }])
      expect(rules(evidence(round(4_000, wrong)))).toContain('chain')
    const again = { at: 40_000, oid: 'f', attempt: 3 }
    expect(rules(evidence([...round(4_000), again]))).toContain('chain')
  })

  it.each<[string, Step[]]>([
    ['an invented predecessor', [...usual.slice(0, 1), { at: 2_000, oid: 'c', previous: 'x' }]],
    [
      'another agent within an attempt',
      [
        { at: 1, oid: 'a' },
        { at: 2, oid: 'c', ...byBo },
      ],
    ],
    [
      'a jump of the attempt',
      [
        { at: 1, oid: 'a' },
        { at: 20_000, oid: 'c', attempt: 3 },
      ],
    ],
    ['what follows done', [...usual, { at: 20_000, oid: 'd', attempt: 2 }]],
    ['a chain that begins in the middle', [{ at: 1, oid: 'c', attempt: 2 }]],
  ])('sees %s', (_, steps) => {
    expect(rules(evidence(steps))).toContain('chain')
  })

  it('sees a record that nobody signed, a deleted ref, and a ref that was forced', () => {
    const forged = evidence()
    const records = new Map(forged.records).set('b', 'its signature does not fit')
    expect(rules({ ...forged, records })).toContain('chain')
    const { moves } = forged
    const gone = { at: 9_000, ref: claimRef, before: 'c', after: null, transaction: 'x' }
    expect(rules({ ...forged, moves: [...moves, gone] })).toEqual(['chain'])
    const forced = moves.map((move) => (move.after === 'b' ? { ...move, before: null } : move))
    expect(rules({ ...forged, moves: forced })).toEqual(['chain'])
  })

  it('sees work that was published without its claim, or by another than who made it', () => {
    const alone = usual.map((step) => (step.oid === 'c' ? { ...step, transaction: 'other' } : step))
    expect(rules(evidence(alone))).toEqual(['publication'])
    const commits = new Map(evidence().commits)
    commits.set('work', { ...commits.get('work')!, author: 'bo (bzzz)' })
    expect(rules(evidence(usual, { commits }))).toEqual(['publication'])
    const stale = { ...pull, body: 'Closes #1\n\nClaim `b`.' }
    expect(rules(evidence(usual, { pulls: [stale] }))).toEqual(['publication'])
  })

  it('sees a second pull request, and a wrong change', () => {
    const second = { ...pull, number: 3 }
    expect(rules(evidence(usual, { pulls: [pull, second] }))).toEqual(['one pull request'])
    const wrong = { ...pull, files: new Map([[pathOf('w2'), contentOf('w2')]]) }
    expect(rules(evidence(usual, { pulls: [wrong] }))).toEqual(['change'])
    expect(rules(evidence(usual, { issues: [{ ...issue, kind: 'broken' }] }))).toEqual(['change'])
  })

  it('sees two executions at once, unless one of the agents was stopped', () => {
    const executions = [
      { word: 'w1', agent: 'ada', pid: 1, from: 1_000, to: 40_000 },
      { word: 'w1', agent: 'bo', pid: 2, from: 30_000, to: 31_000 },
    ]
    expect(rules(evidence(usual, { executions }))).toEqual(['execution'])
    const stop = { agent: 'ada', how: 'stop', from: 5_000, to: 25_000 } as const
    expect(rules(evidence(usual, { executions, disturbances: [stop] }))).toEqual([])
    const killed = { ...stop, how: 'kill' } as const
    expect(rules(evidence(usual, { executions, disturbances: [killed] }))).toEqual(['execution'])
  })

  it('sees an assignment without a claim, and a person who was taken off or not yielded to', () => {
    const early = [{ event: 'assigned', at: 1_000, actor: 'bo', assignee: 'bo' }]
    expect(rules(evidence(usual, { issues: [{ ...issue, events: early }] }))).toEqual([
      'assignment',
    ])
    const off = [{ event: 'unassigned', at: 5_000, actor: 'ada', assignee: 'grace' }]
    expect(rules(evidence(usual, { issues: [{ ...issue, events: off }] }))).toEqual(['person'])
    const taken = [{ event: 'assigned', at: 1_000, actor: 'grace', assignee: 'grace' }]
    const late = usual.map((step) => (step.oid === 'c' ? { ...step, at: 60_000 } : step))
    expect(rules(evidence(late, { issues: [{ ...issue, events: taken }] }))).toEqual(['person'])
    expect(rules(evidence(usual, { issues: [{ ...issue, events: taken }] }))).toEqual([])
  })

  it('sees an issue that never ends', () => {
    const left = { issues: [{ ...issue, events: [] }], pulls: [], moves: [] }
    expect(rules(evidence([], left))).toEqual(['ending'])
    const failed = { ...issue, labels: ['bzzz', 'bzzz:failed'], events: [] }
    expect(rules(evidence([], { issues: [failed], pulls: [], moves: [] }))).toEqual([])
  })
})

describe('the ledger', () => {
  const [a, b, zero] = ['a', 'b', '0'].map((digit) => digit.repeat(40)) as [string, string, string]

  it('keeps what was committed, in the order of the locks, with what moved together', () => {
    const moves = parseLedger(
      [
        `prepared 11 10 100 ${zero} ${a} ${claimRef}`,
        `prepared 21 20 105 ${zero} ${b} refs/heads/x`,
        `committed 12 10 106 ${zero} ${a} ${claimRef}`,
        `prepared 31 30 107 ${a} ${b} ${claimRef}`,
        `prepared 31 30 107 ${zero} ${b} refs/heads/y`,
        `committed 32 30 109 ${a} ${b} ${claimRef}`,
        `committed 32 30 109 ${zero} ${b} refs/heads/y`,
        '',
      ].join('\n'),
    )
    expect(moves).toEqual([
      { at: 100, ref: claimRef, before: null, after: a, transaction: '11-100' },
      { at: 107, ref: claimRef, before: a, after: b, transaction: '31-107' },
      { at: 107, ref: 'refs/heads/y', before: null, after: b, transaction: '31-107' },
    ])
  })

  it('reads executions from their signs of life, each begin anew', () => {
    const sign = (what: string, at: number, pid = 7) =>
      JSON.stringify([what, 'w1', pid, at, '/tmp/x/agents/ada/work/y'])
    const text = [sign('begin', 1), sign('beat', 5), sign('begin', 9), sign('end', 12)].join('\n')
    expect(parseSigns(`${text}\n`)).toEqual([
      { word: 'w1', agent: 'ada', pid: 7, from: 1, to: 5 },
      { word: 'w1', agent: 'ada', pid: 7, from: 9, to: 12 },
    ])
  })
})
