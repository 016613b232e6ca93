/**
 * Whom to dial and when: libp2p announces a discovered peer once and gives up after a few retries,
 * so after a partition nothing reconnects by itself. Here every known peer that is not connected
 * is dialled again, after 3 s, then later and later up to 30 s, with jitter; and at once when
 * something new was heard of it.
 *
 * The book is bounded in number and age, since anyone on the link can announce peers. The policy
 * is pure: it takes the book's entries, now and random.
 */
import { systemClock, type Clock } from '../../util/index.ts'
import { MAX_ADDRESSES } from '../node/addresses.ts'

/** Between dials of a peer that was not heard of for most of a day, ms. */
const LONGEST_PAUSE_MS = 60 * 60_000

export interface RedialPolicy {
  /** Pause after the first failure, ms; doubles with each further one. */
  baseMs: number
  /** Longest pause, ms. */
  maxMs: number
}

export interface Known {
  /** Peer id; for a bootstrap address without one, the address itself. */
  key: string
  addresses: string[]
  failures: number
  /** Monotonic, ms: not dialled before. */
  notBefore: number
  /** Monotonic, ms: last heard of, or connected. */
  heardAt: number
  /** Monotonic, ms: last dialled; absent before the first dial. */
  attemptedAt?: number
  /** From the configuration: never forgotten. */
  pinned: boolean
}

export interface KnownLimits {
  maxPeers: number
  /** A peer that was not heard of for so long is forgotten, ms. */
  maxAgeMs: number
}

/**
 * Pause before the next dial after `failures` failures in a row, ms: full pause less up to 30 %.
 * `absentMs`: since it was last heard of. Who is away for long is dialled ever more seldom, for a
 * member stays on the roster for weeks after its machine is gone.
 */
export function redialDelay(
  failures: number,
  { baseMs, maxMs }: RedialPolicy,
  random: () => number,
  absentMs = 0,
): number {
  const longest = Math.max(maxMs, Math.min(LONGEST_PAUSE_MS, absentMs / 20))
  const full = Math.min(longest, baseMs * 2 ** Math.min(Math.max(0, failures - 1), 16))
  return full * (1 - 0.3 * random())
}

/** Those to dial now, longest waiting first. */
export function due(
  known: Iterable<Known>,
  now: number,
  isBusy: (key: string) => boolean,
): Known[] {
  return [...known]
    .filter((at) => at.notBefore <= now && !isBusy(at.key))
    .sort((a, b) => a.notBefore - b.notBefore)
}

/** Keys to forget: too old, then the oldest beyond the number. Connected and pinned ones stay. */
export function forgettable(
  known: Iterable<Known>,
  now: number,
  { maxPeers, maxAgeMs }: KnownLimits,
  isConnected: (key: string) => boolean,
): string[] {
  const candidates = [...known]
    .filter((at) => !at.pinned && !isConnected(at.key))
    .sort((a, b) => b.heardAt - a.heardAt)
  return candidates
    .filter((at, index) => index >= maxPeers || now - at.heardAt > maxAgeMs)
    .map(({ key }) => key)
}

/** The address book. */
export class KnownPeers {
  readonly #entries = new Map<string, Known>()
  readonly #limits: KnownLimits
  readonly #clock: Clock
  readonly #isConnected: (key: string) => boolean

  constructor(
    limits: KnownLimits,
    components: { clock?: Clock; isConnected: (key: string) => boolean },
  ) {
    this.#limits = limits
    this.#clock = components.clock ?? systemClock
    this.#isConnected = components.isConnected
  }

  get size(): number {
    return this.#entries.size
  }

  entries(): Iterable<Known> {
    return this.#entries.values()
  }

  get(key: string): Known | undefined {
    return this.#entries.get(key)
  }

  /** New addresses come first; the oldest are dropped. */
  learn(key: string, addresses: readonly string[], { pinned = false } = {}): Known {
    const now = this.#clock.monotonic()
    const known = this.#entries.get(key)
    const next: Known = {
      ...known,
      key,
      addresses: [...new Set([...addresses, ...(known?.addresses ?? [])])].slice(0, MAX_ADDRESSES),
      failures: known?.failures ?? 0,
      notBefore: known?.notBefore ?? now,
      heardAt: now,
      pinned: pinned || known?.pinned === true,
    }
    this.#entries.set(key, next)
    if (known === undefined) this.forget()
    return next
  }

  succeeded(key: string): void {
    const known = this.#entries.get(key)
    if (known === undefined) return
    const now = this.#clock.monotonic()
    this.#entries.set(key, { ...known, failures: 0, notBefore: now, heardAt: now })
  }

  failed(key: string, delayMs: (failures: number, absentMs: number) => number): void {
    const known = this.#entries.get(key)
    if (known === undefined) return
    const failures = known.failures + 1
    const now = this.#clock.monotonic()
    const notBefore = now + delayMs(failures, now - known.heardAt)
    this.#entries.set(key, { ...known, failures, notBefore })
  }

  attempted(key: string): void {
    const known = this.#entries.get(key)
    if (known !== undefined) known.attemptedAt = this.#clock.monotonic()
  }

  /**
   * Brings the next dial forward to `delayMs` from now, yet not sooner than `minPauseMs` after the
   * last one; a first dial may also be put off. Returns the wait until then, ms.
   */
  hurry(key: string, delayMs: number, minPauseMs: number): number {
    const known = this.#entries.get(key)
    if (known === undefined) return 0
    const now = this.#clock.monotonic()
    const at = Math.max(now + delayMs, (known.attemptedAt ?? -Infinity) + minPauseMs)
    if (at < known.notBefore || known.failures === 0) known.notBefore = at
    return Math.max(0, known.notBefore - now)
  }

  drop(key: string): void {
    this.#entries.delete(key)
  }

  forget(): void {
    const now = this.#clock.monotonic()
    for (const key of forgettable(this.#entries.values(), now, this.#limits, this.#isConnected)) {
      this.#entries.delete(key)
    }
  }
}
