/** What the egress proxy is given, and what it tells. */
import type { Startable } from '../../util/index.ts'

export interface EgressInit {
  /**
   * What may be reached: `host`, `host:port`, or `*.suffix` with or without a port, which stands for
   * every name below the suffix and not for the suffix itself. Without a port: 443, and 80 for plain http.
   */
  hosts: readonly string[]
  limits?: Partial<EgressLimits>
}

export interface EgressLimits {
  /** Connections at the same time. Default 32. */
  connections: number
  /** Bytes in both directions together, over its life. Default 1 GiB. */
  bytes: number
  /** Time to look up and connect, ms. Default 10,000. */
  connectMs: number
}

/** Why a request was refused. `address`: the name leads into a private, local or reserved network. */
export type EgressRefusalReason = 'host' | 'port' | 'address' | 'lookup' | 'connections' | 'bytes'

export interface EgressRefusal {
  /** Name as it was asked for, cut to 253 characters. */
  host: string
  port: number
  reason: EgressRefusalReason
  count: number
}

export interface EgressReport {
  /** At most 100 different ones; `more` counts requests beyond them. */
  refused: readonly EgressRefusal[]
  more: number
  /** Requests that were let through, by host; at most 100. */
  allowed: readonly { host: string; count: number }[]
  bytes: number
}

/** An HTTP proxy (CONNECT, and absolute-form http) on a unix socket of its own. */
export interface EgressProxy extends Startable {
  /** Path of the socket; only this user may connect. Known after `start`. */
  readonly socket: string
  report(): EgressReport
}
