/** Machines that ask to join without a token: in memory, bounded, forgotten when they ask no more. */
import { RecentMap, type Clock } from '../../util/index.ts'
import { ASK_LIFE_MS, DENIAL_MS, MAX_ASKS, MAX_ASKS_PER_ADDRESS, MAX_DENIALS } from './limits.ts'
import type { AskView, Role } from './types.ts'

export interface Ask {
  peerId: string
  name: string
  roles: Role[]
  address?: string
}

interface Kept extends Ask {
  /** Pending while the words are computed, which takes a moment. */
  words: Promise<string>
  view: AskView | undefined
  since: number
  /** Monotonic. */
  seen: number
  lastAskedAt: number
}

export type AskOutcome = { is: 'new' | 'again'; view: AskView } | { is: 'denied' | 'full' }

export class AskBook {
  readonly #asks = new Map<string, Kept>()
  /** Until when, on the monotonic clock. */
  readonly #denied = new RecentMap<string, number>(MAX_DENIALS)
  readonly #clock: Clock
  readonly #words: (peerId: string) => Promise<string>

  constructor(clock: Clock, words: (peerId: string) => Promise<string>) {
    this.#clock = clock
    this.#words = words
  }

  async ask(ask: Ask): Promise<AskOutcome> {
    this.#forget()
    const { peerId } = ask
    if ((this.#denied.get(peerId) ?? 0) > this.#clock.monotonic()) return { is: 'denied' }
    const before = this.#asks.get(peerId)
    if (before === undefined && !this.#hasRoom(ask.address)) return { is: 'full' }
    const now = this.#clock.now()
    const kept: Kept = {
      ...ask,
      words: before?.words ?? this.#words(peerId),
      view: before?.view,
      since: before?.since ?? now,
      seen: this.#clock.monotonic(),
      lastAskedAt: now,
    }
    this.#asks.set(peerId, kept)
    const view = viewOf(kept, await kept.words)
    kept.view = view
    return { is: before === undefined ? 'new' : 'again', view }
  }

  list(): AskView[] {
    this.#forget()
    return [...this.#asks.values()].flatMap(({ view }) => (view === undefined ? [] : [view]))
  }

  remove(peerId: string): void {
    this.#asks.delete(peerId)
  }

  deny(peerId: string): void {
    this.#asks.delete(peerId)
    this.#denied.set(peerId, this.#clock.monotonic() + DENIAL_MS)
  }

  /** An approval overrules a denial. */
  allow(peerId: string): void {
    this.#asks.delete(peerId)
    this.#denied.delete(peerId)
  }

  #hasRoom(address: string | undefined): boolean {
    const place = hostOf(address)
    const here = [...this.#asks.values()].filter((ask) => hostOf(ask.address) === place)
    return this.#asks.size < MAX_ASKS && here.length < MAX_ASKS_PER_ADDRESS
  }

  #forget(): void {
    const oldest = this.#clock.monotonic() - ASK_LIFE_MS
    for (const [peerId, { seen }] of this.#asks) if (seen < oldest) this.#asks.delete(peerId)
  }
}

/** Of a multiaddr the host alone: ports change with every connection. Unknown ones count as one. */
function hostOf(address: string | undefined): string {
  return (address ?? '').split('/').slice(0, 3).join('/')
}

function viewOf(
  { peerId, name, roles, address, since, lastAskedAt }: Kept,
  words: string,
): AskView {
  return {
    peerId,
    name,
    roles,
    words,
    ...(address === undefined ? {} : { address }),
    since,
    lastAskedAt,
  }
}
