/**
 * How the roster's statements spread among members.
 *
 *   change here ──▶ notice by gossip: what is new, and the digest of all
 *   a notice ─────▶ merge; digests still differ: exchange with its author
 *   a member connects, and every minute with a random one: exchange
 *
 * An exchange is one request with the digest; the answer holds all statements when digests differ,
 * and what the other lacks then goes back the same way. Two that cannot agree (a statement that one
 * of them has dropped already) are not asked again until one of them changes.
 */
import {
  canonicalJson,
  decodeJson,
  encodeJson,
  explain,
  RecentMap,
  repeat,
  sha256,
  systemClock,
  type Clock,
  type Logger,
  type Startable,
} from '../../util/index.ts'
import type { Counters } from '../counters.ts'
import { MeshError } from '../errors.ts'
import type { Membership } from '../membership/types.ts'
import { Rates } from './rate.ts'
import {
  protocols,
  rosterNoticeSchema,
  topics,
  type RosterMessage,
  type RosterNotice,
} from '../wire.ts'

/** Between exchanges with a random member, ms. */
const EXCHANGE_MS = 60_000
/** Changes within this time go out as one notice, ms; short, since who was removed is hung up on after it. */
const COALESCE_MS = 50
/** A member that differs after a notice is asked after a random part of this, ms: not all at once. */
const SPREAD_MS = 1000
/** Exchanges at the same time. */
const MAX_EXCHANGES = 4
/** Of one member: notices, requests, and requests that bring statements. Each may cost many signatures. */
export const NOTICE_RATE = { burst: 20, perSecond: 1 }
export const REQUEST_RATE = { burst: 20, perSecond: 0.5 }
export const STATEMENTS_RATE = { burst: 5, perSecond: 0.2 }
/** Members whose rate is remembered. */
const MAX_RATED = 1000
/** Pairs of digests that an exchange left different. */
const MAX_SETTLED = 256

export interface RosterInit {
  /** Sends a request of the roster protocol to a connected member. */
  request: (peerId: string, body: Uint8Array) => Promise<Uint8Array>
  publish: (notice: RosterNotice) => Promise<void>
  /** Connected members. */
  connected: () => string[]
  /** A change was told, or could not be: who is no member any more may go. */
  onTold: () => void
}

export interface RosterComponents {
  membership: Membership
  counters: Counters
  logger: Logger
  clock?: Clock
  random?: () => number
}

export interface Roster extends Startable {
  /** A member is connected. */
  met(peerId: string): void
  heard(notice: RosterNotice, from: string): void
  /** Answers a request of the roster protocol. Errors: `INVALID`, `TOO_LARGE`, `STREAM_MALFORMED` (too many). */
  answer(body: Uint8Array, from: string): Promise<Uint8Array>
}

export function createRoster(init: RosterInit, components: RosterComponents): Roster {
  const { membership, counters, logger, clock = systemClock, random = Math.random } = components
  const { maxBytes } = protocols.roster
  const exchanging = new Set<string>()
  /** Asked for while too many were under way. */
  const queued = new Set<string>()
  const notices = new Rates(NOTICE_RATE, MAX_RATED)
  const requests = new Rates(REQUEST_RATE, MAX_RATED)
  const deliveries = new Rates(STATEMENTS_RATE, MAX_RATED)
  const settled = new RecentMap<string, true>(MAX_SETTLED)
  let known = new Set<string>()
  let cancelNotice: (() => void) | undefined
  const cancels = new Set<() => void>()
  let running = false

  const loop = repeat(
    async () => {
      const all = init.connected()
      const one = all[Math.floor(random() * all.length)]
      if (one !== undefined) met(one)
    },
    {
      everyMs: EXCHANGE_MS,
      immediate: false,
      onError: (error) => logger.warn({ error: explain(error) }, 'roster exchange failed'),
      clock,
    },
  )

  async function merge(statements: readonly unknown[]): Promise<number> {
    if (statements.length === 0) return 0
    const { added, refused } = await membership.merge(statements)
    counters.add('roster.added', added)
    for (const [reason, count] of Object.entries(refused)) {
      counters.add(`roster.refused.${reason}`, count)
    }
    return added
  }

  /** What came by gossip goes on by gossip: it need not be told again. */
  async function mergeNotice(statements: readonly unknown[]): Promise<void> {
    if ((await merge(statements)) === 0) return
    const now = new Set(membership.statements().map(hash))
    for (const one of statements.map(hash)) if (now.has(one)) known.add(one)
  }

  async function hear({ digest, statements }: RosterNotice, from: string): Promise<void> {
    await mergeNotice(statements)
    if (!running || membership.digest() === digest) return
    later(random() * SPREAD_MS, () => {
      if (membership.digest() !== digest) met(from)
    })
  }

  function met(peerId: string): void {
    if (!running) return
    if (exchanging.has(peerId) || exchanging.size >= MAX_EXCHANGES) {
      queued.add(peerId)
      return
    }
    exchanging.add(peerId)
    void exchange(peerId)
      .catch((error: unknown) => {
        counters.add('roster.failed')
        logger.debug({ peerId, error: explain(error) }, 'roster exchange failed')
      })
      .finally(() => {
        exchanging.delete(peerId)
        const [next] = queued
        if (next === undefined) return
        queued.delete(next)
        met(next)
      })
  }

  async function exchange(peerId: string): Promise<void> {
    const theirs = await ask(peerId, { v: 1, digest: membership.digest() })
    counters.add('roster.exchanges')
    await merge(theirs.statements ?? [])
    if (theirs.digest === membership.digest()) return
    const pair = `${membership.digest()} ${theirs.digest}`
    if (settled.has(pair)) return
    const statements = membership.statements()
    const answer = await ask(peerId, { v: 1, digest: membership.digest(), statements })
    if (answer.digest !== membership.digest()) {
      settled.set(`${membership.digest()} ${answer.digest}`, true)
      counters.add('roster.settled')
    }
  }

  async function ask(peerId: string, message: RosterMessage): Promise<RosterMessage> {
    const answer = await init.request(peerId, encodeJson(message))
    const schema = protocols.roster.response
    return decodeJson(answer, { what: 'roster answer', schema, maxBytes })
  }

  function later(ms: number, run: () => void): () => void {
    const cancel = clock.after(ms, () => {
      cancels.delete(cancel)
      run()
    })
    cancels.add(cancel)
    return cancel
  }

  function changed(): void {
    cancelNotice ??= later(COALESCE_MS, () => {
      cancelNotice = undefined
      void tell()
        .catch((error: unknown) => {
          logger.warn({ error: explain(error) }, 'the new roster could not be told')
        })
        .finally(init.onTold)
    })
  }

  async function tell(): Promise<void> {
    const news = membership.statements().filter((statement) => !known.has(hash(statement)))
    remember()
    if (news.length === 0) return
    await init.publish(notice(membership.digest(), news))
  }

  function remember(): void {
    known = new Set(membership.statements().map(hash))
  }

  return {
    async start() {
      running = true
      remember()
      membership.events.on('change', changed)
      await loop.start()
    },
    async stop() {
      running = false
      membership.events.off('change', changed)
      for (const cancel of cancels) cancel()
      cancels.clear()
      cancelNotice = undefined
      queued.clear()
      await loop.stop()
    },
    met,
    heard(notice, from) {
      if (!notices.take(from, clock.monotonic())) return counters.add('roster.flooded')
      void hear(notice, from).catch((error: unknown) => {
        counters.add('roster.failed')
        logger.warn({ error: explain(error) }, 'a roster notice could not be taken in')
      })
    },
    async answer(body, from) {
      const schema = protocols.roster.request
      const message = decodeJson(body, { what: 'roster request', schema, maxBytes })
      const rates = message.statements === undefined ? requests : deliveries
      if (!rates.take(from, clock.monotonic())) {
        counters.add('roster.flooded')
        throw new MeshError('STREAM_MALFORMED', 'Too many requests of one member.')
      }
      await merge(message.statements ?? [])
      const digest = membership.digest()
      const wanted = digest !== message.digest && message.statements === undefined
      const statements = wanted ? membership.statements() : undefined
      return encodeJson({ v: 1, digest, statements })
    },
  }
}

const hash = (statement: unknown): string => sha256(canonicalJson(statement))

/** With as much as fits: all of it or nothing. */
function notice(digest: string, statements: unknown[]): RosterNotice {
  const whole: RosterNotice = { v: 1, digest, statements }
  const fits =
    rosterNoticeSchema.safeParse(whole).success &&
    encodeJson(whole).byteLength <= topics.roster.maxBytes
  return fits ? whole : { v: 1, digest, statements: [] }
}
