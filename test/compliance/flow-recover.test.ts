/** Lease, intake and recovery in an unkind world: lost answers, dead holders, deleted issues, crashes. */
import { describe, expect, it } from 'vitest'
import { hold } from '../../src/tasks/attempt/attempt.ts'
import { consider } from '../../src/tasks/intake/consider.ts'
import { turn } from '../../src/tasks/look/rounds.ts'
import { emptyMemory } from '../../src/tasks/look/floor.ts'
import { createLease } from '../../src/tasks/attempt/lease.ts'
import { resumeRepository } from '../../src/tasks/recover/resume.ts'
import { asTasksError } from '../../src/tasks/github/errors.ts'
import { advance } from '../../src/tasks/machine.ts'
import { TasksError } from '../../src/tasks/errors.ts'
import { decideRecovery, findUnfinished } from '../../src/tasks/recover/recover.ts'
import { nullLogger, sleep, until } from '../../src/util/index.ts'
import {
  prefix,
  repo,
  signal,
  base,
  agent,
  fakeGitHub,
  contextOf,
  jobOf,
  win,
  signals,
  asSignals,
  changed,
  useFlow,
} from './flow-world.ts'

useFlow()

describe('the lease', () => {
  it('survives a renewal that arrived though its answer and all reads were lost', async () => {
    let bad = false
    const me = await agent(
      'a',
      (args) =>
        !bad
          ? undefined
          : args[0] === 'push'
            ? 'after'
            : args[0] === 'ls-remote'
              ? 'before'
              : undefined,
      3_000,
    )
    const claim = await win(me)
    bad = true
    let errors = 0
    const logger = {
      ...nullLogger,
      warn: () => {
        errors += 1
        bad = false
      },
    }
    const lease = createLease(claim, {
      claims: me.claims,
      logger,
      onRenewed: async () => undefined,
    })
    await lease.start()
    await until('outage over', 5_000, () => errors > 0)
    await sleep(1_400)
    const holder = await me.refs.read(`${prefix}7`, signal)
    const why = lease.lost.aborted ? String(lease.lost.reason) : 'kept'
    await lease.stop()
    expect(holder).not.toBe(claim.oid) // the renewal had arrived: the ref is ours
    expect(why).toBe('kept')
  })
})

describe('intake', () => {
  const floorOf = (context: never, begun: unknown[] = []) =>
    ({
      context,
      self: () => ({
        peerId: 'c',
        name: 'c',
        offers: new Set(),
        repositories: [repo],
        freeSlots: 1,
      }),
      freeSlots: () => 1,
      isActive: () => false,
      activeIssues: () => [],
      cancel: () => undefined,
      begin: (job: unknown) => begun.push(job),
      heardClaimed: () => false,
      notBefore: () => -Infinity,
      abandoned: () => false,
      say: async () => undefined,
    }) as never

  it('frees an issue that two dead agents of other logins had', async () => {
    const [a, b, c] = [await agent('a'), await agent('b'), await agent('c')]
    const first = await win(a) // A assigned itself, then its disk died.
    const github = fakeGitHub({ assignees: ['a'] })
    await win(b, first.oid, 2, 1) // B took over and died before (or failed at) the removal of "a".
    const { context, place } = contextOf(c, github)
    const raw = (await c.refs.snapshot(signal)).get('7')
    const tip = await c.claims.decode(repo, 7, raw)
    const memory = emptyMemory()
    memory.sightings.set(7, { oid: raw!.oid, since: -10_000_000 })
    const option = await consider(floorOf(context), place, memory, {
      issue: await github.issue(repo, 7),
      tip,
      policy: { requiredLabels: [] },
    })
    expect(option?.decision).toMatchObject({ may: true, attempt: 3 })
  })

  it('does not take up an issue that failed between the listing and the look at the refs', async () => {
    const [a, c] = [await agent('a'), await agent('c')]
    const held = await win(a)
    const github = fakeGitHub()
    const { context, place } = contextOf(c, github)
    const list = github.openIssues
    github.openIssues = async () => {
      const listed = await list() // then a pause; A fails the issue
      github.state.labels.push('bzzz:failed')
      await a.claims.move(
        await a.claims.prepare({
          repo,
          issue: 7,
          attempt: 1,
          strikes: 0,
          previous: held.oid,
          state: 'failed',
        }),
        [],
        signal,
      )
      return listed
    }
    const begun: unknown[] = []
    await turn(floorOf(context, begun), place, emptyMemory(), signal)
    expect(begun).toHaveLength(0)
  })

  it('looks at the labels that the assignment returns', async () => {
    const me = await agent('a')
    const github = fakeGitHub({ labels: ['bzzz:failed'] })
    let ran = false
    const { context, place } = contextOf(me, github, {
      run: async () => {
        ran = true
        return changed(me)
      },
    })
    await hold(context, jobOf(place, ['a']), await win(me), asSignals(signals()))
    expect(ran).toBe(false)
  })

  it('never takes away a person, whatever login a peer announces', async () => {
    const me = await agent('a')
    const github = fakeGitHub({ assignees: ['grace'] })
    const { context, place } = contextOf(me, github, { run: () => changed(me) })
    await hold(context, jobOf(place, ['a', 'grace']), await win(me), asSignals(signals()))
    expect(github.state.unassigned).not.toContain('grace')
  })

  it('a record with very many strikes can still be read', async () => {
    const me = await agent('a')
    const claim = await win(me, null, 1, 1_001)
    const tip = await me.claims.decode(repo, 7, (await me.refs.snapshot(signal)).get('7'))
    expect(tip).toMatchObject({ is: 'record', oid: claim.oid })
  })
})

describe('recovery', () => {
  it('somebody opens the pull request of a dead agent that pushed and vanished', async () => {
    const [a, c] = [await agent('a'), await agent('c')]
    const held = await win(a)
    const done = await a.claims.prepare({
      repo,
      issue: 7,
      attempt: 1,
      strikes: 0,
      previous: held.oid,
      state: 'done',
    })
    const head = await a.refs.mint('work', null)
    await a.claims.move(
      done,
      [{ ref: 'refs/heads/bzzz/issue-7', expected: null, next: head }],
      signal,
    )
    const github = fakeGitHub({ assignees: ['a'] })
    const { context, place } = contextOf(c, github)
    const memory = emptyMemory()
    memory.sightings.set(7, { oid: done.oid, since: -10_000_000 })
    const begun: unknown[] = []
    const floor = {
      context,
      self: () => ({
        peerId: 'c',
        name: 'c',
        offers: new Set(),
        repositories: [repo],
        freeSlots: 1,
      }),
      freeSlots: () => 1,
      isActive: () => false,
      activeIssues: () => [],
      cancel: () => undefined,
      begin: (job: unknown) => begun.push(job),
      heardClaimed: () => false,
      notBefore: () => -Infinity,
      abandoned: () => false,
      say: async () => undefined,
    } as never
    await turn(floor, place, memory, signal)
    expect(begun.length + github.state.pulls.length).toBe(1)
  })

  const unfinished = (issue: number, oid: string) => ({
    repo,
    issue,
    attempt: 1,
    title: '',
    won: true,
    oids: new Set([oid]),
    since: 0,
  })

  it('of one deleted issue does not stop the repository', async () => {
    const me = await agent('a')
    const claim = await win(me)
    const github = fakeGitHub()
    github.issue = async () => {
      throw new TasksError('GITHUB_NOT_FOUND', '410')
    }
    const { context, place } = contextOf(me, github)
    await expect(
      resumeRepository(context, place, [unfinished(7, claim.oid)], signal),
    ).resolves.toBeDefined()
  })

  it('of a work branch that a person deleted does not stop the repository', async () => {
    const me = await agent('a')
    const claim = await win(me)
    const done = await me.claims.prepare({
      repo,
      issue: 7,
      attempt: 1,
      strikes: 0,
      previous: claim.oid,
      state: 'done',
    })
    await me.claims.move(done, [], signal)
    const github = fakeGitHub()
    github.openPull = async () => {
      throw new TasksError('GITHUB_REFUSED', '422 head invalid')
    }
    const { context, place } = contextOf(me, github)
    const task = {
      ...unfinished(7, claim.oid),
      intent: { branch: 'bzzz/issue-7', base, head: base, done: done.oid, seq: 0 },
    }
    await expect(resumeRepository(context, place, [task], signal)).resolves.toBeDefined()
  })

  it('publishes finished work that was never sent, under the claim that still stands', async () => {
    const me = await agent('a')
    const claim = await win(me)
    const head = await me.refs.mint('finished work', null)
    const github = fakeGitHub({ assignees: ['a'] })
    const { context, entries, place } = contextOf(me, github)
    const intent = { branch: 'bzzz/issue-7', base, head, done: '1'.repeat(40), seq: 0 }
    const task = { ...unfinished(7, claim.oid), intent }
    const { left, again } = await resumeRepository(context, place, [task], signal)
    expect({ left: left.size, again }).toEqual({ left: 0, again: false })
    expect(entries.map(({ type }) => type)).toEqual([
      'work.finished',
      'publish.intent',
      'pushed',
      'pull.opened',
      'task.done',
    ])
    expect(await me.refs.read('refs/heads/bzzz/issue-7', signal)).toBe(head)
    expect(github.state.pulls).toEqual(['bzzz/issue-7'])
  })

  it('publishes finished work also when the crash came before the intention to push', async () => {
    const me = await agent('a')
    const claim = await win(me)
    const head = await me.refs.mint('finished work', null)
    const github = fakeGitHub({ assignees: ['a'] })
    const { context, place } = contextOf(me, github)
    const finished = { branch: 'bzzz/issue-7', base, head }
    // The last attempt that it may have: taken up anew, the work would be lost.
    await resumeRepository(context, place, [{ ...unfinished(7, claim.oid), finished }], signal)
    expect(await me.refs.read('refs/heads/bzzz/issue-7', signal)).toBe(head)
    expect(github.state.pulls).toEqual(['bzzz/issue-7'])
  })

  it('ends a task whose failure was visible before the crash', async () => {
    const me = await agent('a')
    const claim = await win(me)
    const github = fakeGitHub({ labels: ['bzzz', 'bzzz:failed'] })
    const { context, entries, place } = contextOf(me, github)
    await resumeRepository(context, place, [unfinished(7, claim.oid)], signal)
    expect(entries.map(({ type }) => type)).toContain('task.failed')
  })

  it('knows its first record after a second crash at the next claim', async () => {
    const me = await agent('a')
    const claim = await win(me)
    const at = { task: { repo, issue: 7 }, time: 0 }
    const log = [
      { type: 'claim.tried', attempt: 1, oid: claim.oid, ...at },
      { type: 'claim.won', attempt: 1, oid: claim.oid, title: '', branch: '', leaseMs: 1, ...at },
      { type: 'claim.tried', attempt: 2, oid: '1'.repeat(40), previous: claim.oid, ...at },
    ]
    const [task] = await findUnfinished(
      {
        read: async function* () {
          yield* log
        },
      } as never,
      'a',
    )
    const tip = await me.claims.decode(repo, 7, (await me.refs.snapshot(signal)).get('7'))
    expect(decideRecovery(task!, tip, 'a').is).toBe('resume')
  })

  it('a task whose lease was lost does not stay "working" in the table', () => {
    const at = { state: 'working' as const, attempt: 1, holder: 'a' }
    expect(advance(at, { type: 'claim.lost', author: 'a', attempt: 1 }).state).not.toBe('working')
  })
})

describe('GitHub', () => {
  it('a secondary limit without retry-after is waited for', () => {
    const error = {
      status: 403,
      response: {
        headers: { 'x-ratelimit-remaining': '4000' },
        data: { message: 'You have exceeded a secondary rate limit. Please wait a few minutes.' },
      },
    }
    expect(asTasksError(error, 'POST x', {})).toMatchObject({ code: 'GITHUB_RATE_LIMITED' })
  })
  it('a 400 is not waited for without end', () => {
    expect(
      asTasksError(
        { status: 400, response: { headers: {}, data: { message: 'Problems parsing JSON' } } },
        'POST x',
        {},
      ),
    ).not.toMatchObject({ code: 'GITHUB_UNREACHABLE' })
  })
})
