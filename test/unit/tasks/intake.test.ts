import { describe, expect, it } from 'vitest'
import {
  eligible,
  lacking,
  priorityOf,
  pausedBy,
  type Candidate,
  type IntakeRules,
} from '../../../src/tasks/intake/intake.ts'
import type { Issue } from '../../../src/tasks/github/github.ts'

const issue = (change: Partial<Issue> = {}): Issue => ({
  number: 1,
  title: 'a',
  body: '',
  open: true,
  labels: ['bzzz'],
  assignees: [],
  author: 'octo',
  createdAt: '',
  updatedAt: '',
  url: '',
  isPull: false,
  ...change,
})
const rules: IntakeRules = {
  trigger: 'bzzz',
  failed: 'bzzz:failed',
  requiredLabels: [],
  meshLogins: new Set(['ada']),
}
const candidate = (peerId: string, change: Partial<Candidate> = {}): Candidate => ({
  peerId,
  name: peerId,
  offers: new Set(),
  repositories: ['octo/lib'],
  freeSlots: 1,
  ...change,
})

describe('eligible', () => {
  it('takes open labelled issues without foreign assignees', () => {
    expect(eligible(issue(), rules).is).toBe('eligible')
    expect(eligible(issue({ labels: ['BZZZ'] }), rules).is).toBe('eligible')
    expect(eligible(issue({ assignees: ['Ada'] }), rules).is).toBe('eligible')
  })

  it.each<[string, Partial<Issue>, Partial<IntakeRules>]>([
    ['closed', { open: false }, {}],
    ['pull request', { isPull: true }, {}],
    ['without the label', { labels: ['bug'] }, {}],
    ['labelled bzzz:failed', { labels: ['bzzz', 'bzzz:failed'] }, {}],
    ['assigned to grace', { assignees: ['grace'] }, {}],
    ['assigned to grace', { assignees: ['ada', 'grace'] }, {}],
    ['WORKFLOW.md requires', {}, { requiredLabels: ['ready'] }],
  ])('skips what is %s', (reason, change, rule) => {
    const verdict = eligible(issue(change), { ...rules, ...rule })
    expect(verdict).toMatchObject({ is: 'skip' })
    expect(verdict.is === 'skip' && verdict.reason).toContain(reason)
  })
})

describe('priorityOf', () => {
  const order = ['P0', 'P1', 'P2', 'P3']
  const sorted = (labels: string[][], by = order) =>
    labels.map((some) => [priorityOf(some, by), some[0] ?? '-'] as const).sort(([a], [b]) => a - b)

  it('puts what has no priority in the middle, and takes the highest of several', () => {
    const names = sorted([['p3'], [], ['P2'], ['bug'], ['P1', 'P3'], ['P0']]).map(([, n]) => n)
    expect(names).toEqual(['P0', 'P1', '-', 'bug', 'P2', 'p3'])
  })

  it.each([[order], [['urgent']], [['a', 'b', 'c']], [[]]])(
    'understands priority:high and priority:low beside %j',
    (by) => {
      const names = sorted([['Priority: Low'], [], ['priority:high']], by).map(([, n]) => n)
      expect(names).toEqual(['priority:high', '-', 'Priority: Low'])
    },
  )

  it('takes a word with the prefix for the word, and a single word for a high one', () => {
    expect(priorityOf(['priority: P1'], order)).toBe(1)
    expect(priorityOf(['urgent'], ['urgent'])).toBeLessThan(priorityOf([], ['urgent']))
  })
})

describe('lacking', () => {
  it('names what is missing', () => {
    expect(lacking(['gpu', 'docker'], candidate('a', { offers: new Set(['docker']) }))).toEqual([
      'gpu',
    ])
  })
})

describe('pausedBy', () => {
  it('pauses for the mesh by WORKFLOW.md, and for one agent by its configuration', () => {
    expect(pausedBy({}, 'octo/lib', {})).toBeUndefined()
    const release = { reason: 'paused by WORKFLOW.md: release week', everywhere: true }
    expect(pausedBy({}, 'octo/lib', { paused: 'release week' })).toEqual(release)
    expect(pausedBy({}, 'octo/lib', { paused: '' })?.reason).toBe('paused by WORKFLOW.md')
    expect(pausedBy({ paused: ['Octo/Lib'] }, 'octo/lib', {})?.everywhere).toBe(false)
    expect(pausedBy({ paused: ['octo/other'] }, 'octo/lib', {})).toBeUndefined()
  })
})
