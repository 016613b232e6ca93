/**
 * Whether GitHub can be reached. A state and what moves it, pure; and the small room that keeps one
 * for the API and one for git.
 *
 *   up ── several failures in a row ──► down ── an answer ──► up      (the API begins one short of it)
 *                                        │ ▲
 *                                        └─┘ a probe failed: the next one comes later
 *
 * While it is down nothing new is begun. One probe at a time asks whether it is back; pauses double
 * and are drawn at random, so that a mesh of many agents does not come back all at once.
 */
import type { Clock } from '../../util/index.ts'

export type Reach =
  | { is: 'up'; failures: number }
  /** `since`: wall clock, ms. `probeAt`: own monotonic clock, ms. */
  | { is: 'down'; since: number; reason: string; tries: number; probeAt: number }

export interface Failure {
  reason: string
  /** Monotonic and wall clock, ms. */
  now: number
  wall: number
  /** First pause between probes, ms. */
  pauseMs: number
  random: number
  /** GitHub said when to come back, wall clock, ms. */
  resetAtMs?: number
}

/** Calls in a row that failed; octokit tried each of them four times. */
const failuresToDown = 2
/** Longest pause between probes, ms. */
export const maxProbeMs = 5 * 60_000
/** Longest time for which GitHub's own word puts off a probe, ms. */
const maxResetMs = 15 * 60_000

export const reachable: Reach = { is: 'up', failures: 0 }
/** Nothing was heard of it yet: who starts where GitHub cannot be reached is told at once. */
export const untried: Reach = { is: 'up', failures: failuresToDown - 1 }

export function afterFailure(reach: Reach, failure: Failure): Reach {
  const { now, wall, reason, pauseMs, random, resetAtMs = 0 } = failure
  if (reach.is === 'up' && reach.failures + 1 < failuresToDown)
    return { is: 'up', failures: reach.failures + 1 }
  const tries = reach.is === 'down' ? reach.tries + 1 : 0
  const pause = Math.min(maxProbeMs, pauseMs * 2 ** Math.min(tries, 16)) * (0.5 + random)
  const reset = Math.min(maxResetMs, Math.max(0, resetAtMs - wall)) * (1 + random / 10)
  const since = reach.is === 'down' ? reach.since : wall
  return { is: 'down', since, reason, tries, probeAt: now + Math.max(pause, reset) }
}

/** The API, or the git remote of one repository. */
export type Source = 'api' | `git ${string}`

export interface Outage {
  failed(source: Source, reason: string, resetAtMs?: number): void
  answered(source: Source): void
  /** False while the API or the repository's git is down, but for the one who may probe now. */
  mayAsk(repo: string): boolean
  /** A sign that it may be back: the next probe comes within this time, ms, at random. */
  hint(withinMs: number): void
  /** Since when (wall clock, ms) and why; null while GitHub answers. Git alone counts when all of it is down. */
  down(repo?: string): { since: number; reason: string } | null
}

type Down = Extract<Reach, { is: 'down' }>

export function createOutage(
  { pauseMs, onChange }: { pauseMs: number; onChange: () => void },
  { clock, random = Math.random }: { clock: Clock; random?: () => number },
): Outage {
  const states = new Map<Source, Reach>([['api', untried]])
  const isDown = (source: Source): [Source, Down][] => {
    const reach = states.get(source)
    return reach?.is === 'down' ? [[source, reach]] : []
  }
  const gits = () => [...states.keys()].filter((source) => source !== 'api')
  const of = (repo: string) => [...isDown('api'), ...isDown(`git ${repo}`)]
  const all = () => {
    const git = gits().flatMap(isDown)
    return [...isDown('api'), ...(git.length === gits().length ? git : [])]
  }
  function put(source: Source, reach: Reach): void {
    const before = all().length
    states.set(source, reach)
    if ((before === 0) !== (all().length === 0)) onChange()
  }

  return {
    failed(source, reason, resetAtMs) {
      const at = { now: clock.monotonic(), wall: clock.now(), pauseMs, random: random() }
      const reset = resetAtMs === undefined ? {} : { resetAtMs }
      put(source, afterFailure(states.get(source) ?? reachable, { ...at, reason, ...reset }))
    },
    answered: (source) => put(source, reachable),
    mayAsk(repo) {
      const now = clock.monotonic()
      const down = of(repo)
      if (down.some(([, { probeAt }]) => probeAt > now)) return false
      // Until the answer to this one is here, or a long time has passed, nobody else asks.
      for (const [source, reach] of down)
        states.set(source, { ...reach, probeAt: now + maxProbeMs })
      return true
    },
    hint(withinMs) {
      const soon = clock.monotonic() + withinMs * random()
      for (const [source, reach] of [...states.keys()].flatMap(isDown))
        states.set(source, { ...reach, probeAt: Math.min(reach.probeAt, soon) })
    },
    down(repo) {
      const [first] = (repo === undefined ? all() : of(repo)).map(([, reach]) => reach)
      return first === undefined ? null : { since: first.since, reason: first.reason }
    },
  }
}
