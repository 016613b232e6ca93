/** What one process sees of the server: the claim repository and GitHub, through the network. */
import { TasksError } from '../../../src/tasks/errors.ts'
import type { ClaimRepository, RawTip } from '../../../src/tasks/claim/repository-types.ts'
import type { GitHub, Issue, Pull } from '../../../src/tasks/github/github.ts'
import type { ReviewCalls } from '../../../src/tasks/github/review-calls.ts'
import type { Call } from './network.ts'
import { refPrefix, repo, type PullState, type Server } from './server.ts'

export type Transport = 'git' | 'rest'

export type Send = <T>(call: Omit<Call<T>, 'unreachable'>, unreachable: () => Error) => Promise<T>

const noGit = () => new Error('the remote does not answer')
const noGitHub = () => new TasksError('GITHUB_UNREACHABLE', 'GitHub does not answer')

/** `store`: commits that the machine has on its disk beside what the server has. */
export function repositoryOf(
  name: string,
  server: Server,
  send: Send,
  store: Set<string>,
  transport: Transport = 'git',
): ClaimRepository {
  let seen = new Map<string, string>()
  const tips = new Map<string, RawTip>()
  const raw = (oid: string): RawTip => {
    const known = tips.get(oid)
    if (known !== undefined) return known
    const { message, parent } = server.commits.get(oid)!
    const tip = { oid, message, parents: parent === null ? [] : [parent] }
    tips.set(oid, tip)
    return tip
  }
  const read = <T>(signal: AbortSignal, apply: (asOf: number) => T) =>
    send({ kind: 'read', apply, signal }, noGit)
  return {
    gitDir: name,
    async snapshot(signal, names) {
      seen = await read(
        signal,
        (asOf) =>
          new Map(
            [...server.refs.keys()].flatMap((ref) => {
              const oid = ref.startsWith(refPrefix) ? server.ref(ref, asOf) : undefined
              return oid === undefined ? [] : [[ref.slice(refPrefix.length), oid] as const]
            }),
          ),
      )
      const wanted = [...seen].filter(([issue]) => names?.has(issue) ?? true)
      return new Map(wanted.map(([issue, oid]) => [issue, raw(oid)]))
    },
    history: async (issue, limit) =>
      [...server.chain(seen.get(issue) ?? null)].slice(0, limit).map((oid) => raw(oid)),
    read: (ref, signal) => read(signal, (asOf) => server.ref(ref, asOf)),
    mint: async (message, parent) => server.commit(message, parent),
    async push(updates, signal) {
      const [only] = updates
      const single = updates.length === 1 && only?.ref.startsWith(refPrefix) === true
      const apply = () => {
        if (transport === 'git') server.push(name, updates)
        else if (!single) server.updateRefs(name, updates)
        else if (only.expected === null) server.createRef(name, only.ref, only.next)
        else server.forwardRef(name, only.ref, only.next)
      }
      try {
        // By REST the record, or the work, goes first.
        if (transport === 'rest')
          await send({ kind: 'write', apply: () => undefined, signal }, noGit)
        await send({ kind: 'write', apply, signal }, noGit)
        return { is: 'moved' }
      } catch (error) {
        return { is: 'unmoved', error, reason: 'no' }
      }
    },
    fetchBranches: (branches, signal, witness) =>
      read(signal, (asOf) => {
        if (witness !== undefined && server.ref(witness.ref, asOf) !== witness.oid)
          throw new TasksError('CLAIM_STALE', 'An old state was read.')
        return new Map(
          branches.flatMap((branch) => {
            const oid = server.ref(`refs/heads/${branch}`, asOf)
            return oid === undefined ? [] : [[branch, oid] as const]
          }),
        )
      }),
    adopt: async (_, oid) => void store.add(oid),
    drop: async (oid) => void store.delete(oid),
    has: async (oid) => store.has(oid),
    isAncestor: async (older, newer) => [...server.chain(newer)].includes(older),
    mergeTree: async (one) => ({ tree: one, conflicts: [] }),
    commitTree: async ({ parents: [parent = null] }) => server.commit('merge', parent),
    withMarkers: async () => [],
    isRelated: async () => true,
    async describe(oid) {
      const commit = server.commits.get(oid)
      if (commit === undefined) return undefined
      const { message, parent } = commit
      return { message, parents: parent === null ? [] : [parent] }
    },
    async restack(oid, onto, message) {
      const commit = server.commits.get(oid)!
      return server.commit(message ?? commit.message, onto, commit.tree)
    },
  }
}

export interface Watch {
  /** A process is about to assign itself. */
  assigning(issue: number): void
}

export function gitHubOf(
  name: string,
  login: string,
  server: Server,
  send: Send,
  watch: Watch,
): GitHub {
  const read = <T>(signal: AbortSignal, apply: (asOf: number) => T) =>
    send({ kind: 'read', apply, signal }, noGitHub)
  const write = <T>(signal: AbortSignal, apply: () => T) =>
    send({ kind: 'write', apply, signal }, noGitHub)
  const show = (number: number, asOf?: number): Issue => {
    const { open, labels, assignees } = server.issue(number, asOf)
    return {
      number,
      title: `Issue ${number}`,
      body: '',
      open,
      labels: [...labels],
      assignees: [...assignees],
      author: 'person',
      createdAt: '',
      updatedAt: '',
      url: 'http://x',
      isPull: false,
    }
  }
  const showPull = ({ number, branch, headOid, ended }: PullState, asOf = Infinity): Pull => {
    const isOpen = ended === undefined || ended.at > asOf
    // One that has ended stays at what its branch held then.
    const head = server.ref(`refs/heads/${branch}`, isOpen ? asOf : ended.at) ?? headOid
    return { number, url: 'http://x', open: isOpen, headOid: head }
  }
  return {
    viewer: async () => login,
    repository: async () => ({
      fullName: repo,
      cloneUrl: '',
      defaultBranch: 'main',
      canPush: true,
    }),
    openIssues: (_, label, signal) =>
      read(signal, (asOf) =>
        [...server.issues.keys()]
          .map((number) => show(number, asOf))
          .filter(({ open, labels }) => open && labels.includes(label)),
      ),
    issue: (_, number, signal) => read(signal, (asOf) => show(number, asOf)),
    assign(_, number, who, signal) {
      watch.assigning(number)
      return write(signal, () => {
        server.assign(number, who)
        return show(number)
      })
    },
    unassign: (_, number, who, signal) => write(signal, () => server.unassign(number, who, name)),
    addLabel: (_, number, label, signal) => write(signal, () => server.labelAny(number, label)),
    comment: (_, number, body, signal) =>
      write(signal, () => (server.commentsOf(number).push(body), 'http://x')),
    comments: (_, number, _since, signal) =>
      read(signal, () => server.commentsOf(number).map((body) => ({ body }))),
    openPull: (_, pull, signal) => write(signal, () => showPull(server.openPull(name, pull))),
    findPull: (_, head, base, signal) =>
      read(signal, (asOf) => {
        const all = server.pulls.filter(
          (pull) => pull.branch === head && pull.base === base && pull.at <= asOf,
        )
        const shown = all.map((pull) => showPull(pull, asOf))
        return shown.find(({ open }) => open) ?? shown.at(-1)
      }),
    rateLimit: () => null,
  }
}

/** What is asked and said about pull requests; there are reviews and nothing else. */
export function reviewsOf(login: string, server: Server, send: Send): ReviewCalls {
  const read = <T>(signal: AbortSignal, apply: (asOf: number) => T) =>
    send({ kind: 'read', apply, signal }, noGitHub)
  const write = <T>(signal: AbortSignal, apply: () => T) =>
    send({ kind: 'write', apply, signal }, noGitHub)
  const none = () => Promise.reject(new TasksError('GITHUB_NOT_FOUND', '404'))
  const isOpen = ({ ended }: PullState, asOf: number) => ended === undefined || ended.at > asOf
  const summary = (pull: PullState, asOf: number) => ({
    number: pull.number,
    updatedAt: String(pull.reviews.filter(({ at }) => at <= asOf).length),
    draft: false,
    labels: [...pull.labels],
    headRef: pull.branch,
    headOid: server.ref(`refs/heads/${pull.branch}`, asOf) ?? pull.headOid,
  })
  return {
    openPulls: (_, signal) =>
      read(signal, (asOf) => ({
        pulls: server.pulls
          .filter((pull) => pull.at <= asOf && isOpen(pull, asOf))
          .map((pull) => summary(pull, asOf)),
        whole: true,
      })),
    pull: (_, number, signal) =>
      read(signal, (asOf) => {
        const pull = server.pulls.find((one) => one.number === number && one.at <= asOf)
        if (pull === undefined) throw new TasksError('GITHUB_NOT_FOUND', '404')
        const open = isOpen(pull, asOf)
        return {
          ...summary(pull, asOf),
          nodeId: '',
          url: 'http://x',
          baseRef: pull.base,
          baseOid: server.base,
          open,
          merged: !open && pull.ended?.merged === true,
          mergedBy: undefined,
          conflicts: false,
          unknown: false,
          comments: 0,
        }
      }),
    reviews: (_, number, signal) =>
      read(signal, (asOf) =>
        (server.pulls.find((one) => one.number === number)?.reviews ?? [])
          .filter(({ at }) => at <= asOf)
          .map(({ id }) => ({
            id,
            author: 'person',
            bot: false,
            state: 'CHANGES_REQUESTED',
            body: reviewBody,
            submittedAt: '',
          })),
      ),
    checks: () => Promise.resolve({ total: 0, pending: 0, failed: [] }),
    lineComments: () => Promise.resolve([]),
    jobLog: () => Promise.resolve(undefined),
    talk: () => Promise.resolve([]),
    reactors: () => Promise.resolve([]),
    react: () => Promise.resolve(),
    mayPush: () => Promise.resolve(true),
    removeLabel: (_, number, label, signal) => write(signal, () => server.unlabel(number, label)),
    ready: none,
    openIssue: (_, issue, signal) =>
      write(signal, () => {
        const { id, number } = server.openIssue(login, issue)
        return { id, number, url: 'http://x' }
      }),
    addPart: (_, parent, id, signal) => write(signal, () => server.addPart(parent, id)),
    openedBy: (_, who, signal) =>
      read(signal, () =>
        server.opened.filter((one) => one.login.toLowerCase() === who.toLowerCase()),
      ),
    openedSince: (_, _since, signal) => read(signal, () => server.opened.toReversed()),
  }
}

export const reviewBody = 'Not so.'
