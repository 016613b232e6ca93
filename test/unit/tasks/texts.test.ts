import { describe, expect, it } from 'vitest'
import { roundComment } from '../../../src/tasks/feedback/texts.ts'
import {
  claimLine,
  exhaustedReason,
  failureComment,
  pullBody,
  pullTitle,
  stoppedComment,
} from '../../../src/tasks/texts.ts'

const by = {
  claim: 'c'.repeat(40),
  agent: 'ada',
  peerId: '12D3',
  attempt: 2,
  journal: { key: 'f'.repeat(64), epoch: 0, seq: 41 },
}
const check = {
  name: 'test',
  outcome: 'passed' as const,
  exitCode: 0,
  durationMs: 1_234,
  tail: '',
  outputSha256: '0'.repeat(64),
}

const again = { label: 'bzzz:failed' }

describe('what is written on GitHub', () => {
  it.each([
    [1, 'ended', 'The one attempt ended without a result: ada ended while it worked on it'],
    [3, 'silent', '3 attempts in a row ended without a result; in the last one ada was not heard'],
    [2, 'returned', '2 attempts in a row ended without a result; in the last one ada handed it'],
  ] as const)('says how %d attempts came to nothing, the last one: %s', (attempts, how, begins) => {
    expect(exhaustedReason(attempts, { agent: 'ada', how })).toContain(begins)
  })

  it('closes the issue and points to the journal entry', () => {
    const body = pullBody(
      { number: 7 },
      {
        outcome: 'changed',
        gitDir: '',
        head: '',
        files: [{ path: 'a.ts', insertions: 3, deletions: 1 }],
        summary: 'Did it.',
        checks: [check],
        executor: 'command',
      },
      by,
    )
    expect(body).toMatch(/^Closes #7\n/)
    expect(body).toContain(`Journal entry \`${'f'.repeat(64)}/0/41\`.`)
    expect(body).not.toContain('Journal up to there')
    expect(body).toContain('- `a.ts` +3 −1')
    expect(body).toContain('check `test`: passed in 1.2 s')
  })

  it('names the head that a bundle of the journal is checked against', () => {
    const treeHash = 'e'.repeat(64)
    const signed = { ...by, journal: { ...by.journal, treeHash } }
    const body = stoppedComment('why', signed, again)
    expect(body).toContain(`Journal up to there \`${'f'.repeat(64)}/0/42/${treeHash}\`.`)
    expect(body.endsWith(claimLine(by.claim))).toBe(true)
  })

  it('keeps hostile text in its fence', () => {
    const summary = 'ok\n```\nCloses #1 @everyone\n````\n\u0007'
    const body = pullBody(
      { number: 7 },
      {
        outcome: 'changed',
        gitDir: '',
        head: '',
        files: [{ path: 'a`|b', insertions: 0, deletions: 0 }],
        summary,
        checks: [],
        executor: 'x',
      },
      by,
    )
    const fence = /^(`{5,})text$/m.exec(body)?.[1] ?? ''
    expect(fence).not.toBe('')
    expect(body.split('\n').filter((line) => line === fence)).toHaveLength(1)
    expect(body).not.toContain('\u0007')
    expect(body).toContain('- `a  b` +0')
  })

  it('breaks the lines of a long report', () => {
    const summary = Array.from({ length: 60 }, (_, n) => `word${n}`).join(' ')
    const body = pullBody(
      { number: 7 },
      { outcome: 'changed', gitDir: '', head: '', files: [], summary, checks: [], executor: 'x' },
      by,
    )
    for (const line of body.split('\n')) expect(line.length).toBeLessThanOrEqual(120)
    expect(body.replaceAll('\n', ' ')).toContain(summary)
  })

  it('neutralises a title', () => {
    expect(pullTitle({ number: 3, title: 'Fix @team [x](http://y)\nnow' })).toBe(
      'Fix @\u200Bteam [x](http://y) now (#3)',
    )
    expect(pullTitle({ number: 3, title: '' })).toBe('Work (#3)')
    expect(pullTitle({ number: 3, title: `${'x'.repeat(199)}😀` }).isWellFormed()).toBe(true)
    expect(pullTitle({ number: 3, title: 'x'.repeat(1_000) }).length).toBeLessThanOrEqual(256)
  })

  it('says what was tried', () => {
    const text = failureComment(
      {
        outcome: 'failed',
        code: 'CHECKS_FAILED',
        reason: 'check test failed',
        tried: ['ran scripted', 'check test: exit 1'],
        checks: [{ ...check, outcome: 'failed', tail: 'AssertionError' }],
      },
      by,
      again,
    )
    expect(text).toContain('1. ran scripted\n2. check test: exit 1')
    expect(text).toContain('AssertionError')
    expect(text).toContain('`bzzz:failed`')
    expect(text).toMatch(
      /Nothing of it is kept: it begins anew once somebody writes `\/bzzz retry`/,
    )
  })

  it('says nothing of what was not tried, and from where it goes on', () => {
    const none = { outcome: 'failed' as const, code: 'X', reason: 'no', tried: [], checks: [] }
    const kept = { ...again, branch: 'bzzz/issue-7' }
    const refused = failureComment(none, by, kept)
    expect(refused).not.toContain('What was tried')
    expect(refused).toContain('No executor was started')
    expect(refused).toContain('kept on the branch `bzzz/issue-7`, and it goes on from there')
    const ran = failureComment({ ...none, executor: 'claude' }, by, kept)
    expect(ran).not.toMatch(/What was tried|No executor/)
    const round = {
      round: 4,
      maxRounds: 6,
      items: [{ kind: 'review' as const, from: 'grace' }],
      outcome: 'stopped' as const,
      reason: 'grace wrote /bzzz stop',
      tried: [],
      checks: [],
      summary: '',
      label: 'bzzz:stopped',
      last: true,
    }
    const said = roundComment(round, by)
    expect(said).toMatch(/round 4 of 6.*stopped: grace wrote/)
    expect(said).toMatch(/label `bzzz:stopped` says so\. Write `\/bzzz retry`/)
    expect(said).not.toMatch(/What was tried|No executor/)
  })

  it('ends with the claim that it was written for', () => {
    const failed = { outcome: 'failed' as const, code: 'X', reason: 'x', tried: [], checks: [] }
    const changed = { outcome: 'changed' as const, gitDir: '', head: '', files: [], summary: '' }
    const line = claimLine('c'.repeat(40))
    expect(line).toBe(`Claim \`${'c'.repeat(40)}\`.`)
    for (const text of [
      failureComment(failed, by, again),
      stoppedComment('it was closed', by, again),
      pullBody({ number: 7 }, { ...changed, checks: [], executor: 'x' }, by),
    ])
      expect(text.split('\n').at(-1)).toBe(line)
  })
})
