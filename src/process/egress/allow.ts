/**
 * Which hosts and addresses may be reached. Names are compared as the resolver takes them: lower case,
 * no dot at the end. What is not surely a public unicast address counts as private. Pure.
 */
import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'
import { ProcessError } from '../errors.ts'
import type { EgressRefusalReason } from './types.ts'

export interface Rule {
  /** A name, an address without brackets, or what stands after `*` with its dot. */
  host: string
  below: boolean
  /** Undefined: the port of the scheme. */
  port: number | undefined
}

export interface Target {
  host: string
  port: number
  /** Plain http, not a tunnel. */
  plain: boolean
}

const NAME =
  /^(?=.{1,253}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/
/** Carrier-grade addresses of a cloud's metadata, outside of the link-local ranges. */
const METADATA = new Set(['fd00:ec2::254', '100.100.100.200', '192.0.0.192', '168.63.129.16'])

/** Errors: `EGRESS_HOST` (data: host). */
export function parseRule(text: string): Rule {
  const match = /^(\*)?(?:\[([^\]]+)\]|([^:[\]]*))(?::(\d{1,5}))?$/.exec(text.trim())
  const host = bare(match?.[2] ?? match?.[3] ?? '')
  const below = match?.[1] !== undefined
  const port = match?.[4] === undefined ? undefined : Number(match[4])
  const named = below ? host.startsWith('.') && NAME.test(host.slice(1)) : isHost(host)
  const ported = port === undefined || (port >= 1 && port <= 65_535)
  // "*.com" would stand for nearly everything.
  if (match !== null && named && ported && !(below && !host.slice(1).includes('.'))) {
    return { host, below, port }
  }
  throw new ProcessError('EGRESS_HOST', `"${text.slice(0, 300)}" names no host.`, {
    data: { host: text.slice(0, 300) },
    next: 'Write HOST, HOST:PORT or *.SUFFIX of at least two words, such as api.example.com or *.example.com:8443.',
  })
}

/** Undefined when it may be asked for. */
export function refusalOf(
  rules: readonly Rule[],
  { host, port, plain }: Target,
): EgressRefusalReason | undefined {
  const wanted = bare(host)
  const named = rules.filter((rule) =>
    rule.below
      ? isIP(wanted) === 0 && wanted.endsWith(rule.host) && wanted.length > rule.host.length
      : rule.host === wanted,
  )
  if (named.length === 0) return 'host'
  return named.some((rule) => port === (rule.port ?? (plain ? 80 : 443))) ? undefined : 'port'
}

/** `local`: to be reached only where that was allowed by name. `never`: metadata and link-local. */
export function kindOf(address: string): 'public' | 'local' | 'never' {
  if (isIP(address) === 0) return 'never'
  const parsed = ipaddr.process(address.replace(/%.*$/, ''))
  if (METADATA.has(parsed.toString())) return 'never'
  const range = parsed.range()
  if (range === 'unicast') return 'public'
  return range === 'linkLocal' || range === 'multicast' || range === 'broadcast' ? 'never' : 'local'
}

/** Host and port of `CONNECT host:port`; undefined for anything else. */
export function parseAuthority(text: string): { host: string; port: number } | undefined {
  const match = /^(?:\[([0-9A-Fa-f:.]{2,45})\]|([A-Za-z0-9._-]{1,253})):(\d{1,5})$/.exec(text)
  const host = bare(match?.[1] ?? match?.[2] ?? '')
  const port = Number(match?.[3] ?? 0)
  return isHost(host) && port >= 1 && port <= 65_535 ? { host, port } : undefined
}

/** Numbers that some resolvers read as addresses ("0x7f.1", "2130706433") are no names. */
export const isHost = (host: string) =>
  isIP(host) !== 0 ||
  (NAME.test(host) && !/^(?:0x[0-9a-f]*|\d+)$/.test(host.split('.').at(-1) ?? ''))

const bare = (host: string) => host.toLowerCase().replace(/\.$/, '')
