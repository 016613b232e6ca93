/**
 * The whole picture: announcements that one lacks are handed over by any member that has them.
 *
 *   asker                                           answerer
 *     │ digest (and the list, when it is short)        │
 *     ├───────────────────────────────────────────────▶│ same: done
 *     │◀───────────────────────────────────────────────┤
 *     │ digest, list of (peer, startedAt, sequence)    │
 *     ├───────────────────────────────────────────────▶│
 *     │◀──────── announcements that are missing ───────┤ up to 2 MiB, else `more`
 *     │                                                │ lacks something itself: asks back
 *
 * On each new connection, so that a late joiner knows everyone at once; every 30 s with a neighbour at
 * random, so that whatever got lost is repaired; and soon with a few more when something new came this
 * way, so that news crosses a healed partition at the speed of rumours.
 *
 * Answers also say whom the answerer is connected to and when it heard of each: only what it saw
 * itself, since a word about words would keep the dead alive for ever. For the same reason an
 * announcement that was known before brings nobody back, unless who hands it on is connected to them.
 */
import {
  canonicalJson,
  decodeJson,
  encodeJson,
  explain,
  repeat,
  sha256,
  type Clock,
  type Logger,
  type Startable,
} from '../../util/index.ts'
import type { Signed } from './announcement.ts'
import type { Counters } from '../counters.ts'
import { MeshError } from '../errors.ts'
import type { Inbox } from './inbox.ts'
import { pick } from '../presence/index.ts'
import {
  MAX_PICTURE,
  protocols,
  type Have,
  type PictureRequest,
  type PictureResponse,
} from '../wire.ts'

const { maxBytes, maxRequestBytes, request: requestSchema, response: schema } = protocols.picture
/** Lists up to here are sent without asking first whether the digests differ. */
const SHORT_LIST = 8
/** Questions in a row to one peer; each brings at least one announcement. */
const MAX_TURNS = 4
/**
 * Neighbours that are told when something new came: ln(100) and a few more, so that a rumour reaches
 * all of 100 almost surely.
 */
const SPREAD = 8
/** Pictures that are given at the same time. */
const MAX_GIVING = 8
/** Envelope of an answer, and what one announcement takes beside payload and signature, bytes. */
const ENVELOPE_BYTES = 256

export interface PictureInit {
  peerId: string
  /** Between looks at a neighbour at random, ms. */
  everyMs: number
  /** Until news are spread, ms. */
  spreadMs: number
}

export interface PictureComponents {
  /** One question to a connected peer. */
  request: (peerId: string, body: Uint8Array) => Promise<Uint8Array>
  /** The own announcement. */
  own: () => Promise<Signed>
  /** Those of all that are not gone. */
  others: () => Signed[]
  isKnown: (peerId: string) => boolean
  /** Connected members. */
  neighbours: () => string[]
  /** Ms since a connected member was heard. */
  silentFor: (peerId: string) => number | undefined
  inbox: Pick<Inbox, 'handedOn'>
  /** An announcement that is new here. */
  onSigned: (signed: Signed) => void
  /** Another member, `by`, is connected to the peer and heard it so long ago. */
  onWord: (peerId: string, agoMs: number, by: string) => void
  counters: Counters
  logger: Logger
  clock: Clock
  random: () => number
}

export interface Picture extends Startable {
  /** Gets from a connected peer what is missing here. Never rejects. */
  sync(peerId: string): Promise<void>
  /** Answers a peer's question. Errors: `INVALID`, `TOO_LARGE`, `MESH_BUSY`. */
  answer(body: Uint8Array, from: string): Promise<Uint8Array>
}

const haveOf = ({ capabilities }: Signed): Have => [
  capabilities.peerId,
  capabilities.startedAt,
  capabilities.sequence,
]

const isNewer = (a: Have, b: Have | undefined) =>
  b === undefined || a[1] > b[1] || (a[1] === b[1] && a[2] > b[2])

/** Those that `theirs` lacks or has older. Pure. */
export function missing(mine: readonly Signed[], theirs: readonly Have[]): Signed[] {
  const known = new Map(theirs.map((have) => [have[0], have]))
  return mine.filter((signed) => {
    const have = haveOf(signed)
    return isNewer(have, known.get(have[0]))
  })
}

/** As many as fit into an answer. Pure. */
export function fitting(signed: readonly Signed[], maxBytes: number): Signed[] {
  let bytes = ENVELOPE_BYTES
  return signed.slice(0, MAX_PICTURE).filter(({ announcement }) => {
    bytes += Buffer.byteLength(JSON.stringify(announcement)) + 1
    return bytes <= maxBytes
  })
}

export function createPicture(init: PictureInit, components: PictureComponents): Picture {
  const { peerId: own, everyMs, spreadMs } = init
  const { inbox, neighbours, counters, logger, clock, random } = components
  const syncing = new Set<string>()
  const owed = new Set<string>()
  let hot = false
  let giving = 0
  let cancelSpread: (() => void) | undefined
  let running = false

  async function mine(): Promise<Signed[]> {
    const all = [await components.own(), ...components.others()].slice(0, MAX_PICTURE)
    return all.sort((a, b) => (a.capabilities.peerId < b.capabilities.peerId ? -1 : 1))
  }

  const digestOf = (have: readonly Have[]) => sha256(canonicalJson(have))

  /** One question; `isWhole`: it had the list, so the answer is all that there is to get now. */
  async function ask(peerId: string, withList: boolean) {
    const have = (await mine()).map(haveOf)
    const isWhole = withList || have.length <= SHORT_LIST
    const question: PictureRequest = { v: 1, digest: digestOf(have), ...(isWhole && { have }) }
    const body = await components.request(peerId, encodeJson(question))
    counters.add('pictures.asked')
    return { isWhole, answer: decodeJson(body, { what: 'picture', schema, maxBytes }) }
  }

  async function pull(peerId: string): Promise<void> {
    for (let turn = 0; turn < MAX_TURNS; turn += 1) {
      const { answer, isWhole } = await ask(peerId, turn > 0)
      const heard = new Map(answer.heard)
      const news = await take(answer, heard)
      for (const [of, agoMs] of heard) if (of !== own) components.onWord(of, agoMs, peerId)
      if (news > 0) spread()
      if (answer.same || (isWhole && !answer.more)) return
    }
  }

  async function take(
    { announcements }: PictureResponse,
    heard: ReadonlyMap<string, number>,
  ): Promise<number> {
    let news = 0
    for (const announcement of announcements) {
      const verdict = await inbox.handedOn(announcement)
      if (!verdict.ok) continue
      const { peerId } = verdict.message.capabilities
      const isBack = heard.has(peerId) && !components.isKnown(peerId)
      if (peerId === own || (!verdict.isNew && !isBack)) continue
      news += 1
      components.onSigned(verdict.message)
    }
    if (news > 0) counters.add('pictures.news', news)
    return news
  }

  async function sync(peerId: string): Promise<void> {
    if (!running || syncing.has(peerId)) return
    syncing.add(peerId)
    owed.delete(peerId)
    try {
      await pull(peerId)
    } catch (error) {
      counters.add('pictures.failed')
      logger.debug({ peerId, error: explain(error) }, 'no picture')
    } finally {
      syncing.delete(peerId)
    }
  }

  /** Something new came, or `from` has something new: soon, and once for all that comes until then. */
  function spread(from?: string): void {
    if (from === undefined) hot = true
    else owed.add(from)
    if (!running || cancelSpread !== undefined) return
    cancelSpread = clock.after(spreadMs * (0.5 + random() / 2), () => {
      cancelSpread = undefined
      const known = neighbours()
      const asked = [...owed].filter((peerId) => known.includes(peerId))
      const chosen = hot ? pick(known, SPREAD, random) : []
      hot = false
      owed.clear()
      for (const peerId of new Set([...asked, ...chosen])) void sync(peerId)
    })
  }

  async function give({ digest, have }: PictureRequest, from: string): Promise<PictureResponse> {
    const all = await mine()
    const heard = neighbours().flatMap((peerId): [string, number][] => {
      const agoMs = components.silentFor(peerId)
      return agoMs === undefined || peerId === from ? [] : [[peerId, Math.round(agoMs)]]
    })
    const known = { v: 1 as const, heard: heard.slice(0, MAX_PICTURE) }
    if (digest === digestOf(all.map(haveOf))) {
      return { ...known, same: true, announcements: [], more: false }
    }
    if (have === undefined) return { ...known, same: false, announcements: [], more: false }
    const lacked = missing(all, have)
    const given = fitting(lacked, maxBytes - heard.length * 80)
    const here = new Map(all.map((signed) => [signed.capabilities.peerId, haveOf(signed)]))
    const knowsMore = have.some((at) => at[0] !== own && isNewer(at, here.get(at[0])))
    if (knowsMore) spread(from)
    const announcements = given.map(({ announcement }) => announcement)
    const more = given.length < lacked.length
    return { ...known, same: lacked.length === 0, announcements, more }
  }

  const loop = repeat(
    async () => {
      const [chosen] = pick(neighbours(), 1, random)
      if (chosen !== undefined) await sync(chosen)
    },
    {
      everyMs,
      maxDelayMs: everyMs,
      immediate: false,
      onError: (error) => logger.warn({ error: explain(error) }, 'picture failed'),
      clock,
      random,
    },
  )

  return {
    async start() {
      running = true
      await loop.start()
    },
    async stop() {
      running = false
      cancelSpread?.()
      cancelSpread = undefined
      owed.clear()
      await loop.stop()
    },
    sync,
    async answer(body, from) {
      const options = { what: 'picture request', schema: requestSchema, maxBytes: maxRequestBytes }
      const question = decodeJson(body, options)
      if (giving >= MAX_GIVING) {
        throw new MeshError('MESH_BUSY', 'Too many peers ask for the picture at once.')
      }
      giving += 1
      counters.add('pictures.given')
      try {
        return encodeJson(await give(question, from))
      } finally {
        giving -= 1
      }
    },
  }
}
