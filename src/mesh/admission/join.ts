/**
 * How a machine that is no member becomes one: a small libp2p node with the home's identity asks
 * members over the join protocol until one admits it. It listens to nobody and speaks nothing else.
 *
 *   token's addresses, --address ─┐                      ┌─▶ joined: ends
 *   mDNS, for the mesh's name ────┼─▶ candidates ──ask───┼─▶ pending: asks again every 2 s
 *   signers that a member names ──┘                      ├─▶ elsewhere: asks these first
 *                                                        └─▶ refused: see candidates.ts
 */
import { networkInterfaces } from 'node:os'
import { noise } from '@chainsafe/libp2p-noise'
import type { Libp2p } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import {
  explain,
  nullLogger,
  systemClock,
  throwIfAborted,
  withDeadline,
  type Clock,
  type Logger,
  type Startable,
} from '../../util/index.ts'
import { localAddresses } from '../node/addresses.ts'
import { Counters } from '../counters.ts'
import { createMdns } from '../discovery/mdns.ts'
import { loadIdentity, privateKeyOf } from '../identity.ts'
import type { Joiner, Membership } from '../membership/types.ts'
import { ADDRESS_DIAL_TIMEOUT_MS, DIAL_TIMEOUT_MS } from '../node/node.ts'
import { MAX_PARALLEL_ASKS, Search, type JoinProgress } from './search.ts'

export type { JoinProgress } from './search.ts'

const STOP_TIMEOUT_MS = 3000

export interface JoinInit {
  /** Its identity is the one that is admitted; created when there is none. */
  home: string
  joiner: Joiner
  /** Multiaddrs to ask, with or without peer id, besides those in the token. */
  addresses?: readonly string[]
  /** Of the members that mDNS looks for. Default: the joiner's; without one, mDNS finds nobody. */
  meshName?: string | undefined
  mdns?: {
    enabled: boolean
    interfaces?: readonly string[] | undefined
    port?: number
    intervalMs?: number
  }
  /** Default: none, for machines that wait as long as it takes. */
  timeoutMs?: number | undefined
  signal?: AbortSignal | undefined
  /** What happens meanwhile; may be called with the same step again and again. */
  onStep?: (step: JoinProgress) => void
}

export interface JoinComponents {
  logger?: Logger
  clock?: Clock
  random?: () => number
}

/**
 * Resolves as a member; all is on disk then. Errors: `JOIN_REFUSED` (data: `code` of the refusal,
 * `responder`), `JOIN_TIMEOUT` (data: `peers`: how many were found), `ABORTED`, those of
 * `loadIdentity`, those of writing the home.
 */
export async function joinMesh(
  init: JoinInit,
  { logger = nullLogger, clock = systemClock, random = Math.random }: JoinComponents = {},
): Promise<Membership> {
  const { joiner, signal, timeoutMs } = init
  throwIfAborted(signal)
  const { addresses = [], onStep = () => undefined } = init
  const search = new Search({ joiner, addresses, onStep }, { logger, clock, random })
  const node = await createJoinNode(init.home)
  const mdns = searchLink(init, (key, addresses) => search.found(key, addresses), { logger, clock })
  try {
    await node.start()
    await mdns?.start()
    const run = (inner: AbortSignal) => search.run(node, inner)
    if (timeoutMs === undefined) return await run(signal ?? new AbortController().signal)
    return await withDeadline('join', timeoutMs, run, { signal, clock }).catch((error: unknown) => {
      throw search.timedOut(error)
    })
  } finally {
    search.stop()
    await mdns?.stop()
    await withDeadline('stop', STOP_TIMEOUT_MS, () => node.stop(), { clock }).catch(
      (error: unknown) => logger.debug({ error: explain(error) }, 'libp2p did not stop in time'),
    )
    logger.debug({ peerId: joiner.peerId }, 'the search for the mesh ended')
  }
}

async function createJoinNode(home: string): Promise<Libp2p> {
  return createLibp2p({
    start: false,
    privateKey: privateKeyOf(loadIdentity(home)),
    nodeInfo: { name: 'bzzz', version: '0' },
    addresses: { listen: [] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux({ maxInboundStreams: 8 })],
    connectionManager: {
      maxConnections: 2 * MAX_PARALLEL_ASKS,
      addressDialTimeout: ADDRESS_DIAL_TIMEOUT_MS,
      dialTimeout: DIAL_TIMEOUT_MS,
      addressSorter: () => 0,
      reconnectRetries: 0,
    },
    connectionMonitor: { enabled: false },
  })
}

function searchLink(
  { joiner, mdns, meshName = joiner.meshName }: JoinInit,
  onFound: (peerId: string, addresses: readonly string[]) => void,
  { logger, clock }: { logger: Logger; clock: Clock },
): Startable | undefined {
  if (mdns?.enabled !== true || meshName === undefined) return undefined
  const local = () => localAddresses(networkInterfaces())
  return createMdns(
    {
      intervalMs: 5000,
      port: 5353,
      watchMs: 5000,
      ...mdns,
      meshName,
      peerId: joiner.peerId,
      silent: true,
      // It listens nowhere: every interface that has an address may show a member.
      listening: () =>
        local().flatMap(({ address }) => (address.includes(':') ? [] : `/ip4/${address}/tcp/1`)),
      onFound: ({ peerId, addresses }) => onFound(peerId, addresses),
    },
    { local, counters: new Counters(), logger, clock },
  )
}
