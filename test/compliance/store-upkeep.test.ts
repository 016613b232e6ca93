/** The upkeep of a local git store, against real git: what goes, and that nothing else does. */
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createGit, createProcesses, type Processes } from '../../src/process/index.ts'
import { openRepository } from '../../src/tasks/claim/repository.ts'
import type { ClaimRepository, RunGit } from '../../src/tasks/claim/repository-types.ts'
import { MAX_UNTIDIED_MS } from '../../src/tasks/upkeep/judge.ts'
import { createUpkeep } from '../../src/tasks/upkeep/upkeep.ts'
import { nullLogger } from '../../src/util/index.ts'

const refPrefix = 'refs/bzzz/claims/'
const { signal } = new AbortController()
const due = { runningMs: MAX_UNTIDIED_MS, tidiedMs: undefined }
let dir: string
let processes: Processes
let run: RunGit
let remote: string
let init: Parameters<typeof openRepository>[0]
let refs: ClaimRepository

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'bzzz-upkeep-'))
  processes = createProcesses({ stateDir: dir, logger: nullLogger })
  const git = createGit({ processes })
  run = (args, { auth: _auth, ...options }) => git(args, { ...options, allowFile: true })
  remote = join(dir, 'remote.git')
  await git(['init', '--quiet', '--bare', remote], { cwd: dir })
  const url = pathToFileURL(remote).href
  init = { gitDir: join(dir, 'store.git'), url, token: 't', refPrefix }
  refs = await openRepository(init, { git: run })
})
afterAll(async () => {
  await processes.stop()
  await rm(dir, { recursive: true, force: true, maxRetries: 3 })
})

const push = async (ref: string, message: string) => {
  const next = await refs.mint(message, null)
  expect(await refs.push([{ ref, expected: null, next }], signal)).toEqual({ is: 'moved' })
  return next
}

it('packs objects and refs, forgets branches that are gone, and keeps what stands', async () => {
  const main = await push('refs/heads/main', 'main')
  const gone = await push('refs/heads/bzzz/issue-1', 'gone')
  const record = await push(`${refPrefix}1`, 'record')
  await refs.fetchBranches(['main', 'bzzz/issue-1'], signal)
  await refs.snapshot(signal)
  // Young, and nothing names it yet, as between two steps of a claim.
  const minted = await refs.mint('next', record)
  await run(['update-ref', '-d', 'refs/heads/bzzz/issue-1'], { cwd: remote })
  const upkeep = createUpkeep(init, run)
  expect(await upkeep.tidy({ runningMs: 0, tidiedMs: undefined }, signal)).toBeUndefined()

  expect(await upkeep.tidy(due, signal)).toBe('time')
  const left = await run(['for-each-ref', '--format=%(refname) %(objectname)'], {
    cwd: init.gitDir,
  })
  expect(left.trim().split('\n')).toEqual([
    `refs/seen/claims/1 ${record}`,
    `refs/seen/heads/main ${main}`,
  ])
  expect(await readdir(join(init.gitDir, 'refs/seen')).catch(() => [])).toEqual([])
  for (const oid of [main, gone, record, minted]) expect(await refs.has(oid)).toBe(true)

  const snapshot = await refs.snapshot(signal)
  expect(snapshot.get('1')?.message).toContain('record')
  expect(
    await refs.push([{ ref: `${refPrefix}1`, expected: record, next: minted }], signal),
  ).toEqual({ is: 'moved' })
  expect((await refs.snapshot(signal)).get('1')?.oid).toBe(minted)
  expect((await refs.fetchBranches(['main'], signal)).get('main')).toBe(main)
})

it('forgets nothing when the remote shows no branch at all', async () => {
  await run(['update-ref', '-d', 'refs/heads/main'], { cwd: remote })
  await createUpkeep(init, run).tidy(due, signal)
  const left = await run(['for-each-ref', '--format=%(refname)', 'refs/seen/heads/'], {
    cwd: init.gitDir,
  })
  expect(left.trim()).toBe('refs/seen/heads/main')
})
