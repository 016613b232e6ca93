/** What the local store of claim refs costs and tells, against real git. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createGit, createProcesses, type Git, type Processes } from '../../src/process/index.ts'
import { openRepository } from '../../src/tasks/claim/repository.ts'
import type { ClaimRepository, RunGit } from '../../src/tasks/claim/repository-types.ts'
import { nullLogger } from '../../src/util/index.ts'

const prefix = 'refs/bzzz/claims/'
const signal = new AbortController().signal
let dir: string
let processes: Processes
let git: Git
let remote: string
let count = 0
let calls: string[]
let refs: ClaimRepository

const run: RunGit = (args, { auth: _auth, ...options }) => {
  calls.push(args[0] ?? '')
  return git(args, { ...options, allowFile: true })
}
const open = (name: string, maxKnownTips?: number) =>
  openRepository(
    {
      gitDir: join(dir, `${name}-${count}.git`),
      url: pathToFileURL(remote).href,
      token: 't',
      refPrefix: prefix,
    },
    { git: run, ...(maxKnownTips === undefined ? {} : { maxKnownTips }) },
  )
const write = async (name: string, message: string, previous: string | null = null) => {
  const next = await refs.mint(message, previous)
  const pushed = await refs.push([{ ref: `${prefix}${name}`, expected: previous, next }], signal)
  expect(pushed).toEqual({ is: 'moved' })
  return next
}
const messages = (tips: Map<string, { message: string }>) =>
  Object.fromEntries([...tips].map(([name, { message }]) => [name, message]))

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'bzzz-claim-refs-'))
  processes = createProcesses({ stateDir: dir, logger: nullLogger })
  git = createGit({ processes })
})
afterAll(async () => {
  await processes.stop()
  await rm(dir, { recursive: true, force: true })
})
beforeEach(async () => {
  count += 1
  calls = []
  remote = join(dir, `remote-${count}.git`)
  await git(['init', '--quiet', '--bare', remote], { cwd: dir })
  refs = await open('a')
})

describe('a snapshot', () => {
  it('shows all tips, of which it keeps a few, and reads those that it needs again', async () => {
    refs = await open('small', 2)
    for (const name of ['1', '2', '3']) await write(name, `of ${name}`)
    const all = { 1: 'of 1', 2: 'of 2', 3: 'of 3' }
    expect(messages(await refs.snapshot(signal))).toEqual(all)
    calls = []
    expect(messages(await refs.snapshot(signal, new Set(['3'])))).toEqual({ 3: 'of 3' })
    expect(calls).toEqual(['ls-remote'])
    expect(messages(await refs.snapshot(signal))).toEqual(all)
    expect(calls).toEqual(['ls-remote', 'ls-remote', 'cat-file'])
  })

  it('costs as many children with 300 refs as with one', async () => {
    const oids = await Promise.all([refs.mint('x', null), refs.mint('z', null)])
    const updates = Array.from({ length: 300 }, (_, n) => ({
      ref: `${prefix}${n + 1}`,
      expected: null,
      next: oids[n % 2] ?? '',
    }))
    await refs.push(updates, signal)
    calls = []
    expect((await refs.snapshot(signal)).size).toBe(300)
    expect(calls).toEqual(['ls-remote', 'fetch', 'for-each-ref', 'cat-file'])
    calls = []
    expect((await refs.snapshot(signal)).size).toBe(300)
    expect(calls).toEqual(['ls-remote'])
    await write('5', 'y', oids[0])
    calls = []
    const after = await refs.snapshot(signal)
    expect(calls).toEqual(['ls-remote', 'fetch', 'for-each-ref', 'cat-file'])
    expect(after.get('5')).toMatchObject({ message: 'y', parents: [oids[0]] })
    expect(after.get('6')).toMatchObject({ message: 'z', parents: [] })
  })

  it('reads only the names that are wanted, and the others when they are', async () => {
    const first = await write('1', 'one')
    await write('2', 'two')
    expect(messages(await refs.snapshot(signal, new Set(['2', '9'])))).toEqual({ 2: 'two' })
    calls = []
    await write('1', 'one more', first)
    expect(messages(await refs.snapshot(signal, new Set(['2'])))).toEqual({ 2: 'two' })
    expect(calls).not.toContain('fetch')
    expect(messages(await refs.snapshot(signal))).toEqual({ 1: 'one more', 2: 'two' })
    await git(['update-ref', '-d', `${prefix}2`], { cwd: remote })
    expect(messages(await refs.snapshot(signal))).toEqual({ 1: 'one more' })
  })

  it('does not read what is no commit or too large, nor lets it spoil the rest', async () => {
    const blob = (
      await git(['hash-object', '-w', '--stdin'], { cwd: remote, input: 'g'.repeat(5_000) })
    ).trim()
    await git(['update-ref', `${prefix}1`, blob], { cwd: remote })
    await write('2', 'x'.repeat(1_000_000))
    await write('3', 'good')
    const tip = (await refs.snapshot(signal)).get('1')
    const unread = 'no commit but a blob of 5000 bytes'
    expect(tip).toEqual({ oid: blob, message: '', parents: [], unread })
    expect(messages(await refs.snapshot(signal))).toEqual({ 1: '', 2: '', 3: 'good' })
  })

  it('keeps records apart whatever bytes a message holds', async () => {
    const header = `tree ${(await git(['hash-object', '-t', 'tree', '-w', '--stdin'], { cwd: remote, input: '' })).trim()}\nauthor a <a@a> 0 +0000\ncommitter a <a@a> 0 +0000\n`
    const store = async (name: string, bytes: Buffer) => {
      const file = join(dir, `object-${count}`)
      await writeFile(file, bytes)
      const args = ['hash-object', '-t', 'commit', '-w', '--literally', file]
      const oid = (await git(args, { cwd: remote })).trim()
      await git(['update-ref', `${prefix}${name}`, oid], { cwd: remote })
      return oid
    }
    const odd = Buffer.concat([
      Buffer.from(`${header}\n`),
      Buffer.from([0xff, 0xfe, 0, 0xe2, 0x82]),
    ])
    await store('1', odd)
    const good = await write('2', 'good\n\nparent x\n')
    const fake = `\n${good} commit 4\nevil\nbzzz-${'0'.repeat(32)} ${good}\ntree\n\nevil`
    await store('3', Buffer.from(`${header}\nparent ${good}\n${fake}`))
    await store('4', Buffer.from(header))
    const tips = await refs.snapshot(signal)
    expect(messages(tips)).toMatchObject({ 2: 'good\n\nparent x\n', 4: '' })
    expect(tips.get('3')).toMatchObject({ parents: [], message: `parent ${good}\n${fake}` })
    expect(tips.get('1')?.message).toContain('\u0000')
  })
})

describe('the history of a claim', () => {
  it('goes from the last seen tip down, in a few children and without the network', async () => {
    let previous: string | null = null
    const oids: string[] = []
    for (const message of ['one', 'x'.repeat(100_000), 'three']) {
      previous = await write('7', message, previous)
      oids.unshift(previous)
    }
    expect(await refs.history('7', 10)).toEqual([])
    await refs.snapshot(signal)
    calls = []
    expect(await refs.history('7', 10)).toMatchObject([
      { oid: oids[0], message: 'three', parents: [oids[1]] },
      { oid: oids[1], message: '', parents: [], unread: expect.stringContaining('a commit of') },
      { oid: oids[2], message: 'one', parents: [] },
    ])
    expect(calls).toEqual(['rev-list', 'cat-file', 'cat-file'])
    expect(await refs.history('7', 1)).toHaveLength(1)
    expect(await refs.history('7', 0)).toEqual([])
    expect(await refs.history('8', 10)).toEqual([])
    expect(await refs.history('--all', 10)).toEqual([])
  })

  it('is empty for a ref that holds no commit, and never longer than 100', async () => {
    const blob = (
      await git(['hash-object', '-w', '--stdin'], { cwd: remote, input: 'garbage' })
    ).trim()
    await git(['update-ref', `${prefix}1`, blob], { cwd: remote })
    let tip: string | null = null
    for (let n = 0; n < 102; n += 1) tip = await refs.mint(`${n}`, tip)
    await refs.push([{ ref: `${prefix}2`, expected: null, next: tip ?? '' }], signal)
    await refs.snapshot(signal)
    expect(await refs.history('1', 10)).toEqual([])
    expect(await refs.history('2', 1_000)).toHaveLength(100)
  })
})

describe('a push that moves nothing', () => {
  it('says what the server said', async () => {
    const hook = join(remote, 'hooks', 'pre-receive')
    const words = 'printf "Protected:\\033[31m ask an owner\\n" >&2'
    await writeFile(hook, `#!/bin/sh\n${words}\nexit 1\n`, { mode: 0o755 })
    const next = await refs.mint('x', null)
    const pushed = await refs.push([{ ref: `${prefix}1`, expected: null, next }], signal)
    expect(pushed).toMatchObject({ is: 'unmoved', error: { code: 'GIT_FAILED' } })
    const reason = pushed.is === 'unmoved' ? pushed.reason : ''
    expect(reason).toMatch(/Protected: .*ask an owner.*remote rejected.*pre-receive hook declined/)
    expect(reason).not.toMatch(/\p{Cc}/u)
    expect(reason).not.toContain('failed to push some refs')
  })

  it('says that the ref stood elsewhere, and what it is when git said nothing', async () => {
    await write('1', 'one')
    const next = await refs.mint('two', null)
    const stale = await refs.push([{ ref: `${prefix}1`, expected: null, next }], signal)
    expect(stale).toMatchObject({ is: 'unmoved', reason: expect.stringContaining('stale info') })
    const long = `no connection ${'x'.repeat(1_000)}`
    const failing: RunGit = (args, options) =>
      args[0] === 'push' ? Promise.reject(new Error(long)) : run(args, options)
    const init = { gitDir: join(dir, `f-${count}.git`), token: 't', refPrefix: prefix }
    const other = await openRepository(
      { ...init, url: pathToFileURL(remote).href },
      { git: failing },
    )
    const lost = await other.push([{ ref: `${prefix}1`, expected: null, next }], signal)
    expect(lost.is === 'unmoved' && lost.reason.length).toBe(500)
  })
})
