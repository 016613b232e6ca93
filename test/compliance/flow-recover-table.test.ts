/**
 * The table in the head of `recover.ts`, row by row, on a real git remote: what was written down, what
 * the claim ref, the work branch, the issue and the pull requests hold when the agent is back, and what
 * becomes of it. `recover.test.ts` judges the decisions alone.
 */
import { describe, expect, it } from 'vitest'
import { TasksError } from '../../src/tasks/errors.ts'
import { resumeRepository } from '../../src/tasks/recover/resume.ts'
import {
  agent,
  base,
  contextOf,
  fakeGitHub,
  prefix,
  repo,
  signal,
  useFlow,
  win,
} from './flow-world.ts'
import type { Agent } from './flow-world.ts'
import type { ClaimState } from '../../src/tasks/claim/record.ts'

useFlow()

const ref = `${prefix}7`
const branch = 'bzzz/issue-7'
const work = `refs/heads/${branch}`

async function close(
  me: Agent,
  previous: string,
  state: ClaimState,
  also: never[] | object[] = [],
) {
  const init = { repo, issue: 7, attempt: 1, strikes: 0, previous, state }
  const prepared = await me.claims.prepare(init)
  await me.claims.move(prepared, also as never, signal)
  return prepared.oid
}

/** What the journal says was begun by a claim of this OID, and how far it came. */
const begun = (oid: string, more: object = {}) => ({
  repo,
  issue: 7,
  attempt: 1,
  title: 'T',
  won: true,
  oids: new Set([oid]),
  since: 0,
  ...more,
})
const intentOf = (head: string, done = '1'.repeat(40)) => ({
  intent: { branch, base, head, done, seq: 0 },
})

async function recover(
  me: Agent,
  github: ReturnType<typeof fakeGitHub>,
  task: ReturnType<typeof begun>,
) {
  const { context, entries, place } = contextOf(me, github)
  const { left, again } = await resumeRepository(context, place, [task], signal)
  const tip = await me.claims.decode(repo, 7, (await me.refs.snapshot(signal)).get('7'))
  return {
    left: left.size > 0,
    again,
    entries: entries.map(({ type, code }) =>
      code === undefined ? type : `${type} ${String(code)}`,
    ),
    state: tip.is === 'record' ? tip.record.state : tip.is,
    assignees: github.state.assignees,
    pulls: github.state.pulls.length,
  }
}

describe('our held record', () => {
  it.each([
    ['wanted', {}, { left: true, again: true, entries: [], state: 'held', assignees: ['a'] }],
    [
      'closed',
      { open: false },
      { left: false, entries: ['task.cancelled'], state: 'cancelled', assignees: [] },
    ],
    [
      'unlabelled',
      { labels: [] },
      { left: false, entries: ['task.cancelled'], state: 'cancelled', assignees: [] },
    ],
    [
      'marked as failed',
      { labels: ['bzzz', 'bzzz:failed'] },
      { left: false, entries: ['task.failed RECOVERED'], state: 'failed' },
    ],
  ])('of an issue that is %s', async (_what, issue, expected) => {
    const me = await agent('a')
    const github = fakeGitHub({ assignees: ['a'], ...issue })
    expect(await recover(me, github, begun((await win(me)).oid))).toMatchObject(expected)
  })

  it('and the finished commit, when the branch holds that commit already', async () => {
    const me = await agent('a')
    const claim = await win(me)
    const head = await me.refs.mint('finished work', null)
    await me.refs.push([{ ref: work, expected: null, next: head }], signal)
    const github = fakeGitHub({ assignees: ['a'] })
    expect(await recover(me, github, begun(claim.oid, intentOf(head)))).toMatchObject({
      entries: ['work.finished', 'publish.intent', 'pushed', 'pull.opened', 'task.done'],
      state: 'done',
      pulls: 1,
    })
  })

  it('and the finished commit, when somebody moved the branch elsewhere', async () => {
    const me = await agent('a')
    const claim = await win(me)
    const head = await me.refs.mint('finished work', null)
    const theirs = await me.refs.mint('of a person', null)
    await me.refs.push([{ ref: work, expected: null, next: theirs }], signal)
    const github = fakeGitHub({ assignees: ['a'] })
    expect(await recover(me, github, begun(claim.oid, intentOf(head)))).toMatchObject({
      entries: ['task.failed BRANCH_MOVED'],
      state: 'failed',
      pulls: 0,
    })
    expect(await me.refs.read(work, signal)).toBe(theirs)
  })

  it('and no finished commit any more', async () => {
    const me = await agent('a')
    const github = fakeGitHub({ assignees: ['a'] })
    const task = begun((await win(me)).oid, intentOf('c'.repeat(40)))
    expect(await recover(me, github, task)).toMatchObject({ left: true, entries: [], pulls: 0 })
  })
})

describe('our done record', () => {
  async function published(me: Agent, withBranch: boolean) {
    const claim = await win(me)
    const head = await me.refs.mint('finished work', null)
    const also = withBranch ? [{ ref: work, expected: null, next: head }] : []
    const done = await close(me, claim.oid, 'done', also)
    return { head, task: begun(claim.oid, intentOf(head, done)) }
  }

  it('and no pull request', async () => {
    const me = await agent('a')
    const { task } = await published(me, true)
    expect(await recover(me, fakeGitHub({ assignees: ['a'] }), task)).toMatchObject({
      entries: ['pull.opened', 'task.done'],
      pulls: 1,
    })
  })

  it('and a pull request that the journal knows nothing of', async () => {
    const me = await agent('a')
    const { task, head } = await published(me, true)
    const github = fakeGitHub({ assignees: ['a'] })
    github.findPull = async () =>
      ({ number: 3, url: 'http://x', open: true, headOid: head }) as never
    expect(await recover(me, github, task)).toMatchObject({
      entries: ['pull.opened', 'task.done'],
      pulls: 0,
    })
  })

  it('and no branch', async () => {
    const me = await agent('a')
    const { task } = await published(me, false)
    const github = fakeGitHub({ assignees: ['a'] })
    github.openPull = async () => {
      throw new TasksError('GITHUB_REFUSED', '422 head invalid')
    }
    expect(await recover(me, github, task)).toMatchObject({
      entries: ['task.failed NOT_PUBLISHED'],
      state: 'done',
    })
  })

  it('and an issue that was closed before there was a pull request', async () => {
    const me = await agent('a')
    const { task } = await published(me, true)
    expect(await recover(me, fakeGitHub({ open: false }), task)).toMatchObject({
      entries: ['task.failed NOT_PUBLISHED'],
      pulls: 0,
    })
  })

  it('without an intent in the journal', async () => {
    const me = await agent('a')
    const claim = await win(me)
    await close(me, claim.oid, 'done')
    expect(await recover(me, fakeGitHub({ assignees: ['a'] }), begun(claim.oid))).toMatchObject({
      entries: ['claim.lost'],
      assignees: ['a'],
      pulls: 0,
    })
  })
})

describe('our closing record and an assignment that stayed', () => {
  it.each([
    ['released', 'claim.released'],
    ['yielded', 'claim.released'],
    ['failed', 'task.failed RECOVERED'],
    ['cancelled', 'task.cancelled'],
  ] as const)('%s', async (state, entry) => {
    const me = await agent('a')
    const claim = await win(me)
    await close(me, claim.oid, state)
    const github = fakeGitHub({ assignees: ['a', 'grace'] })
    expect(await recover(me, github, begun(claim.oid))).toMatchObject({
      left: false,
      again: false,
      entries: [entry],
      state,
      assignees: ['grace'],
    })
  })
})

describe('a claim that is not ours any more', () => {
  it('touches nothing when somebody went on with it', async () => {
    const [me, other] = [await agent('a'), await agent('b')]
    const claim = await win(me)
    await win(other, claim.oid, 2, 1)
    const github = fakeGitHub({ assignees: ['a', 'b'] })
    expect(await recover(me, github, begun(claim.oid))).toMatchObject({
      entries: ['claim.lost'],
      state: 'held',
      assignees: ['a', 'b'],
    })
  })

  it.each([
    ['deleted', null, 'absent'],
    ['overwritten', 'what is no record', 'invalid'],
  ])('takes its own login off when the ref was %s', async (_what, message, state) => {
    const me = await agent('a')
    const claim = await win(me)
    const next = message === null ? '0'.repeat(40) : await me.refs.mint(message, null)
    await me.refs.push([{ ref, expected: claim.oid, next }], signal)
    const github = fakeGitHub({ assignees: ['a', 'grace'] })
    expect(await recover(me, github, begun(claim.oid))).toMatchObject({
      entries: ['claim.lost'],
      state,
      assignees: ['grace'],
    })
  })

  it('takes its own login off when somebody began the chain anew', async () => {
    const [me, other] = [await agent('a'), await agent('b')]
    const claim = await win(me)
    const gone = await me.refs.mint('x', null)
    await me.refs.push([{ ref, expected: claim.oid, next: gone }], signal)
    const init = { repo, issue: 7, attempt: 3, strikes: 0, previous: null, state: 'held' } as const
    const { oid } = await other.claims.prepare(init)
    await other.refs.push([{ ref, expected: gone, next: oid }], signal)
    const github = fakeGitHub({ assignees: ['a', 'b'] })
    expect(await recover(me, github, begun(claim.oid))).toMatchObject({
      entries: ['claim.lost'],
      state: 'held',
      assignees: ['b'],
    })
  })

  it('asks again later when GitHub does not take the login off now', async () => {
    const me = await agent('a')
    const claim = await win(me)
    await me.refs.push([{ ref, expected: claim.oid, next: '0'.repeat(40) }], signal)
    const github = fakeGitHub({ assignees: ['a'] })
    github.unassign = async () => {
      throw new TasksError('GITHUB_UNREACHABLE', '502')
    }
    expect(await recover(me, github, begun(claim.oid))).toMatchObject({ again: true, entries: [] })
  })

  it('never had a login to take off when it never arrived', async () => {
    const me = await agent('a')
    const github = fakeGitHub({ assignees: ['a'] })
    const task = begun('1'.repeat(40), { won: false })
    expect(await recover(me, github, task)).toMatchObject({
      entries: ['claim.lost'],
      state: 'absent',
      assignees: ['a'],
    })
  })
})
