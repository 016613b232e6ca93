/** From finished work to a pull request in an unkind world: outages, stale answers, takeovers, people. */
import { describe, expect, it } from 'vitest'
import { hold } from '../../src/tasks/attempt/attempt.ts'
import { TasksError } from '../../src/tasks/errors.ts'
import { sleep } from '../../src/util/index.ts'
import {
  repo,
  signal,
  git,
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

describe('publication', () => {
  it('the harness publishes', async () => {
    const me = await agent('a')
    const github = fakeGitHub()
    const { context, entries, place } = contextOf(me, github, { run: () => changed(me) })
    expect(await hold(context, jobOf(place, ['a']), await win(me), asSignals(signals()))).toBe(
      'done',
    )
    expect(entries.map(({ type }) => type)).toEqual([
      'work.finished',
      'publish.intent',
      'pushed',
      'pull.opened',
      'task.done',
    ])
  })

  it('keeps what stood on the work branch before', async () => {
    const me = await agent('a')
    const theirs = await me.refs.mint('commits of a person, or of an earlier attempt', null)
    await me.refs.push([{ ref: 'refs/heads/bzzz/issue-7', expected: null, next: theirs }], signal)
    const github = fakeGitHub()
    const { context, place } = contextOf(me, github, { run: () => changed(me) })
    await hold(context, jobOf(place, ['a']), await win(me), asSignals(signals()))
    const now = await me.refs.read('refs/heads/bzzz/issue-7', signal)
    await me.refs.fetchBranches(['bzzz/issue-7'], signal)
    const kept = await git(['merge-base', '--is-ancestor', theirs, now!], {
      cwd: me.refs.gitDir,
    }).then(
      () => true,
      () => false,
    )
    expect(kept).toBe(true)
  })

  it('lets go of the adopted commit when it was fenced', async () => {
    const [a, b] = [await agent('a'), await agent('b')]
    const mine = await win(a)
    const github = fakeGitHub()
    const { context, place } = contextOf(a, github, {
      run: async () => {
        await win(b, mine.oid, 2, 1)
        return changed(a)
      },
    })
    expect(await hold(context, jobOf(place, ['a']), mine, asSignals(signals()))).toBe('lost')
    expect(await git(['for-each-ref', 'refs/work/'], { cwd: a.refs.gitDir })).toBe('')
  })

  it('does not stop for one stale read of the assignees', async () => {
    const me = await agent('a')
    const github = fakeGitHub()
    const { context, place } = contextOf(me, github, { run: () => changed(me) })
    const issue = github.issue
    let reads = 0
    github.issue = async (r, n) =>
      (reads += 1) === 1 ? { ...(await issue(r, n)), assignees: [] } : issue(r, n)
    expect(await hold(context, jobOf(place, ['a']), await win(me), asSignals(signals()))).toBe(
      'done',
    )
  })

  it('keeps finished work when the recheck is refused once (401, 403, 404 in an incident)', async () => {
    const me = await agent('a')
    const github = fakeGitHub()
    const { context, place } = contextOf(me, github, { run: () => changed(me) })
    const issue = github.issue
    let reads = 0
    github.issue = async (r, n) => {
      if ((reads += 1) === 1) throw new TasksError('GITHUB_FORBIDDEN', '403 secondary limit')
      return issue(r, n)
    }
    expect(await hold(context, jobOf(place, ['a']), await win(me), asSignals(signals()))).toBe(
      'done',
    )
  })

  it('ends when the remote refuses the work branch for good', async () => {
    const me = await agent('a')
    const other = await me.refs.mint('x', null)
    // What a person can do: a branch "bzzz" makes "bzzz/issue-7" impossible (as a ruleset or push protection would).
    await me.refs.push([{ ref: 'refs/heads/bzzz', expected: null, next: other }], signal)
    const github = fakeGitHub()
    const { context, entries, place } = contextOf(me, github, { run: () => changed(me) })
    const s = signals()
    const run = hold(context, jobOf(place, ['a']), await win(me), asSignals(s))
    const outcome = await Promise.race([run, sleep(20_000).then(() => 'still going')])
    const intents = entries.filter(({ type }) => type === 'publish.intent').length
    s.stopping.abort(new Error('stop'))
    expect(outcome).toBe('failed')
    expect(intents).toBeLessThanOrEqual(3)
  })

  it('of a stale holder marks nothing on the issue that another one holds', async () => {
    const a = await agent('a')
    const b = await agent('b')
    const github = fakeGitHub()
    const { context, entries, place } = contextOf(a, github, { run: () => changed(a) })
    const mine = await win(a)
    // A is cut off (or suspended) between the end of the work and the recheck; B takes over meanwhile.
    const issue = github.issue
    github.issue = async (r, n) => {
      await win(b, mine.oid, 2, 1)
      await github.assign(r, n, 'b')
      await github.unassign(r, n, 'a')
      github.issue = issue
      return issue(r, n)
    }
    const outcome = await hold(context, jobOf(place, ['a', 'b']), mine, asSignals(signals()))
    expect({
      outcome,
      labels: github.state.labels,
      comments: github.state.comments.length,
      last: entries.at(-1)?.type,
    }).toEqual({
      outcome: 'lost',
      labels: ['bzzz'],
      comments: 0,
      last: 'claim.lost',
    })
  })

  it('of a stale holder with the same login does not take the assignment of the new one away', async () => {
    const a = await agent('a')
    const b = await agent('b')
    const github = fakeGitHub()
    const failedWork = {
      outcome: 'failed',
      code: 'NO_CHANGES',
      reason: 'r',
      tried: [],
      checks: [],
      durationMs: 1,
      dispose: async () => undefined,
    }
    const mine = await win(a)
    // A suspended laptop: its monotonic clock stood still, so A believes in its lease.
    const { context, place } = contextOf(a, github, {
      run: async () => {
        await win(b, mine.oid, 2, 1)
        return failedWork
      },
    })
    const outcome = await hold(context, jobOf(place, ['a']), mine, asSignals(signals()))
    expect({ outcome, assignees: github.state.assignees, labels: github.state.labels }).toEqual({
      outcome: 'lost',
      assignees: ['a'],
      labels: ['bzzz'],
    })
  })

  it('writes one comment though answers are lost', async () => {
    const me = await agent('a')
    const github = fakeGitHub()
    let lost = 0
    const comment = github.comment
    github.comment = async (r, n, body) => {
      const url = await comment(r, n, body)
      if ((lost += 1) <= 4) throw new TasksError('GITHUB_UNREACHABLE', '504')
      return url
    }
    const failedWork = {
      outcome: 'failed',
      code: 'NO_CHANGES',
      reason: 'r',
      tried: [],
      checks: [],
      durationMs: 1,
      dispose: async () => undefined,
    }
    const { context, place } = contextOf(me, github, { run: async () => failedWork })
    await hold(context, jobOf(place, ['a']), await win(me), asSignals(signals()))
    expect(github.state.comments).toHaveLength(1)
  })

  it('the journal says released only when the ref is', async () => {
    let down = false
    const me = await agent('a', (args) =>
      down && (args[0] === 'push' || args[0] === 'ls-remote') ? 'before' : undefined,
    )
    const github = fakeGitHub()
    const { context, entries, place } = contextOf(me, github, {
      run: async () => {
        down = true
        throw new Error('workspace broke')
      },
    })
    const outcome = await hold(context, jobOf(place, ['a']), await win(me), asSignals(signals()))
    down = false
    const tip = await me.claims.decode(repo, 7, (await me.refs.snapshot(signal)).get('7'))
    expect(tip).toMatchObject({ record: { state: 'held' } })
    expect({ outcome, released: entries.some(({ type }) => type === 'claim.released') }).toEqual({
      outcome: 'unknown',
      released: false,
    })
  })
})
