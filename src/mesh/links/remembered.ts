/**
 * Where members were reached, kept in the home (`peers.json`), so that a restarted agent finds its
 * mesh again where no multicast shows it. Best effort: nothing waits for it, and losing it costs
 * only time.
 */
import { z } from 'zod'
import { repeat, explain, type Clock, type Logger, type Startable } from '../../util/index.ts'
import { MAX_ADDRESS_LENGTH, parseAddress } from '../node/addresses.ts'
import { homeFile } from '../home-file.ts'

const FILE = 'peers.json'
/** Members that are remembered; the roster holds no more. */
export const MAX_REMEMBERED_MEMBERS = 1000
/** Of each, newest first. */
export const MAX_REMEMBERED_ADDRESSES = 4
const MAX_BYTES = 2 * 1024 * 1024
/** From something new to the file, ms. */
const SAVE_MS = 2000

const schema = z.object({
  v: z.literal(1),
  /** Peer id → multiaddrs. */
  peers: z.record(
    z.string().max(64),
    z.array(z.string().max(MAX_ADDRESS_LENGTH)).max(MAX_REMEMBERED_ADDRESSES),
  ),
})

export interface Remembered extends Startable {
  /** Those of members, as of the last run. */
  load(): Promise<[peerId: string, addresses: string[]][]>
  /** A member is reachable there. */
  note(peerId: string, addresses: readonly string[]): void
  /** Drops who is no member any more. */
  sift(): void
}

export function createRemembered(
  { home, isMember }: { home: string; isMember: (peerId: string) => boolean },
  { logger, clock }: { logger: Logger; clock: Clock },
): Remembered {
  const file = homeFile({ home, name: FILE, schema, maxBytes: MAX_BYTES }, { logger })
  const peers = new Map<string, string[]>()
  let dirty = false

  async function save(): Promise<void> {
    if (!dirty) return
    dirty = false
    await file.write({ v: 1, peers: Object.fromEntries(peers) })
  }

  const loop = repeat(save, {
    everyMs: SAVE_MS,
    immediate: false,
    onError: (error) => logger.warn({ error: explain(error) }, 'addresses were not saved'),
    clock,
  })

  function sift(): void {
    for (const peerId of peers.keys()) {
      if (!isMember(peerId)) dirty = peers.delete(peerId) || dirty
    }
  }

  return {
    start: () => loop.start(),
    async stop() {
      await loop.stop()
      await save()
    },
    async load() {
      for (const [peerId, addresses] of Object.entries((await file.read())?.peers ?? {})) {
        const usable = addresses.filter((text) => parseAddress(text) !== undefined)
        if (isMember(peerId) && usable.length > 0) peers.set(peerId, usable)
      }
      return [...peers]
    },
    note(peerId, addresses) {
      const bare = addresses
        .filter((text) => parseAddress(text) !== undefined)
        .map((text) => text.replace(/\/p2p\/.*$/, ''))
      const usable = [...new Set(bare)].slice(0, MAX_REMEMBERED_ADDRESSES)
      const old = peers.get(peerId)
      if (usable.length === 0 || same(old, usable) || !isMember(peerId)) return
      if (old === undefined && peers.size >= MAX_REMEMBERED_MEMBERS) return
      peers.set(peerId, usable)
      dirty = true
    },
    sift,
  }
}

function same(a: readonly string[] | undefined, b: readonly string[]): boolean {
  return a?.length === b.length && a.every((text, at) => text === b[at])
}
