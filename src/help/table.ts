/** The requests that an agent knows: its own, those that it was brought, and the ways that they went. */
import { RecentMap } from '../util/index.ts'
import type { Guest } from './guest.ts'
import { MAX_REQUESTS, MAX_SEEN } from './limits.ts'
import type { Origin } from './origin.ts'
import type { OpenRequest } from './recover.ts'

/** What handing on a letter needs; kept longer than the request itself. */
export interface Way {
  asker: string
  task: { repo: string; issue: number }
  /** Who brought it. */
  before: string
  /** Those whom it was sent to from here. */
  asked: readonly string[]
}

/** Guests, with those that have ended and are kept for late messages. */
const MAX_KEPT = 2 * MAX_REQUESTS

export type Table = ReturnType<typeof createTable>

export function createTable() {
  const origins = new Map<string, Origin>()
  const guests = new Map<string, Guest>()
  const reserved = new Map<string, { origin: string; from: string }>()
  const ways = new RecentMap<string, Way>(MAX_REQUESTS * 4)
  const seen = new RecentMap<string, true>(MAX_SEEN)
  const relayed = new RecentMap<string, number>(MAX_REQUESTS * 4)
  const withdrawn = new RecentMap<string, true>(MAX_SEEN)

  /** What handing on letters needs stays, without the question. */
  function forget(id: string): void {
    const way = ways.get(id)
    if (way !== undefined) ways.set(id, { ...way, asked: [...way.asked] })
    guests.delete(id)
  }

  function makeRoom(): void {
    if (guests.size < MAX_KEPT) return
    for (const [id, guest] of guests) {
      if (guest.state().is === 'ended') return forget(id)
    }
  }

  return {
    hasSeen: (id: string) => seen.has(id) || reserved.has(id),
    see: (id: string) => void seen.set(id, true),
    held: () => [
      ...[...guests.values()].filter((guest) => guest.state().is !== 'ended'),
      ...reserved.values(),
    ],
    /** False when another message of that id is looked at just now. */
    reserve(id: string, of: { origin: string; from: string }): boolean {
      if (reserved.has(id) || seen.has(id)) return false
      reserved.set(id, of)
      return true
    },
    release: (id: string) => void reserved.delete(id),
    add(guest: Guest, path: readonly string[], task: Way['task']): void {
      makeRoom()
      seen.set(guest.id, true)
      guests.set(guest.id, guest)
      ways.set(guest.id, {
        asker: guest.origin,
        task,
        before: path.at(-2) ?? guest.origin,
        get asked() {
          return guest.asked()
        },
      })
    },
    /** A way that the own journal tells of. */
    restore({ id, asker, task, path, asked }: OpenRequest): void {
      ways.set(id, { asker, task, before: path.at(-2) ?? asker, asked })
    },
    forget,
    addOrigin(origin: Origin): void {
      seen.set(origin.question.id, true)
      origins.set(origin.question.id, origin)
    },
    forgetOrigin: (id: string) => void origins.delete(id),
    origin: (id: string) => origins.get(id),
    guest: (id: string) => guests.get(id),
    way: (id: string) => ways.get(id),
    origins: () => [...origins.values()],
    guests: () => [...guests.values()],
    mayRelay(id: string, most: number): boolean {
      const count = relayed.get(id) ?? 0
      relayed.set(id, count + 1)
      return count < most
    },
    /** Once for each request. */
    mayWithdraw(id: string): boolean {
      if (withdrawn.has(id)) return false
      withdrawn.set(id, true)
      return true
    },
  }
}
