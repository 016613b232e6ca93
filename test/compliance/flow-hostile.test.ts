/** Attempts that the world is hard on: outages that are no fault of the task, and agents that share a login. */
import { describe, expect, it } from 'vitest'
import { hold } from '../../src/tasks/attempt/attempt.ts'
import { TasksError } from '../../src/tasks/errors.ts'
import { consider } from '../../src/tasks/intake/consider.ts'
import { emptyMemory, type Floor, type Said } from '../../src/tasks/look/floor.ts'
import { policyOf } from '../../src/tasks/look/policy-of.ts'
import { resumeRepository } from '../../src/tasks/recover/resume.ts'
import {
  agent,
  asSignals,
  base,
  changed,
  contextOf,
  fakeGitHub,
  git,
  jobOf,
  prefix,
  remoteDir,
  repo,
  signal,
  signals,
  useFlow,
  win,
  type Agent,
} from './flow-world.ts'

useFlow()

const tipOf = async (me: Agent) => {
  const tip = await me.claims.decode(repo, 7, (await me.refs.snapshot(signal)).get('7'))
  return tip.is === 'record' ? tip.record : undefined
}

describe('an attempt that GitHub ends', () => {
  it.each([
    ['GITHUB_UNREACHABLE', 0],
    ['GITHUB_RATE_LIMITED', 0],
    ['GITHUB_REFUSED', 1],
  ] as const)('by %s counts as %i strikes', async (code, strikes) => {
    const me = await agent('a')
    const github = fakeGitHub()
    github.assign = async () => {
      throw new TasksError(code, 'reads are answered, writes are not')
    }
    const { context, place } = contextOf(me, github, { run: () => changed(me) })
    const outcome = await hold(context, jobOf(place, ['a']), await win(me), asSignals(signals()))
    expect(outcome).toBe('released')
    expect(await tipOf(me)).toMatchObject({ state: 'released', strikes })
  })
})

describe('agents of one login', () => {
  /** `other`, of the same login, claims the issue while this agent, back again, reads it. */
  async function back(state: 'released' | 'held', labels = ['bzzz']) {
    const [me, other] = [await agent('a'), await agent('b')]
    const claim = await win(me)
    const about = { repo, issue: 7, attempt: 1, strikes: 0, previous: claim.oid }
    const left = state === 'held' ? claim : await me.claims.prepare({ ...about, state })
    if (state !== 'held') await me.claims.move(left, [], signal)
    const github = fakeGitHub({ assignees: ['a'], labels })
    const { issue } = github
    let reads = 0
    github.issue = async (...at) => {
      // The last reading before the assignment would be taken off.
      if ((reads += 1) === (state === 'held' ? 2 : 1)) await win(other, left.oid, 2, 0)
      return issue(...at)
    }
    const { context, place, entries } = contextOf(me, github)
    const oids = new Set([claim.oid, left.oid])
    const task = { repo, issue: 7, attempt: 1, title: '', won: true, oids, since: 0 }
    const first = await resumeRepository(context, place, [task], signal)
    github.issue = issue
    const second = await resumeRepository(context, place, [task], signal)
    return { github, first, second, entries: entries.map(({ type }) => type), other }
  }

  it.each([
    ['released', ['bzzz']],
    ['held', ['bzzz', 'bzzz:failed']],
  ] as const)('keep the assignment of the next one: %s before', async (state, labels) => {
    const { github, first, second, entries, other } = await back(state, [...labels])
    expect(github.state.unassigned).toEqual([])
    expect([first.again, second.again]).toEqual([true, false])
    expect(entries).toEqual(['claim.lost'])
    expect(await other.refs.read(`${prefix}7`, signal)).toBeDefined()
  })
})

describe('a default branch that is another one by now', () => {
  it('is noticed where the policy is read, once', async () => {
    const me = await agent('a')
    const cwd = remoteDir()
    const head = (branch: string) => git(['symbolic-ref', 'HEAD', `refs/heads/${branch}`], { cwd })
    await git(['update-ref', 'refs/heads/next', base], { cwd })
    await head('main')
    const { context, place } = contextOf(me, fakeGitHub())
    const memory = emptyMemory()
    const read = () => policyOf({ context } as unknown as Floor, place, memory, signal, Infinity)
    expect((await read()).base).toBe(base)
    await head('next')
    await expect(read()).rejects.toMatchObject({ code: 'REPO_CHANGED' })
    expect(memory.at).toBeUndefined()
    // Made ready again, it has a store of its own.
    const again = contextOf(await agent('a'), fakeGitHub())
    expect(
      await policyOf({ context } as unknown as Floor, again.place, memory, signal, 0),
    ).toBeDefined()
  })

  it('takes the pull request of work that was begun before', async () => {
    const me = await agent('a')
    const github = fakeGitHub()
    const bases: string[] = []
    github.openPull = async (_r: string, { base: into }: { head: string; base?: string }) => {
      bases.push(into ?? '')
      if (into === 'main') throw new TasksError('GITHUB_REFUSED', '422 base invalid')
      return { number: 1, url: 'http://x', open: true, headOid: '' }
    }
    github.repository = async () => ({
      fullName: repo,
      cloneUrl: '',
      defaultBranch: 'next',
      canPush: true,
    })
    const { context, place } = contextOf(me, github, { run: () => changed(me) })
    const outcome = await hold(context, jobOf(place, ['a']), await win(me), asSignals(signals()))
    expect({ outcome, bases }).toEqual({ outcome: 'done', bases: ['main', 'next'] })
  })
})

describe('a person who has the account of an agent', () => {
  /** The issue is assigned to "a", whose agent had it before, as another agent finds it. */
  async function found(state: 'held' | 'released' | 'failed', takenSince: () => Promise<string[]>) {
    const [a, c] = [await agent('a'), await agent('c')]
    const claim = await win(a)
    const about = { repo, issue: 7, attempt: 1, strikes: 0, previous: claim.oid, state }
    if (state !== 'held') await a.claims.move(await a.claims.prepare(about), [], signal)
    const github = fakeGitHub({ assignees: ['a'] })
    const { context, place } = contextOf(c, github)
    const said: string[] = []
    const floor = {
      context: { ...(context as object), gates: { takenSince } },
      self: () => ({ peerId: 'c', name: 'c', offers: new Set(), repositories: [repo] }),
      isActive: () => false,
      notBefore: () => -Infinity,
      abandoned: () => false,
      activeIssues: () => [],
      heardClaimed: () => false,
      say: async (fact: Said) => void ('reason' in fact && said.push(fact.reason)),
    } as unknown as Floor
    const raw = (await c.refs.snapshot(signal)).get('7')
    const memory = emptyMemory()
    memory.sightings.set(7, { oid: raw!.oid, since: -10_000_000 })
    const tip = await c.claims.decode(repo, 7, raw)
    const policy = { requiredLabels: [] }
    const issue = await github.issue(repo, 7)
    const option = await consider(floor, place, memory, { issue, tip, policy }, signal)
    return { may: option !== undefined, earlier: option?.earlier, said }
  }

  it.each(['released', 'failed'] as const)(
    'keeps the issue after the agent %s it',
    async (state) => {
      const { may, said } = await found(state, async () => ['a'])
      expect({ may, said }).toEqual({ may: false, said: ['assigned to a'] })
    },
  )

  it('keeps it where it cannot be told', async () => {
    const { may } = await found('released', async () => {
      throw new TasksError('GITHUB_FORBIDDEN', 'no events')
    })
    expect(may).toBe(false)
  })

  it.each([
    ['released', async () => []],
    ['held', () => Promise.reject(new Error('not to be asked'))],
  ] as const)('is not meant by what an agent left behind: %s', async (state, takenSince) => {
    expect(await found(state, takenSince)).toMatchObject({ may: true, earlier: ['a'] })
  })
})

it('a peer that says late that it let go does not end the work of who goes on', async () => {
  const [a, c] = [await agent('a'), await agent('c')]
  const claim = await win(a)
  const about = { repo, issue: 7, attempt: 1, strikes: 0, previous: claim.oid }
  const to = { peerId: 'c' }
  await a.claims.move(await a.claims.prepare({ ...about, state: 'handed', to }), [], signal)
  const { context, place } = contextOf(c, fakeGitHub())
  const state = { active: false, cancelled: new Array<string>() }
  const floor = {
    context,
    self: () => ({ peerId: 'c', name: 'c', offers: new Set(), repositories: [repo] }),
    isActive: () => state.active,
    notBefore: () => -Infinity,
    abandoned: () => false,
    activeIssues: () => [],
    heardClaimed: () => false,
    cancel: (_: string, __: number, why: string) => void state.cancelled.push(why),
    say: async () => undefined,
  } as unknown as Floor
  const memory = emptyMemory()
  const policy = { requiredLabels: [] }
  // The earlier holder is still assigned when the issue was read last.
  const issue = { ...(await fakeGitHub({ assignees: ['a', 'c'] }).issue(repo, 7)) }
  const tip = await c.claims.decode(repo, 7, (await c.refs.snapshot(signal)).get('7'))
  const before = { ...issue, assignees: ['a'] }
  const option = await consider(floor, place, memory, { issue: before, tip, policy }, signal)
  expect(option?.decision).toMatchObject({ may: true, attempt: 2 })
  state.active = true
  await consider(floor, place, memory, { issue, tip: { is: 'absent' }, policy }, signal)
  expect(state.cancelled).toEqual([])
})
