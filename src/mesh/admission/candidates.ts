/**
 * Whom a joining machine asks next, and when it gives up. Pure: time and random come in.
 *
 * What strangers say by mDNS is a hint, and so is their refusal: whoever shares the link could say
 * no in the mesh's name. So a refusal ends the search only when membership says that it is final,
 * or when everyone who was found has refused for a while.
 */
import type { JoinStep } from '../membership/types.ts'
import { MAX_ADDRESSES } from '../node/addresses.ts'

/** Peers that are kept in mind; of those found by mDNS the oldest is dropped. */
export const MAX_CANDIDATES = 32
/** Between questions while the request waits for approval, ms. */
export const POLL_MS = 2000
/** After a failure, ms; doubles up to the longest, less up to a half at random. */
export const RETRY_MS = { first: 250, longest: 5000 }
/** One that sent us elsewhere is asked again after this, ms. */
const ELSEWHERE_MS = 10_000
/** How long after the first refusal others may still turn up, ms. */
const HOPE_MS = 5000

export type Refused = Extract<JoinStep, { is: 'refused' }>

/** These may pass by themselves. */
const PASSING = new Set(['JOIN_BUSY'])
/** These say something of the one who answers only: others may be of the mesh. */
const FOREIGN = new Set(['TOKEN_WRONG_MESH', 'JOIN_WRONG_MESH', 'JOIN_ANSWER_INVALID'])

export interface Candidate {
  /** Peer id; for an address without one, the address. */
  key: string
  addresses: string[]
  /** From the token, the command line, or a member: not dropped for ones found by mDNS. */
  known: boolean
  /** Monotonic ms. */
  notBefore: number
  failures: number
  refused?: Refused
}

export class Candidates {
  readonly #all = new Map<string, Candidate>()
  #refusedAt: number | undefined

  get size(): number {
    return this.#all.size
  }

  isKnown(key: string): boolean {
    return this.#all.get(key)?.known === true
  }

  /** New addresses come first. */
  learn(
    key: string,
    addresses: readonly string[],
    { known, notBefore }: { known: boolean; notBefore: number },
  ): void {
    const old = this.#all.get(key)
    const merged = [...new Set([...addresses, ...(old?.addresses ?? [])])].slice(0, MAX_ADDRESSES)
    if (old !== undefined) {
      old.addresses = merged
      old.known ||= known
      if (known && old.refused === undefined) old.notBefore = Math.min(old.notBefore, notBefore)
      return
    }
    if (this.#all.size >= MAX_CANDIDATES && !this.#makeRoom()) return
    this.#all.set(key, { key, addresses: merged, known, notBefore, failures: 0 })
  }

  /** Those to ask now, known ones first. */
  due(now: number, isBusy: (key: string) => boolean): Candidate[] {
    return [...this.#all.values()]
      .filter((at) => at.refused === undefined && at.notBefore <= now && !isBusy(at.key))
      .sort((a, b) => Number(b.known) - Number(a.known) || a.notBefore - b.notBefore)
  }

  failed(key: string, now: number, random: () => number): void {
    this.#later(key, (at) => {
      at.failures += 1
      const full = Math.min(RETRY_MS.longest, RETRY_MS.first * 2 ** Math.min(at.failures - 1, 16))
      at.notBefore = now + full * (1 - random() / 2)
    })
  }

  waiting(key: string, now: number): void {
    this.#later(key, (at) => {
      at.failures = 0
      at.notBefore = now + POLL_MS
    })
  }

  elsewhere(key: string, now: number): void {
    this.#later(key, (at) => {
      at.notBefore = now + ELSEWHERE_MS
    })
  }

  /** Returns the refusal when it is final. */
  refused(key: string, step: Refused, now: number, random: () => number): Refused | undefined {
    if (step.final) return step
    if (PASSING.has(step.code)) {
      this.failed(key, now, random)
      return undefined
    }
    this.#later(key, (at) => {
      at.refused = step
    })
    this.#refusedAt ??= now
    return undefined
  }

  /** The refusal to end with when nobody is left who might say yes. */
  exhausted(now: number): Refused | undefined {
    if (this.#refusedAt === undefined || now - this.#refusedAt < HOPE_MS) return undefined
    const all = [...this.#all.values()].sort((a, b) => Number(b.known) - Number(a.known))
    if (all.some((at) => at.refused === undefined)) return undefined
    return all.find(({ refused }) => refused !== undefined && !FOREIGN.has(refused.code))?.refused
  }

  #later(key: string, change: (at: Candidate) => void): void {
    const at = this.#all.get(key)
    if (at !== undefined) change(at)
  }

  #makeRoom(): boolean {
    for (const at of this.#all.values()) {
      if (at.known) continue
      this.#all.delete(at.key)
      return true
    }
    return false
  }
}
