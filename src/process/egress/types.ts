/** What the egress proxy is given, and what it tells. */
import type { Startable } from '../../util/index.ts'

export interface EgressInit {
  /**
   * What may be reached: `host`, `host:port`, or `*.suffix` with or without a port, which stands for
   * every name below the suffix and not for the suffix itself. Without a port: 443, and 80 for plain
   * http. IPv6 addresses stand in brackets. Errors at the start: `EGRESS_HOST`.
   */
  hosts: readonly string[]
  /**
   * In the same form: names and addresses that may also lead into a private network or to this machine.
   * Link-local addresses, where clouds have their metadata, are never reached. Default none.
   */
  privateHosts?: readonly string[]
  limits?: Partial<EgressLimits>
}

export interface EgressLimits {
  /** Connections at the same time. Default 64. */
  connections: number
  /** Bytes in both directions together, over its life. Default 1 GiB. */
  bytes: number
  /** Time to look up and connect, ms. Default 10,000. */
  connectMs: number
  /** Time in which nothing moves, ms. Default 600,000. */
  idleMs: number
}

/**
 * Why a request was refused. `request`: it was none that a proxy can do. `address`: the name leads into
 * a private, local or reserved network. `unreachable`: it may be reached, and did not answer.
 */
export type EgressRefusalReason =
  'request' | 'host' | 'port' | 'address' | 'lookup' | 'unreachable' | 'connections' | 'bytes'

export interface EgressRefusal {
  /** Name as it was asked for, cut to 253 characters of visible ASCII. */
  host: string
  port: number
  reason: EgressRefusalReason
  count: number
}

export interface EgressReport {
  /** At most 40 different ones; `more` counts requests beyond them. */
  refused: EgressRefusal[]
  more: number
  /** Requests that were let through, by host and port; at most 40. */
  allowed: { host: string; port: number; count: number }[]
  bytes: number
}

/** Addresses of a name, all of them. Default: the system's resolver. */
export type Lookup = (host: string) => Promise<readonly string[]>

/** An HTTP proxy (CONNECT, and absolute-form http) on a unix socket of its own. */
export interface EgressProxy extends Startable {
  /** Path of the socket; only this user may connect. Errors: `INVALID` before the start. */
  readonly socket: string
  report(): EgressReport
}
