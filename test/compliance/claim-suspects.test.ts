/** Claim refs that hold what they should not: refused, told once, never claimed over in silence. Real git. */
import { describe, expect, it } from 'vitest'
import { emptyMemory, type Floor, type Said } from '../../src/tasks/look/floor.ts'
import { createNews } from '../../src/tasks/news.ts'
import { turn } from '../../src/tasks/look/rounds.ts'
import { createTable } from '../../src/tasks/table.ts'
import { isForced, replicaMs } from '../../src/tasks/look/sight.ts'
import {
  agent,
  contextOf,
  fakeGitHub,
  git,
  prefix,
  repo,
  signal,
  useFlow,
  win,
} from './flow-world.ts'

useFlow()

/** One agent whose turns are run by hand, in a time that is set. */
async function watcher() {
  const me = await agent('watcher')
  const { context, place, entries } = contextOf(me, fakeGitHub())
  let now = 0
  const clock = { ...(context as { clock: object }).clock, monotonic: () => now, now: () => now }
  const begun: { attempt: number }[] = []
  const memory = emptyMemory()
  const journal = (context as { journal: { append: never } }).journal
  const news = createNews(journal, 100)
  const floor = {
    context: { ...(context as object), clock },
    self: () => ({
      peerId: 'watcher',
      name: 'watcher',
      offers: new Set(),
      repositories: [repo],
      freeSlots: 1,
    }),
    freeSlots: () => 1,
    isActive: () => false,
    activeIssues: () => [],
    cancel: () => undefined,
    begin: (job: { attempt: number }) => begun.push(job),
    heardClaimed: () => false,
    notBefore: () => -Infinity,
    abandoned: () => false,
    say: (fact: Said) => news(fact),
  } as unknown as Floor
  const look = async () => {
    begun.length = 0
    // A ref that nobody is expected to move is read again now and then only.
    now += 1_000
    await turn(floor, place, memory, signal)
    return begun.map(({ attempt }) => attempt)
  }
  const table = () => {
    const board = createTable(() => now)
    for (const [seq, entry] of entries.entries())
      board.add({
        ...entry,
        v: 1,
        epoch: 0,
        seq,
        time: seq,
        agent: 'watcher',
        peerId: 'watcher',
      } as never)
    return board.detail({ repo, issue: 7 })
  }
  const suspected = () =>
    entries.flatMap(({ type, kind }) => (type === 'claim.suspect' ? [String(kind)] : []))
  return { me, look, table, suspected, pass: (ms: number) => void (now += ms) }
}

const remoteOf = (me: { refs: { gitDir: string } }) =>
  me.refs.gitDir.replace(/[^/]+-(\d+)\.git$/, 'remote-$1.git')
const put = async (me: { refs: { gitDir: string } }, oid: string | null) => {
  const cwd = remoteOf(me)
  const args = oid === null ? ['-d', `${prefix}7`] : [`${prefix}7`, oid]
  await git(['update-ref', ...args], { cwd })
}
const env = {
  GIT_AUTHOR_NAME: 'x',
  GIT_AUTHOR_EMAIL: 'x@x',
  GIT_COMMITTER_NAME: 'x',
  GIT_COMMITTER_EMAIL: 'x@x',
}
const commit = async (me: { refs: { gitDir: string } }, message: string) => {
  const cwd = remoteOf(me)
  const tree = (
    await git(['hash-object', '-t', 'tree', '-w', '--stdin'], { cwd, input: '' })
  ).trim()
  return (await git(['commit-tree', tree], { cwd, input: message, env })).trim()
}
const blob = async (me: { refs: { gitDir: string } }, input: string) =>
  (await git(['hash-object', '-w', '--stdin'], { cwd: remoteOf(me), input })).trim()

describe('a claim ref that holds no record', () => {
  const garbage: [string, (me: { refs: { gitDir: string } }) => Promise<string>, RegExp][] = [
    ['garbage', (me) => commit(me, 'not a record'), /./],
    [
      'JSON of 5 MB',
      (me) => commit(me, JSON.stringify({ a: 'x'.repeat(5_000_000) })),
      /5000\d\d\d bytes/,
    ],
    ['a file', (me) => blob(me, 'not a commit'), /no commit but a blob/],
    ['an absurd lease', (me) => commit(me, JSON.stringify({ v: 1, leaseMs: 1e12 })), /./],
  ]
  it.each(garbage)('is named and left alone: %s', async (_, make, why) => {
    const { me, look, table, suspected } = await watcher()
    await put(me, await make(me))
    for (let turns = 0; turns < 3; turns += 1) expect(await look()).toEqual([])
    expect(suspected()).toEqual(['invalid'])
    const claimRef = table()?.claimRef
    expect(claimRef).toMatchObject({ kind: 'invalid', ref: `${prefix}7`, agent: 'watcher' })
    expect(claimRef?.reason).toMatch(why)
    expect(claimRef?.next).toContain(`git push origin :${prefix}7`)
    await put(me, null)
    expect(await look()).toEqual([1])
  })

  it('is named where a ref below its name is in its way', async () => {
    const { me, look, table, suspected } = await watcher()
    const cwd = remoteOf(me)
    await git(['update-ref', `${prefix}7/x`, await commit(me, 'in the way')], { cwd })
    for (let turns = 0; turns < 2; turns += 1) expect(await look()).toEqual([])
    expect(suspected()).toEqual(['invalid'])
    expect(table()?.claimRef?.next).toContain(`git push origin :${prefix}7/x`)
    await git(['update-ref', '-d', `${prefix}7/x`], { cwd })
    expect(await look()).toEqual([1])
  })

  it('is named when its attempt leaves no number for the next one', async () => {
    const { look, suspected, table } = await watcher()
    await win(await agent('a'), null, 1_000_000)
    expect(await look()).toEqual([])
    expect(suspected()).toEqual(['invalid'])
    expect(table()?.claimRef?.reason).toContain('1000000')
  })

  it('is the record of another issue, and is sound again when a record is back', async () => {
    const { me, look, table, suspected } = await watcher()
    const other = await agent('other')
    const prepared = await other.claims.prepare({
      repo,
      issue: 8,
      attempt: 1,
      strikes: 0,
      previous: null,
      state: 'held',
    })
    await other.claims.move(prepared, [], signal)
    await put(me, prepared.oid)
    expect(await look()).toEqual([])
    expect(table()?.claimRef?.reason).toContain('issue')
    await put(me, null)
    await win(other)
    expect(await look()).toEqual([])
    expect(suspected()).toEqual(['invalid', 'sound'])
    expect(table()?.claimRef).toBeNull()
  })
})

describe('a claim ref that was forced', () => {
  it('is told apart, left alone for the lease, and goes on above what was seen', async () => {
    const { me, look, table, suspected, pass } = await watcher()
    const [a, b] = [await agent('a'), await agent('b')]
    const first = await win(a)
    const taken = await win(b, first.oid, 2, 1)
    expect(await look()).toEqual([])
    expect(suspected()).toEqual([])
    await put(me, null)
    const forced = await a.claims.prepare({
      repo,
      issue: 7,
      attempt: 1,
      strikes: 0,
      previous: null,
      state: 'released',
    })
    await a.claims.move(forced, [], signal)
    expect(await look()).toEqual([])
    expect(suspected()).toEqual(['forced'])
    expect(table()?.claimRef?.reason).toContain(taken.oid.slice(0, 12))
    pass(60_000)
    expect(await look()).toEqual([])
    pass(5_000)
    expect(await look()).toEqual([3])
    expect(suspected()).toEqual(['forced'])
  })

  it('is not what a replica that lags shows, until it has stayed', async () => {
    const { me, look, suspected, pass } = await watcher()
    const [a, b] = [await agent('a'), await agent('b')]
    const first = await win(a)
    const second = await win(b, first.oid, 2, 1)
    await look()
    await put(me, first.oid)
    await look()
    await put(me, second.oid)
    await look()
    expect(suspected()).toEqual([])
    await put(me, first.oid)
    await look()
    pass(replicaMs)
    await look()
    expect(suspected()).toEqual(['forced'])
  })

  it('is decided by how the two stand to each other', () => {
    expect(isForced('apart', 0, 0)).toBe(true)
    expect(isForced('before', 0, replicaMs - 1)).toBe(false)
    expect(isForced('before', 0, replicaMs)).toBe(true)
    expect(isForced('onward', 0, 1e9)).toBe(false)
    expect(isForced('untold', 0, 1e9)).toBe(false)
  })
})

it('a deleted claim ref is told, and claimed anew after the lease', async () => {
  const { me, look, table, suspected, pass } = await watcher()
  await win(await agent('a'))
  await look()
  await put(me, null)
  expect(await look()).toEqual([])
  expect(suspected()).toEqual(['deleted'])
  expect(table()?.claimRef?.next).toContain('after the lease')
  pass(65_000)
  expect(await look()).toEqual([2])
})
