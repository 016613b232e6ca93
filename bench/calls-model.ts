/**
 * A repository and its agents in model time, with everybody's calls counted: the real service of
 * `src/tasks` (see `calls-agent.ts`) runs on the in-memory server of the claims' model, without
 * faults. An hour of model time costs seconds. What a repository costs does not depend on the others,
 * so each is a world of its own and they are added up.
 */
import type { GateCalls } from '../src/tasks/github/gate-calls.ts'
import type { Answered } from '../src/tasks/github/answers.ts'
import type { GitHub, Issue } from '../src/tasks/github/github.ts'
import type { ClaimRepository } from '../src/tasks/claim/repository-types.ts'
import type { TasksWork, WorkOutcome } from '../src/tasks/needs.ts'
import { startNaive } from '../test/chaos/claims/naive.ts'
import type { Process } from '../test/chaos/claims/scheduler.ts'
import { branchPrefix, failedLabel, refPrefix, repo, trigger } from '../test/chaos/claims/server.ts'
import { createWorld, type Machine, type World } from '../test/chaos/claims/world.ts'
import { Ledger, writes, type Counts, type Tally } from './calls-count.ts'
import { Gossip, startReal, type AgentInit } from './calls-agent.ts'

export type Protocol = 'bzzz' | 'naive'

/** What agents use unless configured. */
export const settings = {
  pollMs: 30_000,
  leaseMs: 30 * 60_000,
  staggerMs: 1_000,
  slots: 1,
  maxAttempts: 3,
} as const
/** Requests of a principal in an hour. */
const hourly = { limit: 5_000, windowMs: 60 * 60_000 }
/** Within this time agents start, as they do in life: else all would look at the same times, ms. */
const startsMs = 10 * 60_000
/** Until all agents run and have looked once, ms. */
export const settleMs = startsMs + 2 * 60_000

type Trust = 'label' | 'anyone'

export interface ModelInit {
  protocol: Protocol
  /** Whose word makes an issue a task. Default: who set the label. */
  trust?: Trust
  /** Who labels: somebody who may triage, or the account that all agents run as. Default: the former. */
  labeler?: 'person' | 'own'
  /** Whether one GraphQL query may stand for several calls; it is counted as a call. Default: true. */
  graphql?: boolean
  agents: number
  seed: number
  /** When each issue is opened, ms after `settleMs`, and how long its work takes, ms. */
  issues: readonly { atMs: number; workMs: number }[]
}

export class Model {
  readonly world: World
  readonly #init: ModelInit
  readonly #ledger = new Ledger()
  /** The issue that an agent asked about last: whoever may triage is asked for its sake. */
  readonly #asked = new Map<Machine, number>()
  readonly #charged = new Map<string, { since: number; used: number }>()
  readonly #agents: AgentInit

  constructor(init: ModelInit) {
    this.#init = init
    const { seed, agents } = init
    const faults = { lostRequest: 0, lostAnswer: 0, lateWrite: 0, twice: 0, slow: 0, stale: 0 }
    const base = {
      seed,
      issues: 0,
      agents,
      oneLogin: init.labeler === 'own',
      drift: 0,
      faults,
      longWork: 0,
      appendOnly: false,
    }
    const timely = { untimely: false, tampered: false, keepsWrites: true }
    const work = (machine: Machine, process: Process) => this.#work(machine, process)
    const refs = (machine: Machine, plain: ClaimRepository) => this.#countRefs(machine, plain)
    this.world = createWorld({ ...base, transports: 'git' }, timely, {
      settings,
      github: (machine, github) => this.#countGitHub(machine, github, () => undefined),
      refs,
      work,
    })
    this.world.network.calm = true
    const { trust = 'label' } = init
    const names = { trigger, failed: failedLabel, branchPrefix, refPrefix, priority: [] }
    const remote = { dir: 'none', apiUrl: 'https://api.github.com', token: 'none' }
    const more = { trust, userAgent: 'bench', repos: [repo] }
    this.#agents = {
      settings: { ...settings, ...names, ...remote, ...more },
      gossip: new Gossip(this.world),
      gates: (machine, process, github) => this.#gates(machine, process, github),
      count: (machine, github, answered) => this.#countGitHub(machine, github, answered),
      refs,
      work,
    }
  }

  /** What was counted since the last call. */
  take(): Tally {
    const won = new Set(
      this.world.machines.flatMap(({ name, journal }) =>
        journal.flatMap((entry) =>
          entry.type === 'claim.won' ? [`${name} ${entry.task.issue}`] : [],
        ),
      ),
    )
    // Who assigns itself by the naive protocol works, whoever else does.
    const isNaive = this.#init.protocol === 'naive'
    return this.#ledger.take((by, issue) => isNaive || won.has(`${by} ${issue}`))
  }

  /** Starts everybody, each at a time of its own, and opens the issues in their time. */
  launch(): void {
    const { scheduler, machines, random, server } = this.world
    const start = (machine: Machine) =>
      this.#init.protocol === 'bzzz'
        ? startReal(this.world, machine, this.#agents)
        : startNaive(this.world, machine)
    for (const machine of machines)
      scheduler.after(random.between(0, startsMs), () => {
        void start(machine).then((agent) => (machine.agent = agent))
      })
    for (const [index, { atMs }] of this.#init.issues.entries())
      scheduler.after(settleMs + atMs, () => {
        const state = { open: true, labels: [trigger], assignees: [] }
        server.comments.set(index + 1, [])
        server.issues.set(index + 1, [{ at: scheduler.now, state }])
      })
  }

  /** Issues that have a pull request. */
  done(): number {
    return new Set(this.world.server.pulls.map(({ branch }) => issueOf(branch))).size
  }

  /** Until `ms` of model time have passed, or earlier when `enough`. */
  async run(ms: number, enough: () => boolean = () => false): Promise<void> {
    const { random } = Math
    Math.random = () => this.world.random.next()
    try {
      const { scheduler } = this.world
      await scheduler.run(scheduler.now + ms, enough, 1_000)
    } finally {
      Math.random = random
    }
  }

  /** Claims that were tried and won, from all journals. */
  claims(): { tried: number; won: number } {
    const entries = this.world.machines.flatMap(({ journal }) => journal.map(({ type }) => type))
    const count = (type: string) => entries.filter((one) => one === type).length
    return { tried: count('claim.tried'), won: count('claim.won') }
  }

  #count({ name }: Machine, issue: number | undefined, change: Partial<Counts>): void {
    this.#ledger.count(name, issue, change)
  }

  /** As GitHub's headers tell it after a call. */
  #limitOf({ login }: Machine, isCharged: boolean): Answered['limit'] {
    const { now } = this.world.scheduler
    const known = this.#charged.get(login)
    const window =
      known !== undefined && now - known.since < hourly.windowMs ? known : { since: now, used: 0 }
    if (isCharged) window.used += 1
    this.#charged.set(login, window)
    const { limit, windowMs } = hourly
    const resetAtMs = epochMs + window.since + windowMs
    return { limit, remaining: Math.max(0, limit - window.used), resetAtMs }
  }

  /** Every method is one call, but for what asks nothing. */
  #countGitHub(machine: Machine, github: GitHub, answered: (answer: Answered) => void): GitHub {
    let listed = ''
    const counted = { ...github }
    const noted = (method: string, isCharged: boolean) => {
      const limit = this.#limitOf(machine, isCharged)
      answered({ method, ...(limit === undefined ? {} : { limit }) })
    }
    for (const [name, method] of Object.entries(github) as [string, Method][]) {
      if (name === 'rateLimit') continue
      const call: Method = async (...args) => {
        if (name !== 'openIssues') {
          const issue = typeof args[1] === 'number' ? args[1] : issueOf(JSON.stringify(args))
          const isWrite = writes.has(name)
          this.#count(machine, issue, { rest: 1, ...(isWrite ? { writes: 1 } : {}) })
          const answer = await method(...args)
          noted(isWrite ? 'POST' : 'GET', true)
          return isIssue(answer) ? this.#stamped(answer) : answer
        }
        const issues = ((await method(...args)) as Shown[]).map((issue) => this.#stamped(issue))
        const text = JSON.stringify(issues)
        const isSame = text === listed
        listed = text
        this.#count(machine, undefined, isSame ? { notModified: 1 } : { rest: 1 })
        noted('GET', !isSame)
        return issues
      }
      Object.assign(counted, { [name]: call })
    }
    return counted
  }

  /** With the second of the change that made it what it is, as GitHub's `updated_at`. */
  #stamped(issue: Shown): Shown {
    const { server } = this.world
    const { open, labels, assignees } = issue
    const shown = JSON.stringify({ open, labels, assignees })
    const versions = server.issues.get(issue.number) ?? []
    const version = versions.findLast(({ state }) => JSON.stringify(state) === shown)
    const pull = server.pulls.find(({ branch }) => branch === `${branchPrefix}${issue.number}`)
    const at = Math.max(version?.at ?? 0, pull?.at ?? 0)
    const updatedAt = `${new Date(epochMs + at).toISOString().slice(0, 19)}Z`
    return { ...issue, updatedAt, waitsFor: 0, openParts: 0 }
  }

  /** Listings, fetches and pushes as `claim/repository.ts` makes them; the rest is local. */
  #countRefs(machine: Machine, refs: ClaimRepository): ClaimRepository {
    let seen = new Map<string, string>()
    return {
      ...refs,
      snapshot: async (signal, names) => {
        const tips = await refs.snapshot(signal, names)
        const moved = [...tips].some(([issue, { oid }]) => seen.get(issue) !== oid)
        seen = new Map([...tips].map(([issue, { oid }]) => [issue, oid]))
        this.#count(machine, undefined, { git: moved ? 2 : 1 })
        return tips
      },
      read: async (ref, signal) => {
        this.#count(machine, issueOf(ref), { git: 1 })
        return refs.read(ref, signal)
      },
      push: async (updates, signal) => {
        this.#count(machine, issueOf(updates[0]?.ref ?? ''), { pushes: 1 })
        return refs.push(updates, signal)
      },
      fetchBranches: async (branches, signal, witness) => {
        const found = await refs.fetchBranches(branches, signal, witness)
        this.#count(machine, issueOf(branches.join(' ')), { git: found.size > 0 ? 2 : 1 })
        return found
      },
    }
  }

  #gates(machine: Machine, process: Process, github: GitHub): GateCalls {
    const { scheduler } = this.world
    const asked = <T>(issue: number | undefined, answer: T) => {
      this.#count(machine, issue, { rest: 1 })
      this.#limitOf(machine, true)
      return new Promise<T>((resolve) => {
        scheduler.after(100, () => process.deliver(() => resolve(answer)))
      })
    }
    const labeler = {
      login: this.#init.labeler === 'own' ? machine.login : 'person',
      bot: false,
    }
    const before = { dependencies: [], 'sub-issues': [] }
    const rest: GateCalls = {
      labeledBy: (_, issue) => {
        this.#asked.set(machine, issue)
        return asked(issue, labeler)
      },
      mayTriage: () => asked(this.#asked.get(machine), true),
      openBefore: (_, issue) => asked(issue, []),
    }
    if (this.#init.graphql === false) return rest
    return {
      ...rest,
      dossier: async (_, number, { people }, signal) => {
        this.#count(machine, number, { rest: 1 })
        const issue = this.#stamped(await github.issue(repo, number, signal)) as Issue
        const shown = people ? { people: new Set(['person']) } : {}
        return { issue, at: repo, labeledBy: labeler, before, ...shown }
      },
    }
  }

  #work(machine: Machine, process: Process): TasksWork {
    const { server } = this.world
    return {
      readPolicy: async () => ({ requiredLabels: [] }),
      choose: () => ({ executor: 'model' }),
      run: ({ issue: { number }, attempt, source }, _, { signal }) =>
        new Promise<WorkOutcome>((resolve) => {
          this.#ledger.phase(machine.name, number, 'renewal')
          const end = (outcome: object) => {
            cancel()
            signal.removeEventListener('abort', stop)
            this.#ledger.phase(machine.name, number, 'publication')
            const common = { checks: [], executor: 'model', durationMs: 1 }
            const dispose = async () => undefined
            resolve({ ...common, ...outcome, dispose } as unknown as WorkOutcome)
          }
          const stop = () => end({ outcome: 'failed', code: 'ABORTED', reason: '', tried: [] })
          const cancel = process.clock.after(this.#init.issues[number - 1]?.workMs ?? 0, () => {
            const head = server.commit('work', source.resume ?? source.base)
            this.world.made.set(head, { by: machine.name, issue: number, attempt })
            end({ outcome: 'changed', gitDir: 'work', head, files: [], summary: '' })
          })
          signal.addEventListener('abort', stop, { once: true })
        }),
    }
  }
}

/** Where the clocks of the model begin, ms. */
const epochMs = 1_700_000_000_000

interface Shown {
  updatedAt?: string
  waitsFor?: number
  openParts?: number
  number: number
  open: boolean
  labels: string[]
  assignees: string[]
}

const isIssue = (answer: unknown): answer is Shown =>
  typeof answer === 'object' && answer !== null && 'assignees' in answer

type Method = (...args: unknown[]) => Promise<unknown>

/** The issue that a ref, a branch or a pull request's text belongs to. */
function issueOf(text: string): number | undefined {
  const prefixes = [refPrefix, branchPrefix, 'issue-', 'Closes #']
  for (const prefix of prefixes) {
    const at = text.indexOf(prefix)
    const number = at < 0 ? Number.NaN : Number.parseInt(text.slice(at + prefix.length), 10)
    if (Number.isInteger(number)) return number
  }
  return undefined
}
