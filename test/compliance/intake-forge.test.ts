/** Intake against the real forge: the agents' own service, claims by real git; only mesh, journal and executor are faked. */
import { mkdtemp, rm, writeFile, mkdir } from 'node:fs/promises'
import { generateKeyPairSync, sign as edSign, verify as edVerify } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Octokit } from 'octokit'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { forge, type Forge } from '../../src/forge/index.ts'
import { entryInputSchema, type EntryInput } from '../../src/journal/entries.ts'
import type { LoggedEntry } from '../../src/journal/index.ts'
import { createGit, createProcesses, type Git, type Processes } from '../../src/process/index.ts'
import { createTasks, type Candidate, type Tasks } from '../../src/tasks/index.ts'
import { createTable } from '../../src/tasks/table.ts'
import { nullLogger, until } from '../../src/util/index.ts'
import { readPolicy } from '../../src/work/read-policy.ts'
import { onResponse } from './observer.ts'

const at = { owner: 'octo', repo: 'lib' }
const repo = 'octo/lib'
const keys = generateKeyPairSync('ed25519')
const waitMs = 30_000
const users = ['root', 'ada', 'bob'].map((login) => ({
  login,
  token: `token-${login}`,
  role: login === 'root' ? ('admin' as const) : ('push' as const),
}))

let dir: string
let processes: Processes
let git: Git
let server: Forge
let rest: Octokit['rest']
let count = 0
let running: Tasks[] = []
let table = createTable(() => Date.now())

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'bzzz-intake-'))
  processes = createProcesses({ stateDir: dir, logger: nullLogger })
  git = createGit({ processes })
})
afterAll(async () => {
  await processes.stop()
  await rm(dir, { recursive: true, force: true })
})
beforeEach(async () => {
  count += 1
  table = createTable(() => Date.now())
  const from = join(dir, `from-${count}`)
  await mkdir(from)
  await writeFile(join(from, 'README.md'), '# lib\n')
  server = forge({ dir: join(dir, `forge-${count}`), users }, { processes, onResponse })
  await server.start()
  await server.createRepository({ owner: at.owner, name: at.repo, from })
  rest = clientOf('root')
})
afterEach(async () => {
  await Promise.all(running.splice(0).map((one) => one.stop()))
  await server.stop()
})

const clientOf = (login: string) =>
  new Octokit({ baseUrl: server.apiUrl, auth: `token-${login}`, throttle: { enabled: false } }).rest
const open = async (title: string, labels = ['bzzz'], body = '') =>
  (await rest.issues.create({ ...at, title, labels, body })).data
const show = (issue: number) => table.detail({ repo, issue })
const state = (issue: number, wanted: string) =>
  until(`#${issue} is ${wanted}`, waitMs, () => show(issue)?.state === wanted)
const merge = async (issue: number) => {
  const pull = show(issue)?.pullRequest?.number ?? 0
  await rest.pulls.merge({ ...at, pull_number: pull })
}

/** An agent's service with its own home; its journal goes into the one table. */
async function agent(name: string, change: Partial<Candidate> = {}, paused: string[] = []) {
  let seq = 0
  const add = (entry: EntryInput) => {
    const stamp = { v: 1, epoch: 0, seq: (seq += 1), time: Date.now(), agent: name, peerId: name }
    const logged = { ...entryInputSchema.parse(entry), ...stamp, key: name }
    table.add(logged as unknown as LoggedEntry)
    return logged as never
  }
  const identity = {
    peerId: name,
    name,
    repositories: [repo],
    offers: new Set<string>(),
    ...change,
  }
  const home = join(dir, `${name}-${count}`)
  const tasks = createTasks(
    {
      dir: home,
      name,
      apiUrl: server.apiUrl,
      token: `token-${name}`,
      userAgent: 'test',
      repos: [repo],
      paused,
      trust: 'label',
      trigger: 'bzzz',
      failed: 'bzzz:failed',
      priority: ['P0', 'P1'],
      branchPrefix: 'bzzz/issue-',
      refPrefix: 'refs/bzzz/claims/',
      leaseMs: 60_000,
      staggerMs: 100,
      pollMs: 200,
      maxAttempts: 3,
      slots: 1,
    },
    {
      journal: {
        head: () => ({ key: name, epoch: 0, length: seq }),
        append: async (entry) => add(entry),
        async *read() {
          yield* []
        },
        async *tail() {
          yield* []
        },
      },
      mesh: {
        peerId: name,
        incarnation: '0'.repeat(32),
        sign: async (data) => edSign(null, data, keys.privateKey),
        candidates: () => [],
        tell: async () => undefined,
        heard: () => () => undefined,
      },
      work: {
        readPolicy: (gitDir, base) => readPolicy(git, gitDir, base),
        choose: () => ({ executor: 'x' }),
        async run({ issue, source }) {
          const cwd = source.gitDir
          const env = Object.fromEntries(
            ['AUTHOR', 'COMMITTER'].flatMap((who) => [
              [`GIT_${who}_NAME`, name],
              [`GIT_${who}_EMAIL`, 'x@localhost'],
            ]),
          )
          const blob = await git(['hash-object', '-w', '--stdin'], { cwd, input: issue.title })
          const old = await git(['ls-tree', source.base], { cwd })
          const input = `${old}100644 blob ${blob.trim()}\tissue-${issue.number}.txt\n`
          const tree = (await git(['mktree'], { cwd, input })).trim()
          const head = (
            await git(['commit-tree', tree, '-p', source.base, '-m', issue.title], { cwd, env })
          ).trim()
          await git(['update-ref', `refs/heads/made-${issue.number}`, head], { cwd })
          const nothing = { files: [], checks: [], summary: '', executor: 'x', durationMs: 1 }
          return {
            outcome: 'changed',
            gitDir: cwd,
            head,
            ...nothing,
            dispose: async () => undefined,
          }
        },
      },
      git,
      verify: async (_, data, signature) => edVerify(null, data, keys.publicKey, signature),
      logger: nullLogger,
      self: () => identity,
      onChange: () => undefined,
    },
  )
  running.push(tasks)
  await tasks.start()
  return tasks
}

it('waits for a blocker, and goes on when its pull request is merged', async () => {
  const [last, first] = [await open('second'), await open('first')]
  await rest.issues.addBlockedByDependency({ ...at, issue_number: last.number, issue_id: first.id })
  await agent('ada')
  await state(last.number, 'waiting')
  expect(show(last.number)?.reason).toBe(`blocked by #${first.number}`)
  await state(first.number, 'done')
  expect(show(last.number)?.state).toBe('waiting')
  await merge(first.number)
  await state(last.number, 'done')
})

it('waits for sub-issues, then does the whole', async () => {
  const [whole, part] = [await open('whole'), await open('part')]
  await rest.issues.addSubIssue({ ...at, issue_number: whole.number, sub_issue_id: part.id })
  await agent('ada')
  await state(whole.number, 'waiting')
  expect(show(whole.number)?.reason).toBe(`has open sub-issues #${part.number}`)
  await state(part.number, 'done')
  await merge(part.number)
  await state(whole.number, 'done')
})

it('takes what a stranger’s form labelled only when a member labels it', async () => {
  await server.addUser({ login: 'stranger', token: 'token-stranger', role: 'read' })
  const { data } = await clientOf('stranger').issues.create({ ...at, title: 'please' })
  await agent('ada')
  await rest.issues.addLabels({ ...at, issue_number: data.number, labels: ['bzzz'] })
  await state(data.number, 'done')
})

it('waits for a peer that has what is needed, and that one takes it at once', async () => {
  const { number } = await open('train', ['bzzz', 'needs:gpu'])
  await agent('ada')
  await state(number, 'waiting')
  expect(show(number)?.reason).toBe('no connected agent offers gpu')
  await agent('bob', { offers: new Set(['gpu']) })
  await state(number, 'done')
  expect(show(number)?.agent).toBe('bob')
})

it('takes nothing new while WORKFLOW.md pauses the repository, and says so', async () => {
  const path = 'WORKFLOW.md'
  const put = async (text: string, sha?: string) => {
    const content = Buffer.from(text).toString('base64')
    const body = { ...at, path, message: text, content, ...(sha === undefined ? {} : { sha }) }
    return (await rest.repos.createOrUpdateFileContents(body)).data.content?.sha
  }
  const sha = await put('---\npaused: release week\n---\n')
  const { number } = await open('later')
  const ada = await agent('ada')
  await state(number, 'waiting')
  expect(show(number)?.reason).toBe('paused by WORKFLOW.md: release week')
  await until('status says so', waitMs, () => ada.status().repos[0]?.paused)
  await put('---\npaused: false\n---\n', sha)
  await state(number, 'done')
  await until('status says so', waitMs, () => ada.status().repos[0]?.paused === null)
})

it('leaves a repository alone that its own configuration pauses, while others work it', async () => {
  const { number } = await open('one')
  const ada = await agent('ada', {}, ['Octo/Lib'])
  await until('ada says so', waitMs, () => (show(number)?.skipped.length ?? 0) > 0)
  expect(show(number)?.skipped).toEqual([
    { agent: 'ada', reason: 'paused by github.paused of this agent' },
  ])
  expect(ada.status().repos[0]?.paused).toContain('github.paused')
  await agent('bob')
  await state(number, 'done')
  expect(show(number)?.agent).toBe('bob')
})

it('shows every candidate with its place and the parts of its fitness', async () => {
  const { number } = await open('one', ['bzzz', 'needs:gpu'])
  const ada = await agent('ada')
  const seen = () => ada.look({ repo, issue: number }).candidates.length > 0
  await until('seen', waitMs, seen)
  const [self] = ada.look({ repo: 'OCTO/LIB', issue: number }).candidates
  expect(self).toMatchObject({ agent: 'ada', place: null, reason: 'lacks gpu' })
  expect(ada.look({ repo, issue: 999 })).toEqual({ candidates: [], moreCandidates: 0 })
})
