/**
 * Peers of the mesh's name that the roster does not name: of another mesh, or members that are not
 * known here yet. Pure: time comes in.
 *
 * They are not dialled. Who knows us dials us, and whom a new roster names is taken from here. Only one
 * that is alone looks at one of them now and then: after a long partition it may be that neither
 * knows the other, and nobody is left who knows both.
 */
import { RecentMap } from '../../util/index.ts'
import { MAX_ADDRESSES } from '../node/addresses.ts'

/** The one heard of longest ago is forgotten. */
export const MAX_STRANGERS = 64
/** Alone for so long before the first visit; then between visits, ms. */
export const ALONE_MS = 10_000
export const VISIT_PAUSE_MS = 60_000

export interface StrangerPeer {
  peerId: string
  addresses: string[]
}

export class Strangers {
  readonly #heard = new RecentMap<string, string[]>(MAX_STRANGERS)
  /** Those of a round that were visited. */
  readonly #visited = new Set<string>()
  #visitAt: number | undefined

  heardOf(peerId: string, addresses: readonly string[]): void {
    this.#heard.set(peerId, addresses.slice(0, MAX_ADDRESSES))
  }

  /** Whom to look at now, each once before any again. Asked often; `now`: monotonic ms. */
  visit(now: number, isAlone: boolean): StrangerPeer | undefined {
    if (!isAlone) this.#visitAt = undefined
    else this.#visitAt ??= now + ALONE_MS
    if (this.#visitAt === undefined || now < this.#visitAt || this.#heard.size === 0)
      return undefined
    this.#visitAt = now + VISIT_PAUSE_MS
    let next = [...this.#heard].find(([peerId]) => !this.#visited.has(peerId))
    if (next === undefined) {
      this.#visited.clear()
      next = [...this.#heard][0]
    }
    if (next === undefined) return undefined
    const [peerId, addresses] = next
    this.#visited.add(peerId)
    if (this.#visited.size > MAX_STRANGERS) this.#visited.clear()
    return { peerId, addresses }
  }

  /** Takes out who has become a member. */
  take(isMember: (peerId: string) => boolean): StrangerPeer[] {
    const members = [...this.#heard].filter(([peerId]) => isMember(peerId))
    for (const [peerId] of members) this.#heard.delete(peerId)
    return members.map(([peerId, addresses]) => ({ peerId, addresses }))
  }
}
