/**
 * GitHub's side of the model: commits, refs with compare-and-swap, issues and pull requests, each
 * with its history, because checkers look at the past and stale reads come from there.
 */
import { TasksError } from '../../../src/tasks/errors.ts'
import type { RefUpdate } from '../../../src/tasks/claim/repository.ts'

export const repo = 'octo/lib'
export const refPrefix = 'refs/bzzz/claims/'
export const branchPrefix = 'bzzz/issue-'
export const trigger = 'bzzz'
export const failedLabel = 'bzzz:failed'
export const needsHuman = 'bzzz:needs-human'

export interface RefMove {
  at: number
  by: string
  before: string | null
  /** null: deleted. */
  after: string | null
  /** Moves of one atomic push have the same number. */
  push: number
}

export interface IssueState {
  open: boolean
  labels: readonly string[]
  assignees: readonly string[]
}

export interface PullState {
  number: number
  at: number
  by: string
  branch: string
  base: string
  headOid: string
  body: string
  /** When it was merged or closed. */
  ended?: { at: number; merged: boolean }
  labels: string[]
  /** By a person who may push, each asking for changes. */
  reviews: { id: number; at: number }[]
}

export interface OpenedState {
  id: number
  number: number
  title: string
  body: string
  login: string
  /** Issues that it was made a part of. */
  parents: number[]
}

export interface Unassigned {
  at: number
  by: string
  issue: number
  login: string
}

export class Server {
  /** `tree`: what the files are, where that matters: how far the work has come. */
  readonly commits = new Map<string, { message: string; parent: string | null; tree: string }>()
  readonly refs = new Map<string, RefMove[]>()
  readonly issues = new Map<number, { at: number; state: IssueState }[]>()
  readonly comments = new Map<number, string[]>()
  readonly pulls: PullState[] = []
  readonly unassigned: Unassigned[] = []
  /** Issues that agents opened beside the ones they work. */
  readonly opened: OpenedState[] = []
  readonly base: string
  /** Told of each move of a ref, with who made it, before anybody else knows of it. */
  onMove: ((move: RefMove) => void) | undefined
  readonly #now: () => number
  readonly #appendOnly: boolean
  #count = 0
  #pushes = 0

  /** `appendOnly`: whether a rule forbids that commits of a branch disappear. */
  constructor(issues: number, now: () => number, appendOnly = false) {
    this.#now = now
    this.#appendOnly = appendOnly
    this.base = this.commit('base', null)
    this.refs.set('refs/heads/main', [
      { at: 0, by: 'nobody', before: null, after: this.base, push: 0 },
    ])
    for (let number = 1; number <= issues; number += 1) {
      this.issues.set(number, [{ at: 0, state: { open: true, labels: [trigger], assignees: [] } }])
      this.comments.set(number, [])
    }
  }

  commit(message: string, parent: string | null, tree = ''): string {
    this.#count += 1
    const oid = this.#count.toString(16).padStart(40, '0')
    this.commits.set(oid, { message, parent, tree })
    return oid
  }

  ref(name: string, asOf = Infinity): string | undefined {
    return this.refs.get(name)?.findLast(({ at }) => at <= asOf)?.after ?? undefined
  }

  /** As `git push --atomic --force-with-lease`: a ref that has the new OID already counts as moved. */
  push(by: string, updates: readonly RefUpdate[]): void {
    const moving = updates.filter(({ ref, next }) => this.ref(ref) !== next)
    const stale = moving.find(({ ref, expected }) => (this.ref(ref) ?? null) !== expected)
    if (stale !== undefined) throw new Error(`stale info: ${stale.ref}`)
    this.#obeyRules(moving)
    this.#move(by, moving)
  }

  /** As GraphQL `updateRefs` with `beforeOid`: also a ref that has the new OID already must match. */
  updateRefs(by: string, updates: readonly RefUpdate[]): void {
    const stale = updates.find(({ ref, expected }) => (this.ref(ref) ?? null) !== expected)
    if (stale !== undefined) throw new Error(`beforeOid: ${stale.ref}`)
    const rude = updates.find((one) => one.force !== true && !this.#follows(one))
    if (rude !== undefined) throw new Error(`not a fast-forward: ${rude.ref}`)
    this.#obeyRules(updates)
    this.#move(by, updates)
  }

  /** As `POST /git/refs`. */
  createRef(by: string, ref: string, next: string): void {
    if (this.ref(ref) !== undefined) throw new Error('422 Reference already exists')
    this.#move(by, [{ ref, next }])
  }

  /** As `PATCH /git/refs` without force. */
  forwardRef(by: string, ref: string, next: string): void {
    const now = this.ref(ref)
    if (now === undefined) throw new Error('422 Reference does not exist')
    if (now !== next && ![...this.chain(next)].includes(now))
      throw new Error('422 Update is not a fast forward')
    if (now !== next) this.#move(by, [{ ref, next }])
  }

  /** Whatever is there: what somebody with write access can do. */
  forceRef(by: string, ref: string, next: string | null): void {
    this.#move(by, [{ ref, next }])
  }

  #follows({ ref, next }: { ref: string; next: string }): boolean {
    const now = this.ref(ref)
    return now === undefined || [...this.chain(next)].includes(now)
  }

  #obeyRules(updates: readonly { ref: string; next: string }[]): void {
    const branches = updates.filter(({ ref }) => ref.startsWith('refs/heads/'))
    const against = branches.find((one) => this.#appendOnly && !this.#follows(one))
    if (against !== undefined) throw new Error(`protected branch: ${against.ref}`)
  }

  *chain(oid: string | null): Generator<string> {
    for (let at = oid; at !== null; at = this.commits.get(at)?.parent ?? null) yield at
  }

  #move(by: string, moving: readonly { ref: string; next: string | null }[]): void {
    this.#pushes += 1
    for (const { ref, next } of moving) {
      const log = this.refs.get(ref) ?? []
      this.refs.set(ref, log)
      const before = log.at(-1)?.after ?? null
      const move = { at: this.#now(), by, before, after: next, push: this.#pushes }
      log.push(move)
      this.onMove?.(move)
    }
  }

  issue(number: number, asOf = Infinity): IssueState {
    const versions = this.issues.get(number)!
    return (versions.findLast(({ at }) => at <= asOf) ?? versions[0]!).state
  }

  change(number: number, change: (state: IssueState) => Partial<IssueState>): void {
    const state = this.issue(number)
    this.issues.get(number)!.push({ at: this.#now(), state: { ...state, ...change(state) } })
  }

  assign(number: number, login: string): void {
    this.change(number, ({ assignees }) =>
      assignees.includes(login) ? {} : { assignees: [...assignees, login] },
    )
  }

  unassign(number: number, login: string, by: string): void {
    if (this.issue(number).assignees.includes(login))
      this.unassigned.push({ at: this.#now(), by, issue: number, login })
    this.change(number, ({ assignees }) => ({
      assignees: assignees.filter((one) => one !== login),
    }))
  }

  label(number: number, label: string): void {
    this.change(number, ({ labels }) =>
      labels.includes(label) ? {} : { labels: [...labels, label] },
    )
  }

  unlabel(number: number, label: string): void {
    this.change(number, ({ labels }) => ({ labels: labels.filter((one) => one !== label) }))
  }

  openPull(by: string, pull: { head: string; base: string; body: string }): PullState {
    const headOid = this.ref(`refs/heads/${pull.head}`)
    const twin = this.pulls.some(
      ({ branch, base, ended }) =>
        branch === pull.head && base === pull.base && ended === undefined,
    )
    if (headOid === undefined || twin) throw new TasksError('GITHUB_REFUSED', '422')
    const { head: branch, base, body } = pull
    const opened = { number: 100 + this.pulls.length, at: this.#now(), by, branch, base, body }
    const made: PullState = { ...opened, headOid, labels: [], reviews: [] }
    this.pulls.push(made)
    return made
  }

  /** The open pull request of an issue. */
  pullOf(issue: number): PullState | undefined {
    return this.pulls.find(
      ({ branch, ended }) => branch === `${branchPrefix}${issue}` && ended === undefined,
    )
  }

  review(issue: number): void {
    this.#count += 1
    this.pullOf(issue)?.reviews.push({ id: this.#count, at: this.#now() })
  }

  /** A merge closes the issue; a pull request that is closed leaves it as it is. */
  endPull(issue: number, merged: boolean): void {
    const pull = this.pullOf(issue)
    if (pull === undefined) return
    pull.ended = { at: this.#now(), merged }
    if (merged) this.change(issue, () => ({ open: false }))
  }

  openIssue(login: string, { title, body }: { title: string; body: string }): OpenedState {
    const number = 1_000 + this.opened.length
    const made = { id: number, number, title, body, login, parents: [] }
    this.opened.push(made)
    return made
  }

  addPart(parent: number, id: number): void {
    const part = this.opened.find((one) => one.id === id)
    if (part === undefined || part.parents.includes(parent))
      throw new TasksError('GITHUB_REFUSED', '422')
    part.parents.push(parent)
  }

  /** What hangs labels and comments: an issue, or a pull request. */
  labelAny(number: number, label: string): void {
    const pull = this.pulls.find((one) => one.number === number)
    if (pull === undefined) this.label(number, label)
    else if (!pull.labels.includes(label)) pull.labels.push(label)
  }

  commentsOf(number: number): string[] {
    const known = this.comments.get(number) ?? []
    this.comments.set(number, known)
    return known
  }
}
