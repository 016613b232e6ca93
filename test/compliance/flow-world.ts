/** What the flow tests share: real git repositories, a fake GitHub, and a context whose journal checks each entry. */
import { generateKeyPairSync, sign as edSign, verify as edVerify } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, beforeEach } from 'vitest'
import { createGit, createProcesses, type Git, type Processes } from '../../src/process/index.ts'
import { createClaims, type Claims } from '../../src/tasks/claim/claims.ts'
import { openRepository } from '../../src/tasks/claim/repository.ts'
import type { ClaimRepository, RunGit } from '../../src/tasks/claim/repository-types.ts'
import { entryInputSchema } from '../../src/journal/entries.ts'
import { nullLogger, systemClock } from '../../src/util/index.ts'

export const prefix = 'refs/bzzz/claims/'
export const repo = 'octo/lib'
const keys = generateKeyPairSync('ed25519')
const verify = async (_: string, data: Uint8Array, signature: Uint8Array) =>
  edVerify(null, data, keys.publicKey, signature)
export const signal = new AbortController().signal
/** Pauses between tries (3, 5 and 15 s) are shortened; leases are not. */
const clock = {
  ...systemClock,
  after: (ms: number, run: () => void) =>
    systemClock.after([3_000, 5_000, 15_000].includes(ms) ? 10 : ms, run),
}
let dir: string
let processes: Processes
export let git: Git
let remote: string
let count = 0
export let base: string
/** The bare repository of this test. */
export const remoteDir = () => remote

/** Registers the hooks that make a fresh remote for each test. */
export function useFlow(): void {
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'bzzz-flow-'))
    processes = createProcesses({ stateDir: dir, logger: nullLogger })
    git = createGit({ processes })
  })
  afterAll(async () => {
    await processes.stop()
    await rm(dir, { recursive: true, force: true })
  })
  beforeEach(async () => {
    count += 1
    remote = join(dir, `remote-${count}.git`)
    await git(['init', '--quiet', '--bare', remote], { cwd: dir })
    const tree = (
      await git(['hash-object', '-t', 'tree', '-w', '--stdin'], { cwd: remote, input: '' })
    ).trim()
    const env = {
      GIT_AUTHOR_NAME: 'x',
      GIT_AUTHOR_EMAIL: 'x@x',
      GIT_COMMITTER_NAME: 'x',
      GIT_COMMITTER_EMAIL: 'x@x',
    }
    base = (await git(['commit-tree', tree, '-m', 'base'], { cwd: remote, env })).trim()
    await git(['update-ref', 'refs/heads/main', base], { cwd: remote })
  })
}

type Fault = (args: readonly string[]) => 'before' | 'after' | undefined
const localGit =
  (fault: Fault = () => undefined): RunGit =>
  async (args, { auth: _a, ...options }) => {
    const when = fault(args)
    if (when === 'before') throw new Error('no connection')
    const answer = await git(args, { ...options, allowFile: true })
    if (when === 'after') throw new Error('the answer was lost')
    return answer
  }

export async function agent(name: string, fault?: Fault, leaseMs = 60_000) {
  const init = {
    gitDir: join(dir, `${name}-${count}.git`),
    url: pathToFileURL(remote).href,
    token: 't',
    refPrefix: prefix,
  }
  const refs = await openRepository(init, { git: localGit(fault) })
  const identity = { name, login: name, incarnation: '0'.repeat(32), leaseMs }
  const signer = {
    peerId: name,
    sign: async (data: Uint8Array) => edSign(null, data, keys.privateKey),
  }
  return {
    name,
    refs,
    claims: createClaims(refs, prefix, identity, { signer, verify, retryMs: 5 }),
    leaseMs,
  }
}
export type Agent = { name: string; refs: ClaimRepository; claims: Claims; leaseMs: number }

export function fakeGitHub(
  start: { labels?: string[]; assignees?: string[]; open?: boolean } = {},
) {
  const state = {
    labels: ['bzzz'],
    assignees: [] as string[],
    open: true,
    comments: [] as string[],
    pulls: [] as string[],
    unassigned: [] as string[],
    ...start,
  }
  const issue = (number = 7) => ({
    number,
    title: 'T',
    body: '',
    open: state.open,
    labels: [...state.labels],
    assignees: [...state.assignees],
    author: 'u',
    createdAt: '',
    updatedAt: '',
    url: 'http://x',
    isPull: false,
  })
  return {
    state,
    viewer: async () => 'a',
    repository: async () => ({
      fullName: repo,
      cloneUrl: '',
      defaultBranch: 'main',
      canPush: true,
    }),
    openIssues: async () => [issue()],
    issue: async (_r: string, n: number) => issue(n),
    assign: async (_r: string, n: number, login: string) => {
      if (!state.assignees.includes(login)) state.assignees.push(login)
      return issue(n)
    },
    unassign: async (_r: string, _n: number, login: string) => {
      state.unassigned.push(login)
      state.assignees = state.assignees.filter((one) => one !== login)
    },
    addLabel: async (_r: string, _n: number, label: string) => void state.labels.push(label),
    comment: async (_r: string, _n: number, body: string) => (
      state.comments.push(body),
      'http://x'
    ),
    openPull: async (_r: string, pull: { head: string }) => (
      state.pulls.push(pull.head),
      { number: 1, url: 'http://x', open: true, headOid: '' }
    ),
    comments: async () => state.comments.map((body) => ({ body })),
    findPull: async () => undefined,
    rateLimit: () => null,
  }
}

export function contextOf(me: Agent, github: ReturnType<typeof fakeGitHub>, work: object = {}) {
  const entries: { type: string; [key: string]: unknown }[] = []
  const context = {
    settings: {
      trigger: 'bzzz',
      failed: 'bzzz:failed',
      priority: ['P0', 'P1', 'P2', 'P3'],
      branchPrefix: 'bzzz/issue-',
      refPrefix: prefix,
      leaseMs: me.leaseMs,
      staggerMs: 0,
      pollMs: 100,
      maxAttempts: 3,
      slots: 1,
    },
    name: me.name,
    login: me.name,
    github,
    journal: {
      head: () => ({ key: 'k', epoch: 0, length: entries.length }),
      append: async (entry: never) => {
        entryInputSchema.parse(entry)
        entries.push(entry)
        return { ...(entry as object), seq: entries.length - 1 }
      },
      read: async function* () {
        yield* []
      },
    },
    mesh: {
      peerId: me.name,
      incarnation: '0'.repeat(32),
      candidates: () => [],
      tell: async () => undefined,
      heard: () => () => undefined,
    },
    work: {
      readPolicy: async () => ({ requiredLabels: [] }),
      choose: () => ({ executor: 'x' }),
      ...work,
    },
    logger: nullLogger,
    clock,
  }
  const place = {
    repo,
    info: { fullName: repo, cloneUrl: '', defaultBranch: 'main', canPush: true },
    refs: me.refs,
    claims: me.claims,
  }
  return { context: context as never, entries, place: place as never }
}

export const jobOf = (place: never, logins: string[], more: object = {}) =>
  ({
    place,
    issue: {
      number: 7,
      title: 'T',
      body: '',
      open: true,
      labels: ['bzzz'],
      assignees: [],
      author: 'u',
      createdAt: '',
      updatedAt: '',
      url: '',
      isPull: false,
    },
    instructions: {},
    rules: {
      trigger: 'bzzz',
      failed: 'bzzz:failed',
      requiredLabels: [],
      meshLogins: new Set(logins),
    },
    policy: { requiredLabels: [] },
    base,
    attempt: 1,
    strikes: 0,
    previous: null,
    takeover: false,
    ...more,
  }) as never

export async function win(me: Agent, previous: string | null = null, attempt = 1, strikes = 0) {
  if (previous !== null) await me.refs.snapshot(signal)
  const prepared = await me.claims.prepare({
    repo,
    issue: 7,
    attempt,
    strikes,
    previous,
    state: 'held',
  })
  const moved = await me.claims.move(prepared, [], signal)
  if (moved.is !== 'won') throw new Error('not won')
  return moved.claim
}
export const signals = () => ({ stopping: new AbortController(), cancelled: new AbortController() })
export const asSignals = (s: ReturnType<typeof signals>) => ({
  stopping: s.stopping.signal,
  cancelled: s.cancelled.signal,
})
export const changed = async (me: Agent) => {
  const head = await me.refs.mint(`work ${Math.random()}`, null)
  await git(['update-ref', `refs/heads/made`, head], { cwd: me.refs.gitDir })
  return {
    outcome: 'changed',
    gitDir: me.refs.gitDir,
    head,
    files: [],
    summary: '',
    checks: [],
    executor: 'x',
    durationMs: 1,
    dispose: async () => undefined,
  }
}
