/** Every option of the mesh: what, unit, default. */
import { parseAddress } from './node/addresses.ts'
import { MeshError } from './errors.ts'
import type { Timing } from './presence/index.ts'
import type { Capabilities, LocalCapabilities } from './wire.ts'

export interface MeshInit {
  /** Home of the agent; the identity lives in `home/identity.key`. */
  home: string
  /** Name for people; not unique, proves nothing. At most 64 characters. */
  name: string
  /** Version of the agent. */
  version: string
  /** Announced; only those that the mesh granted count. */
  roles: Capabilities['roles']
  /** Multiaddrs to listen on. Default `/ip4/0.0.0.0/tcp/0`; empty: dial only. */
  listen?: readonly string[]
  /** Further multiaddrs under which others reach it, such as a forwarded port of the router. Default none. */
  announce?: readonly string[]
  relay?: {
    /** Whether to be reached through members that relay, without a public address. Default true. */
    use?: boolean
    /** Whether to relay for members. Default `auto`: with a public address. */
    serve?: 'auto' | boolean
  }
  /** Whether members are asked to dial the own public addresses, and their requests answered. Default true. */
  autonat?: boolean
  /** Whether relayed connections are made direct by hole punching, where it works. Default true. */
  holePunch?: boolean
  /** Whether the router is asked by UPnP to forward a port. Default false. */
  upnp?: boolean
  mdns: {
    enabled: boolean
    /** Names of interfaces, such as `lo` or `eth0`. Default: all that have an address we listen on, loopback if it is the only one. */
    interfaces?: readonly string[] | undefined
    /** Between questions, ms. Default 10,000. */
    intervalMs?: number
    /** UDP port. Default 5353; processes of one machine share it. */
    port?: number
    /** How often the set of interfaces is compared, ms. Default 5,000. */
    watchMs?: number
  }
  dht: {
    enabled: boolean
    /** Multiaddrs that are dialled for ever, with or without `/p2p/…`, and hung up on if no member answers. They work without the DHT, too. */
    bootstrap: readonly string[]
    /** Between walks, ms. Default 10,000. */
    intervalMs?: number
  }
  /** Last word on the addresses that others are told (multiaddrs with peer id). Default: all that the built-in filter leaves. */
  announceFilter?: (addresses: string[]) => string[]
  /** What the agent can do at start; changes go through `announce`. */
  capabilities: LocalCapabilities
  /** Load, free memory and the length of the journal are announced at most so often, ms. Default 30,000. */
  announceIntervalMs?: number
  /** How long a peer that is gone stays known, ms; at most 24 h. Default 90,000. */
  keepGoneMs?: number
  /** Changes within this time go out as one announcement, ms. Default 200. */
  coalesceMs?: number
  /** Between looks at what a random neighbour knows and this one does not, ms. Default 30,000. */
  pictureIntervalMs?: number
  /**
   * When a peer is suspect and when it is gone. Defaults: 2 s from a broken link to suspicion, 10 s of
   * suspicion (three times that when nobody confirms it, more in a mesh of over ten), 90 s of silence
   * until doubt, 3 helpers.
   */
  presence?: Partial<Timing>
  /**
   * Between heartbeats, ms; a link silent for three is closed and dialled again. Beyond 16 connections
   * it grows in proportion. Default 5,000.
   */
  heartbeatIntervalMs?: number
  /** Between probes of a live connection, ms; it is given up 5 s after a lost one. Default 4,000. */
  pingIntervalMs?: number
  redial?: {
    /** Pause after the first failure, ms; doubles. Default 3,000. */
    baseMs?: number
    /** Longest pause, ms. Default 30,000. */
    maxMs?: number
    /** A member not heard of for so long is forgotten, ms. Default 30 days. */
    maxAgeMs?: number
    /** Known peers. Default 1,000. */
    maxPeers?: number
  }
  /**
   * About how many connections are sought when more members are known, besides bootstrap and those
   * that streams need. Up to so many members, each is connected to all. Default 24.
   */
  enoughConnections?: number
}

export type Settings = ReturnType<typeof settings>

const MAX_KEEP_GONE_MS = 86_400_000

/** Checks and fills in. Errors: `MESH_CONFIG_INVALID` (data: `field`). */
export function settings(init: MeshInit) {
  const all = {
    ...init,
    listen: init.listen ?? ['/ip4/0.0.0.0/tcp/0'],
    announce: init.announce ?? [],
    relay: { use: true, serve: 'auto' as const, ...init.relay },
    autonat: init.autonat ?? true,
    holePunch: init.holePunch ?? true,
    upnp: init.upnp ?? false,
    announceFilter: init.announceFilter ?? ((addresses: string[]) => addresses),
    announceIntervalMs: init.announceIntervalMs ?? 30_000,
    keepGoneMs: init.keepGoneMs ?? 90_000,
    pictureIntervalMs: init.pictureIntervalMs ?? 30_000,
    presence: {
      graceMs: 2000,
      suspicionMs: 10_000,
      silentMs: 90_000,
      helpers: 3,
      ...init.presence,
    },
    coalesceMs: init.coalesceMs ?? 200,
    heartbeatIntervalMs: init.heartbeatIntervalMs ?? 5000,
    pingIntervalMs: init.pingIntervalMs ?? 4000,
    enoughConnections: init.enoughConnections ?? 24,
    mdns: { intervalMs: 10_000, port: 5353, watchMs: 5000, ...init.mdns },
    dht: { intervalMs: 10_000, ...init.dht },
    redial: {
      baseMs: 3000,
      maxMs: 30_000,
      maxAgeMs: 30 * 86_400_000,
      maxPeers: 1000,
      ...init.redial,
    },
  }
  if (all.name.length === 0 || all.name.length > 64) {
    throw invalid('name', 'must have 1 to 64 characters')
  }
  if (all.version.length > 32) throw invalid('version', 'must have at most 32 characters')
  for (const address of all.listen) {
    if (!/^\/(ip4|ip6)\/[^/]+\/tcp\/\d+$/.test(address)) {
      throw invalid('listen', `"${address}" must look like /ip4/0.0.0.0/tcp/0`)
    }
  }
  for (const address of all.announce) {
    const at = parseAddress(address)
    if (at === undefined || at.peerId !== undefined) {
      throw invalid('announce', `"${address}" must look like /ip4/198.51.100.7/tcp/4001`)
    }
  }
  for (const address of all.dht.bootstrap) {
    if (parseAddress(address) === undefined) {
      throw invalid('dht.bootstrap', `"${address}" must look like /ip4/192.0.2.7/tcp/4001`)
    }
  }
  if (all.keepGoneMs <= 0 || all.keepGoneMs > MAX_KEEP_GONE_MS) {
    throw invalid('keepGoneMs', `must be 1 to ${MAX_KEEP_GONE_MS}`)
  }
  return all
}

function invalid(field: string, problem: string): MeshError {
  return new MeshError('MESH_CONFIG_INVALID', `${field} ${problem}.`, {
    data: { field },
    next: `Correct ${field} in the configuration.`,
  })
}
