/**
 * Who tries an issue first. All agents order themselves alike without a message: by weighted
 * rendezvous hashing (Schindelhauer and Schomaker 2005). Each candidate draws a number h in (0, 1)
 * from issue and peer id, and the highest -weight / ln(h) comes first; so of two candidates one
 * with twice the weight is first twice as often, and a change of one weight moves nobody else.
 *
 * The weight comes from what peers announce, which may be a lie. Each part is one of a few fixed
 * steps, so that small differences between two announcements order nobody anew, and a liar can at
 * most be first: the others then wait for it, never longer than `maxStaggerMs`.
 */
import { sha256 } from '../../util/index.ts'
import { lacking, type Candidate } from './intake.ts'

/** The parts of a weight, each between 0 and 1. */
export interface Fitness {
  /** Free slots of all. 0: none is free. */
  slots: number
  /** Load average over cores. */
  load: number
  /** Free memory of all. */
  memory: number
  /** Attempts at this issue that it began and did not finish. */
  failures: number
  /** The product of the four. */
  weight: number
}

export interface Ranked {
  agent: string
  peerId: string
  /** 0 tries first; null: it does not try. */
  rank: number | null
  fitness: Fitness | null
  /** Why it does not try, or not first; empty for the first. */
  reason: string
}

export interface RankInput {
  self: Candidate
  others: readonly Candidate[]
  repo: string
  issue: number
  /** Words that the candidate must offer. */
  needs: readonly string[]
  /** What kind of executor it takes; absent when any will do. */
  work?: 'chore' | 'prose'
  /** Attempts at the issue by peer id that ended without a result. */
  failures: ReadonlyMap<string, number>
}

/** Longest delay of an attempt for the sake of others, ms: longer than a claim takes to get around. */
export const maxStaggerMs = 15_000
/** Candidates that are looked at; a mesh that has more spreads its load among these. */
export const maxCandidates = 256

/** Steps: the first whose bound the value does not exceed. */
const step = (value: number, steps: readonly (readonly [bound: number, part: number])[]) =>
  steps.find(([bound]) => value <= bound)?.[1] ?? steps.at(-1)?.[1] ?? 1

/** What is not announced counts as good: it must not push an older peer behind all others. */
export function fitnessOf(candidate: Candidate, failed: number): Fitness {
  const { freeSlots, slots: total, load1, cores, memory: bytes } = candidate
  const free = total === undefined || total <= 0 ? 1 : Math.min(1, Math.max(0, freeSlots) / total)
  const slots = freeSlots <= 0 ? 0 : free > 0.5 ? 1 : 0.75
  const load =
    load1 === undefined || cores === undefined || cores <= 0
      ? 1
      : step(Math.max(0, load1) / cores, [
          [0.75, 1],
          [1.5, 0.5],
          [Infinity, 0.25],
        ])
  const memory =
    bytes === undefined || bytes.total <= 0
      ? 1
      : step(1 - Math.min(1, Math.max(0, bytes.free) / bytes.total), [
          [0.85, 1],
          [0.95, 0.5],
          [Infinity, 0.25],
        ])
  const failures = 1 / 2 ** Math.min(3, Math.max(0, failed))
  return { slots, load, memory, failures, weight: slots * load * memory * failures }
}

/** Every candidate, those that try in their order, then those that do not. */
export function rankAll(input: RankInput): Ranked[] {
  const { self, others, repo, issue, failures } = input
  const known = [self, ...others.filter(({ peerId }) => peerId !== self.peerId)]
  const judged = known.slice(0, maxCandidates).map((candidate) => {
    const { peerId, name } = candidate
    const why = unfit(candidate, input)
    const fitness = fitnessOf(candidate, failures.get(peerId) ?? 0)
    const { slots, weight } = fitness
    // A busy one stands behind all that are free, in an order of its own: it may be free soon.
    const busy = slots === 0
    const score =
      (busy ? fitnessOf({ ...candidate, freeSlots: 1 }, 0).weight : weight) /
      draw(repo, issue, peerId)
    return { agent: name, peerId, why, busy, score, fitness }
  })
  const able = judged
    .filter(({ why }) => why === '')
    .sort(
      (a, b) =>
        Number(a.busy) - Number(b.busy) || b.score - a.score || (a.peerId < b.peerId ? -1 : 1),
    )
  const first = able[0]?.agent ?? ''
  return [
    ...able.map(({ agent, peerId, busy, fitness }, rank) => {
      const behind = rank === 0 ? '' : `after ${first}`
      const reason = busy ? ['no free slot', behind].filter(Boolean).join(', ') : behind
      return { agent, peerId, rank, fitness, reason }
    }),
    ...judged
      .filter(({ why }) => why !== '')
      .map(({ agent, peerId, why }) => ({ agent, peerId, rank: null, fitness: null, reason: why })),
  ]
}

/** How long the attempt of a rank waits, ms. */
export const delayOf = (rank: number, staggerMs: number): number =>
  Math.min(rank * staggerMs, maxStaggerMs)

/** Whether a candidate is free and could do what is wanted. */
export const canTake = (candidate: Candidate, wanted: Wanted): boolean =>
  candidate.freeSlots > 0 && unfit(candidate, wanted) === ''

type Wanted = Pick<RankInput, 'repo' | 'needs' | 'work'>

function unfit(candidate: Candidate, { repo, needs, work }: Wanted): string {
  if (!candidate.repositories.some((name) => name.toLowerCase() === repo.toLowerCase()))
    return `does not work ${repo}`
  const missing = lacking(needs, candidate)
  if (missing.length > 0) return `lacks ${missing.join(', ')}`
  const { kinds } = candidate
  if (kinds === undefined || work === undefined) return ''
  if (work === 'chore') return kinds.has('command') ? '' : 'runs no chores'
  return [...kinds].some((kind) => kind !== 'command') ? '' : 'has no coding agent'
}

/** -ln(h) of a number h in (0, 1) that is the same for everybody. */
function draw(repo: string, issue: number, peerId: string): number {
  const bits = sha256(`${repo.toLowerCase()}#${issue} ${peerId}`).slice(0, 13)
  return -Math.log((Number.parseInt(bits, 16) + 0.5) / 2 ** 52)
}
