/**
 * A repository and its agents in model time, with everybody's calls counted: the real turns, gates,
 * claims, leases and publication run on the in-memory server of the claims' model, without faults. An
 * hour of model time costs seconds. What a repository costs does not depend on the others, so each is
 * a world of its own and they are added up.
 */
import { createGates } from '../src/tasks/gates.ts'
import type { GateCalls } from '../src/tasks/github-gates.ts'
import type { GitHub } from '../src/tasks/github.ts'
import type { ClaimRepository } from '../src/tasks/claim/repository.ts'
import type { TasksWork, WorkOutcome } from '../src/tasks/needs.ts'
import { startAgent } from '../test/chaos/claims/agent.ts'
import { startNaive } from '../test/chaos/claims/naive.ts'
import type { Process } from '../test/chaos/claims/scheduler.ts'
import { branchPrefix, refPrefix, trigger } from '../test/chaos/claims/server.ts'
import { createWorld, type Machine, type World } from '../test/chaos/claims/world.ts'

export type Protocol = 'bzzz' | 'naive'

/** What was asked of GitHub. */
export interface Counts {
  /** REST calls that were charged, writes among them. */
  rest: number
  writes: number
  /** REST calls answered with 304, which are not charged. */
  notModified: number
  /** git listings and fetches. */
  git: number
  pushes: number
}

/** Looking for work; up to the assignment; while the executor runs; after it. */
export type Phase = 'discovery' | 'claim' | 'renewal' | 'publication'
export type Tally = Record<Phase, Counts>

const none = (): Counts => ({ rest: 0, writes: 0, notModified: 0, git: 0, pushes: 0 })
export const emptyTally = (): Tally => ({
  discovery: none(),
  claim: none(),
  renewal: none(),
  publication: none(),
})

export function add(into: Tally, from: Tally): void {
  for (const phase of Object.keys(into) as Phase[])
    for (const name of Object.keys(into[phase]) as (keyof Counts)[])
      into[phase][name] += from[phase][name]
}

/** What agents use unless configured, and the delays of gossip on a local network. */
export const settings = {
  pollMs: 30_000,
  leaseMs: 30 * 60_000,
  staggerMs: 250,
  slots: 1,
  maxAttempts: 3,
} as const
const gossip = { lost: 0.01, delayMs: 150 }
/** Until all agents run and have looked once, ms. */
export const settleMs = 5 * 60_000

const writes: ReadonlySet<string> = new Set([
  'assign',
  'unassign',
  'addLabel',
  'comment',
  'openPull',
])

export interface ModelInit {
  protocol: Protocol
  agents: number
  seed: number
  /** When each issue is opened, ms after `settleMs`, and how long its work takes, ms. */
  issues: readonly { atMs: number; workMs: number }[]
}

export class Model {
  readonly world: World
  readonly #init: ModelInit
  readonly #phases = new Map<number, Phase>()
  #tally = emptyTally()

  constructor(init: ModelInit) {
    this.#init = init
    const { seed, agents } = init
    const calm = { lostRequest: 0, lostAnswer: 0, lateWrite: 0, twice: 0, slow: 0, stale: 0 }
    const faults = calm
    const base = { seed, issues: 0, agents, oneLogin: false, drift: 0, faults, longWork: 0 }
    const timely = { untimely: false, tampered: false, keepsWrites: true }
    this.world = createWorld({ ...base, transports: 'git' }, timely, {
      settings,
      gossip,
      github: (_, github) => this.#countGitHub(github),
      refs: (_, refs) => this.#countRefs(refs),
      gates: (_, github, process) => {
        const issue: GitHub['issue'] = async (...args) => github.issue(...args)
        const counting = { issue, gates: this.#gates(process) }
        const asked = { trigger, trust: 'label', pollMs: settings.pollMs } as const
        return createGates(asked, { github: counting, clock: process.clock })
      },
      work: (machine, process) => this.#work(machine, process),
    })
    this.world.network.calm = true
  }

  /** What was counted since the last call. */
  take(): Tally {
    const tally = this.#tally
    this.#tally = emptyTally()
    return tally
  }

  /** Starts everybody, each at a time of its own, and opens the issues in their time. */
  launch(): void {
    const { scheduler, machines, random, server } = this.world
    const start = this.#init.protocol === 'bzzz' ? startAgent : startNaive
    for (const machine of machines)
      scheduler.after(random.between(0, settings.pollMs), () => {
        void start(this.world, machine).then((agent) => (machine.agent = agent))
      })
    for (const [index, { atMs }] of this.#init.issues.entries())
      scheduler.after(settleMs + atMs, () => {
        const state = { open: true, labels: [trigger], assignees: [] }
        server.comments.set(index + 1, [])
        server.issues.set(index + 1, [{ at: scheduler.now, state }])
      })
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

  #count(phase: Phase, change: Partial<Counts>): void {
    for (const [name, n] of Object.entries(change)) this.#tally[phase][name as keyof Counts] += n
  }

  #phaseOf(issue: number | undefined): Phase {
    return (issue === undefined ? undefined : this.#phases.get(issue)) ?? 'claim'
  }

  /** Every method is one call, but for what asks nothing. */
  #countGitHub(github: GitHub): GitHub {
    let listed = ''
    const counted = { ...github }
    for (const [name, method] of Object.entries(github) as [string, Method][]) {
      if (name === 'rateLimit') continue
      const call: Method = async (...args) => {
        if (name !== 'openIssues') {
          const issue = typeof args[1] === 'number' ? args[1] : issueOf(JSON.stringify(args))
          const write = writes.has(name) ? { writes: 1 } : {}
          this.#count(this.#phaseOf(issue), { rest: 1, ...write })
          return method(...args)
        }
        const issues = (await method(...args)) as object[]
        const text = JSON.stringify(issues)
        this.#count('discovery', text === listed ? { notModified: 1 } : { rest: 1 })
        listed = text
        return issues.map((issue) => ({ ...issue, waitsFor: 0, openParts: 0 }))
      }
      Object.assign(counted, { [name]: call })
    }
    return counted
  }

  /** Listings, fetches and pushes as `claim/repository.ts` makes them; the rest is local. */
  #countRefs(refs: ClaimRepository): ClaimRepository {
    let seen = new Map<string, string>()
    return {
      ...refs,
      snapshot: async (signal, names) => {
        const tips = await refs.snapshot(signal, names)
        const moved = [...tips].some(([issue, { oid }]) => seen.get(issue) !== oid)
        seen = new Map([...tips].map(([issue, { oid }]) => [issue, oid]))
        this.#count('discovery', { git: moved ? 2 : 1 })
        return tips
      },
      read: async (ref, signal) => {
        this.#count(this.#phaseOf(issueOf(ref)), { git: 1 })
        return refs.read(ref, signal)
      },
      push: async (updates, signal) => {
        this.#count(this.#phaseOf(issueOf(updates[0]?.ref ?? '')), { pushes: 1 })
        return refs.push(updates, signal)
      },
      fetchBranches: async (branches, signal) => {
        const found = await refs.fetchBranches(branches, signal)
        const issue = issueOf(branches.join(' '))
        const phase = issue === undefined ? 'discovery' : this.#phaseOf(issue)
        this.#count(phase, { git: found.size > 0 ? 2 : 1 })
        return found
      },
    }
  }

  #gates(process: Process): GateCalls {
    const { scheduler } = this.world
    const asked = <T>(answer: T) => {
      this.#count('claim', { rest: 1 })
      return new Promise<T>((resolve) => {
        scheduler.after(100, () => process.deliver(() => resolve(answer)))
      })
    }
    return {
      labeledBy: () => asked({ login: 'person', bot: false }),
      mayTriage: () => asked(true),
      openBefore: () => asked([]),
    }
  }

  #work(machine: Machine, process: Process): TasksWork {
    const { server } = this.world
    return {
      readPolicy: async () => ({ requiredLabels: [] }),
      choose: () => ({ executor: 'model' }),
      run: ({ issue: { number }, attempt, source }, _, { signal }) =>
        new Promise<WorkOutcome>((resolve) => {
          this.#phases.set(number, 'renewal')
          const end = (outcome: object) => {
            cancel()
            signal.removeEventListener('abort', stop)
            this.#phases.set(number, 'publication')
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
