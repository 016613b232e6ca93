/**
 * How many strangers may be at the door: peers that are not on the roster and may only ask to join.
 * Anyone who reaches the port can come with any number of identities, so the room for them is
 * small, apart from that for members, and shared by address (an IPv6 network of 64 bits counts as
 * one). Time comes in; nothing waits here.
 */
import { RecentMap } from '../../util/index.ts'
import { Rates } from './rate.ts'

/** Strangers connected at the same time. */
export const MAX_STRANGERS = 8
/** Of these, from one address. */
export const MAX_STRANGERS_PER_ADDRESS = 2
/** Strangers of one address, and of all, let in at once after a quiet time; then per second. */
export const ADDRESS_RATE = { burst: 10, perSecond: 1 }
export const TOTAL_RATE = { burst: 40, perSecond: 8 }
/** A removed peer may come and be told so this often, ms. */
export const REMOVED_PAUSE_MS = 10_000
/** Addresses whose rate is remembered, and removed peers; the one seen longest ago is forgotten. */
const MAX_REMEMBERED = 1000

export type Refusal =
  /** As many strangers as may be are here, or from this address. */
  | 'crowded'
  /** Too many lately. */
  | 'rate'
  /** Removed, and told so just now. */
  | 'removed'

export type Admission =
  { ok: true; /** It went. Idempotent. */ leave: () => void } | { ok: false; reason: Refusal }

/** Hosts that count as one. `address`: IPv4 or IPv6 as text, else taken as it is. */
export function addressKey(address: string): string {
  if (!address.includes(':')) return address
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1]
  if (mapped !== undefined) return mapped
  const [head = '', tail] = address.toLowerCase().split('%')[0]?.split('::') ?? []
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length)
  const groups = [...left, ...Array<string>(zeros).fill('0'), ...right]
  return groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':')
}

export class Reception {
  readonly #here = new Map<string, number>()
  readonly #rates = new Rates(ADDRESS_RATE, MAX_REMEMBERED)
  readonly #total = new Rates(TOTAL_RATE, 1)
  readonly #removed = new RecentMap<string, number>(MAX_REMEMBERED)
  #count = 0

  /** Strangers here now. */
  get count(): number {
    return this.#count
  }

  /** `now`: monotonic ms. A refused one uses up nothing, so that a crowd cannot lock others out. */
  admit(peer: { peerId: string; address: string; removed: boolean }, now: number): Admission {
    const key = addressKey(peer.address)
    const here = this.#here.get(key) ?? 0
    if (this.#count >= MAX_STRANGERS || here >= MAX_STRANGERS_PER_ADDRESS) {
      return { ok: false, reason: 'crowded' }
    }
    const told = peer.removed ? this.#removed.get(peer.peerId) : undefined
    if (told !== undefined && now - told < REMOVED_PAUSE_MS) return { ok: false, reason: 'removed' }
    const isFree = this.#total.left('all', now) >= 1 && this.#rates.left(key, now) >= 1
    if (!isFree) return { ok: false, reason: 'rate' }
    this.#total.take('all', now)
    this.#rates.take(key, now)
    if (peer.removed) this.#removed.set(peer.peerId, now)
    this.#here.set(key, here + 1)
    this.#count += 1
    let gone = false
    const leave = () => {
      if (gone) return
      gone = true
      this.#count -= 1
      const rest = (this.#here.get(key) ?? 1) - 1
      if (rest > 0) this.#here.set(key, rest)
      else this.#here.delete(key)
    }
    return { ok: true, leave }
  }
}
