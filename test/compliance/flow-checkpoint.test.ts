/**
 * Unfinished work on a real git remote: kept under the claim or not at all, gone on with by whoever
 * comes next, and replaced by finished work. With the rows of `recover.ts` that speak of checkpoints.
 */
import { describe, expect, it } from 'vitest'
import { hold } from '../../src/tasks/attempt/attempt.ts'
import { decodeMessage } from '../../src/tasks/checkpoints/message.ts'
import type { Kept, TasksWork, WorkCheckpoint } from '../../src/tasks/needs.ts'
import { resumeRepository } from '../../src/tasks/recover/resume.ts'
import { findUnfinished } from '../../src/tasks/recover/recover.ts'
import {
  agent,
  asSignals,
  base,
  contextOf,
  fakeGitHub,
  git,
  jobOf,
  prefix,
  remoteDir,
  signal,
  signals,
  useFlow,
  win,
  type Agent,
} from './flow-world.ts'

useFlow()

const ref = `${prefix}7`
const branch = 'refs/heads/bzzz/issue-7'
const person = {
  GIT_AUTHOR_NAME: 'ada (bzzz)',
  GIT_AUTHOR_EMAIL: 'ada@x',
  GIT_COMMITTER_NAME: 'x',
  GIT_COMMITTER_EMAIL: 'x@x',
}

async function commit(me: Agent, text: string, parent: string): Promise<string> {
  const cwd = me.refs.gitDir
  if (!(await me.refs.has(parent))) await me.refs.fetchBranches(['main'], signal)
  const blob = (await git(['hash-object', '-w', '--stdin'], { cwd, input: text })).trim()
  const tree = (await git(['mktree'], { cwd, input: `100644 blob ${blob}\tnotes.txt\n` })).trim()
  const made = await git(['commit-tree', tree, '-p', parent, '-m', `work: ${text}`], {
    cwd,
    env: person,
  })
  return made.trim()
}

type Run = TasksWork['run']
type Order = Parameters<Run>[0]
type Options = Parameters<Run>[2]

/** Work that does what the test says: it offers checkpoints, and ends with a change or without. */
function workOf(
  me: Agent,
  script: (work: {
    order: Order
    offer: (text: string, why?: WorkCheckpoint['why']) => Promise<Kept | undefined>
    options: Options
  }) => Promise<string | undefined>,
) {
  const seen: { order?: Order } = {}
  const run = async (order: Order, _: object, options: Options) => {
    seen.order = order
    const start = order.source.resume ?? order.source.base
    const offer = async (text: string, why: WorkCheckpoint['why'] = 'timer') => {
      const head = await commit(me, text, start)
      await git(['update-ref', 'refs/heads/so-far', head], { cwd: me.refs.gitDir })
      const size = { files: 1, bytes: text.length, notes: [], digest: `It wrote ${text}.` }
      const used = { wallMs: 1_000, turns: 1 }
      const { gitDir } = me.refs
      return options.onCheckpoint?.({ gitDir, head, why, ...size, used }, signal)
    }
    const text = await script({ order, offer, options })
    const common = { checks: [], executor: 'x', durationMs: 1, dispose: async () => undefined }
    if (text === undefined)
      return { outcome: 'failed', code: 'ABORTED', reason: '', tried: [], ...common }
    const head = await commit(me, text, order.source.onto ?? start)
    await git(['update-ref', 'refs/heads/made', head], { cwd: me.refs.gitDir })
    const { gitDir } = me.refs
    return { outcome: 'changed', gitDir, head, files: [], summary: '', ...common }
  }
  return { run, seen }
}

const types = (entries: { type: string }[]) => entries.map(({ type }) => type)
const read = async (me: Agent, name: string) => me.refs.read(name, signal)
async function messageOf(me: Agent, oid: string) {
  await me.refs.fetchBranches(['bzzz/issue-7'], signal)
  return (await me.refs.describe(oid, 64 * 1024))!
}

async function attempt(
  me: Agent,
  script: Parameters<typeof workOf>[1],
  more: { job?: object; claim?: Awaited<ReturnType<typeof win>> } = {},
) {
  const github = fakeGitHub()
  const work = workOf(me, script)
  const { context, entries, place } = contextOf(me, github, { run: work.run, freezes: true })
  const claim = more.claim ?? (await win(me))
  await me.refs.fetchBranches(['main'], signal)
  const job = jobOf(place, ['a', 'b'], { attempt: claim.attempt, ...more.job })
  const outcome = await hold(context, job, claim, asSignals(signals()))
  return { outcome, entries, github, seen: work.seen, claim }
}

/** An agent that kept a checkpoint and is gone. */
async function goneAfterCheckpoint(me: Agent, text = 'half') {
  await attempt(me, async ({ offer }) => {
    expect(await offer(text)).toBe('kept')
    return undefined
  })
}

describe('a checkpoint', () => {
  it('renews the claim and moves the branch in one push, and gives way to the finished work', async () => {
    const pushes: string[][] = []
    const me = await agent('a', (args) => {
      if (args[0] === 'push') pushes.push([...args].filter((one) => /:refs\//.test(one)))
      return undefined
    })
    const { outcome, entries } = await attempt(me, async ({ offer }) => {
      const before = await read(me, ref)
      pushes.length = 0
      expect(await offer('half')).toBe('kept')
      expect(pushes.map((specs) => specs.filter((one) => !one.startsWith('--')).length)).toEqual([
        2,
      ])
      const record = await read(me, ref)
      expect(record).not.toBe(before)
      const tip = (await read(me, branch))!
      const { message, parents } = await messageOf(me, tip)
      expect(parents).toEqual([base])
      expect(decodeMessage(message)).toEqual({
        attempt: 1,
        digest: 'It wrote half.',
        used: { wallMs: 1_000, turns: 1 },
      })
      expect(await offer('more')).toBe('kept')
      expect((await messageOf(me, (await read(me, branch))!)).parents).toEqual([tip])
      return 'whole'
    })
    expect(outcome).toBe('done')
    const pair = ['checkpoint.intent', 'checkpoint.pushed']
    expect(types(entries).slice(0, 4)).toEqual([...pair, ...pair])
    expect(types(entries)).not.toContain('claim.renewed')
    const { message, parents } = await messageOf(me, (await read(me, branch))!)
    expect([message.trim(), parents]).toEqual(['work: whole', [base]])
  })

  it('opens no pull request and stays when its agent hands back', async () => {
    const me = await agent('a')
    const { outcome, entries, github } = await attempt(me, async ({ offer }) => {
      await offer('half', 'stop')
      return undefined
    })
    expect([outcome, github.state.pulls]).toEqual(['released', []])
    expect(types(entries).slice(0, 2)).toEqual(['checkpoint.intent', 'checkpoint.pushed'])
    expect(types(entries).at(-1)).toBe('claim.released')
    expect(await read(me, branch)).toBeDefined()
  })

  it.each([
    ['is lost', 1],
    ['is lost, and so is what is read after it', 4],
  ])('counts as kept when only the answer of its push %s', async (_what, faults) => {
    let left = 0
    const me = await agent('a', (args) => {
      if (left === 0 || !['push', 'ls-remote'].includes(args[0] ?? '')) return undefined
      left -= 1
      return 'after'
    })
    const { outcome, entries } = await attempt(me, async ({ offer }) => {
      left = faults
      expect(await offer('half')).toBe('kept')
      return 'whole'
    })
    expect(outcome).toBe('done')
    expect(types(entries).filter((one) => one.startsWith('checkpoint'))).toEqual([
      'checkpoint.intent',
      'checkpoint.pushed',
    ])
  })

  it('of who was overtaken moves nothing', async () => {
    const [a, b] = [await agent('a'), await agent('b')]
    const claim = await win(a)
    const { outcome } = await attempt(
      a,
      async ({ offer }) => {
        await win(b, claim.oid, 2, 1)
        expect(await offer('half')).toBe('never')
        return undefined
      },
      { claim },
    )
    expect(outcome).toBe('lost')
    expect(await read(a, branch)).toBeUndefined()
  })

  it('is not pushed while the work is frozen', async () => {
    let cut = false
    const network = ['push', 'ls-remote', 'fetch']
    const me = await agent(
      'a',
      (args) => (cut && network.includes(args[0] ?? '') ? 'before' : undefined),
      1_500,
    )
    const { outcome, entries } = await attempt(me, async ({ offer, options: { permit } }) => {
      cut = true
      await new Promise<void>((resolve) => {
        const unwatch = permit.watch(() => {
          if (!permit.frozen) return
          unwatch()
          resolve()
        })
      })
      expect(await offer('half')).toBe('later')
      expect(await offer('half', 'stop')).toBe('later')
      cut = false
      return 'whole'
    })
    expect(outcome).toBe('done')
    expect(types(entries)).not.toContain('checkpoint.intent')
  })

  it('that the remote refuses is said once, and the claim is renewed all the same', async () => {
    const me = await agent('a')
    // A branch "bzzz" makes "bzzz/issue-7" impossible, as a rule of the repository would.
    const other = await me.refs.mint('x', null)
    await me.refs.push([{ ref: 'refs/heads/bzzz', expected: null, next: other }], signal)
    const answers: unknown[] = []
    const { entries } = await attempt(me, async ({ offer }) => {
      for (let n = 0; n < 6; n += 1) answers.push(await offer(`part ${n}`))
      return undefined
    })
    expect(answers).toEqual(Array.from({ length: 6 }, () => 'later'))
    expect(types(entries).filter((one) => one === 'checkpoint.refused')).toHaveLength(1)
    // Three pushes and what comes after a pause, not one for each offer.
    expect(types(entries).filter((one) => one === 'checkpoint.intent').length).toBeLessThan(6)
    expect(types(entries)).toContain('claim.renewed')
    expect(types(entries).at(-1)).toBe('claim.released')
  })
})

describe('the work branch during the work', () => {
  it('is made anew when somebody deleted it', async () => {
    const me = await agent('a')
    const { outcome } = await attempt(me, async ({ offer }) => {
      await offer('half')
      await git(['update-ref', '-d', branch], { cwd: remoteDir() })
      expect([await offer('more'), await offer('more')]).toEqual(['later', 'kept'])
      await git(['update-ref', '-d', branch], { cwd: remoteDir() })
      return 'whole'
    })
    expect(outcome).toBe('done')
    expect((await messageOf(me, (await read(me, branch))!)).message.trim()).toBe('work: whole')
  })

  it('is left to a person who changed it', async () => {
    const me = await agent('a')
    let theirs = ''
    const { outcome, entries } = await attempt(me, async ({ offer }) => {
      await offer('half')
      theirs = await commit(me, 'by hand', (await read(me, branch))!)
      await me.refs.push(
        [{ ref: branch, expected: (await read(me, branch))!, next: theirs }],
        signal,
      )
      expect([await offer('more'), await offer('yet more')]).toEqual(['never', 'never'])
      return 'whole'
    })
    expect(outcome).toBe('failed')
    expect(await read(me, branch)).toBe(theirs)
    expect(entries.filter(({ type }) => type === 'checkpoint.refused')).toMatchObject([
      { reason: 'bzzz/issue-7 was changed by someone else' },
    ])
    expect(entries.at(-1)).toMatchObject({ type: 'task.failed', code: 'BRANCH_MOVED' })
  })

  it('keeps its checkpoints below the work where commits may not disappear', async () => {
    const me = await agent('a')
    await git(['config', 'receive.denyNonFastForwards', 'true'], { cwd: remoteDir() })
    let tip = ''
    const { outcome } = await attempt(me, async ({ offer }) => {
      await offer('half')
      tip = (await read(me, branch))!
      return 'whole'
    })
    expect(outcome).toBe('done')
    const { message, parents } = await messageOf(me, (await read(me, branch))!)
    expect([message.trim(), parents]).toEqual(['work: whole', [tip]])
  })
})

describe('who comes after', () => {
  it('goes on from the checkpoint of another agent, and is told what was tried', async () => {
    const [a, b] = [await agent('a'), await agent('b')]
    await goneAfterCheckpoint(a)
    const tip = (await read(b, branch))!
    const claim = await win(b, await read(b, ref), 2, 1)
    const { outcome, seen } = await attempt(b, async () => 'whole', { claim })
    expect(outcome).toBe('done')
    expect(seen.order).toMatchObject({
      source: { resume: tip, onto: base },
      quoted: { earlier: 'It wrote half.' },
      used: { wallMs: 1_000, turns: 1 },
    })
    expect((await messageOf(b, (await read(b, branch))!)).parents).toEqual([base])
  })

  it('goes on from it though the base has moved', async () => {
    const [a, b] = [await agent('a'), await agent('b')]
    await goneAfterCheckpoint(a)
    const moved = await commit(b, 'news', base)
    await b.refs.push([{ ref: 'refs/heads/main', expected: base, next: moved }], signal)
    const claim = await win(b, await read(b, ref), 2, 1)
    const more = { claim, job: { base: moved } }
    const { outcome, seen } = await attempt(b, async () => 'whole', more)
    expect([outcome, seen.order?.source.onto]).toEqual(['done', base])
  })

  it('begins a chore anew', async () => {
    const [a, b] = [await agent('a'), await agent('b')]
    await goneAfterCheckpoint(a)
    const claim = await win(b, await read(b, ref), 2, 1)
    const more = { claim, job: { instructions: { chore: 'x' } } }
    const { outcome, seen } = await attempt(b, async () => 'whole', more)
    expect(outcome).toBe('done')
    expect(seen.order?.source).not.toHaveProperty('resume')
    expect((await messageOf(b, (await read(b, branch))!)).parents).toEqual([base])
  })

  it('keeps the commits of a person below checkpoints', async () => {
    const [a, b] = [await agent('a'), await agent('b')]
    const theirs = await commit(a, 'by hand', base)
    await a.refs.push([{ ref: branch, expected: null, next: theirs }], signal)
    await goneAfterCheckpoint(a)
    const claim = await win(b, await read(b, ref), 2, 1)
    const { outcome, seen } = await attempt(b, async () => 'whole', { claim })
    expect([outcome, seen.order?.source.onto]).toEqual(['done', theirs])
    expect((await messageOf(b, (await read(b, branch))!)).parents).toEqual([theirs])
  })
})

describe('after a restart', () => {
  /** What the journal of an agent says that was killed between the intent and the next entry. */
  async function unfinishedOf(me: Agent, arrived: boolean) {
    const claim = await win(me)
    const about = { task: { repo: 'octo/lib', issue: 7 }, attempt: 1 }
    const init = { repo: 'octo/lib', issue: 7, attempt: 1, strikes: 0, previous: claim.oid }
    const prepared = await me.claims.prepare({ ...init, state: 'held' })
    const head = await commit(me, 'half', base)
    const also = [{ ref: branch, expected: null, next: head }]
    if (arrived) await me.claims.move(prepared, also, signal)
    const size = { branch: 'bzzz/issue-7', head, files: 1, bytes: 1, leftOut: 0 }
    const entries = [
      { type: 'claim.tried', ...about, oid: claim.oid, time: 0 },
      { type: 'claim.won', ...about, oid: claim.oid, title: 'T', leaseMs: 1 },
      { type: 'checkpoint.intent', ...about, record: prepared.oid, ...size },
    ]
    const journal = {
      async *read() {
        yield* entries
      },
    }
    const [task] = await findUnfinished(journal as never, 'a')
    return { task: task!, record: prepared.oid }
  }

  it.each([
    ['was not sent', false],
    ['arrived', true],
  ])('a checkpoint that %s leaves a claim that is ours to go on from', async (_what, arrived) => {
    const me = await agent('a')
    const { task, record } = await unfinishedOf(me, arrived)
    const github = fakeGitHub({ assignees: ['a'] })
    const { context, place } = contextOf(me, github)
    const { left, again } = await resumeRepository(context, place, [task], signal)
    expect([again, left.has((await read(me, ref))!), left.has(record)]).toEqual([true, true, true])
  })

  it('a claim that was taken over after the checkpoint is not touched', async () => {
    const [a, b] = [await agent('a'), await agent('b')]
    const { task, record } = await unfinishedOf(a, true)
    const theirs = await win(b, record, 2, 1)
    const tip = await read(a, branch)
    const { context, entries, place } = contextOf(a, fakeGitHub())
    const { left } = await resumeRepository(context, place, [task], signal)
    expect([left.size, types(entries)]).toEqual([0, ['claim.lost']])
    expect([await read(a, ref), await read(a, branch)]).toEqual([theirs.oid, tip])
  })
})
