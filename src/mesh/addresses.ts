/**
 * Which of many addresses can matter. Pure: interfaces and addresses come in, a choice goes out.
 *
 * A machine has more addresses than others can use: loopback, bridges of containers, link-local.
 * A dead first address costs a dial timeout, so they are dropped before they are announced and
 * again, with the own subnets in view, before they are dialled. Nothing is dropped when it is the
 * only kind there is.
 */
import { BlockList, isIP, isIPv6 } from 'node:net'
import type { NetworkInterfaceInfo } from 'node:os'
import { multiaddr } from '@multiformats/multiaddr'

/** Most addresses kept, announced or dialled per peer. */
export const MAX_ADDRESSES = 16
/** Longest multiaddr text that is looked at; a TXT string holds 255. */
export const MAX_ADDRESS_LENGTH = 255

export interface LocalAddress {
  /** Name of the interface: "eth0". */
  name: string
  address: string
  /** "192.0.2.2/24". */
  cidr: string
  internal: boolean
}

export interface HostAddress {
  host: string
  port: number
  peerId: string | undefined
}

/** Bridges and tunnels of container and virtual-machine software. */
const VIRTUAL =
  /^(docker|br-|veth|virbr|vmnet|vboxnet|podman|cni|flannel|cali|kube|lxc|lxd|nerdctl|vEthernet)/

export const isVirtual = (interfaceName: string): boolean => VIRTUAL.test(interfaceName)

export function isLoopback(host: string): boolean {
  return host.startsWith('127.') || host === '::1' || host === 'localhost'
}

function isLinkLocal(host: string): boolean {
  return host.startsWith('169.254.') || /^fe[89ab]/i.test(host)
}

/** `os.networkInterfaces()` as a flat list. */
export function localAddresses(
  interfaces: Readonly<Record<string, NetworkInterfaceInfo[] | undefined>>,
): LocalAddress[] {
  return Object.entries(interfaces).flatMap(([name, list]) =>
    (list ?? []).flatMap(({ address, cidr, internal }) =>
      cidr === null ? [] : [{ name, address, cidr, internal }],
    ),
  )
}

/** Host, TCP port and peer id of a multiaddr; undefined when it is not TCP over IP or DNS. */
export function parseAddress(text: string): HostAddress | undefined {
  if (text.length > MAX_ADDRESS_LENGTH) return undefined
  try {
    const parts = multiaddr(text).getComponents()
    const [host, tcp, p2p] = parts
    if (host?.value === undefined || tcp?.name !== 'tcp' || parts.length > 3) return undefined
    if (!['ip4', 'ip6', 'dns', 'dns4', 'dns6'].includes(host.name)) return undefined
    if (p2p !== undefined && p2p.name !== 'p2p') return undefined
    const port = Number(tcp.value)
    if (!Number.isInteger(port) || port < 1) return undefined
    return { host: host.value, port, peerId: p2p?.value }
  } catch {
    return undefined
  }
}

/** True when `host` is in the subnet of `local`. */
export function inSubnet(host: string, { cidr }: LocalAddress): boolean {
  const [network, prefix] = cidr.split('/')
  if (network === undefined || isIP(host) === 0 || isIPv6(host) !== isIPv6(network)) return false
  const type = isIPv6(host) ? 'ipv6' : 'ipv4'
  const list = new BlockList()
  list.addSubnet(network, Number(prefix), type)
  return list.check(host, type)
}

/** What goes out to everyone (identify, DHT): the best kind that exists. */
export function announceable(
  addresses: readonly string[],
  local: readonly LocalAddress[],
): string[] {
  return best(addresses, (host) => {
    if (isLoopback(host)) return 3
    if (isLinkLocal(host)) return 2
    const own = local.find((at) => at.address === host)
    return own !== undefined && isVirtual(own.name) ? 1 : 0
  })
}

/** What goes out by mDNS on one interface: loopback stays on loopback, others get its own addresses. */
export function announceableOn(
  addresses: readonly string[],
  { name, internal }: Pick<LocalAddress, 'name' | 'internal'>,
  local: readonly LocalAddress[],
): string[] {
  const kind = addresses.filter((text) => {
    const at = parseAddress(text)
    return at !== undefined && isLoopback(at.host) === internal
  })
  const own = kind.filter((text) => {
    const host = parseAddress(text)?.host
    return local.some((at) => at.name === name && at.address === host)
  })
  return (own.length > 0 || internal ? own : kind).slice(0, MAX_ADDRESSES)
}

/**
 * What is worth dialling, best first: a subnet that is shared by a real interface, then any other,
 * then what seems to be a bridge's or link-local. Loopback only when nothing else is known or
 * everything else is on this machine too.
 */
export function dialable(addresses: readonly string[], local: readonly LocalAddress[]): string[] {
  const rank = (host: string): number => {
    if (isLoopback(host)) return 1
    const shared = local.find((at) => !at.internal && inSubnet(host, at))
    if (shared === undefined) return isLinkLocal(host) ? 3 : 2
    return isVirtual(shared.name) ? 4 : 0
  }
  const ranked = addresses
    .flatMap((text) => {
      const at = parseAddress(text)
      return at === undefined ? [] : [{ text, rank: rank(at.host) }]
    })
    .sort((a, b) => a.rank - b.rank)
  const useful = ranked.filter((at) => at.rank < 3)
  return [...new Set((useful.length > 0 ? useful : ranked).map(({ text }) => text))].slice(
    0,
    MAX_ADDRESSES,
  )
}

function best(addresses: readonly string[], rank: (host: string) => number): string[] {
  const ranked = addresses.map((text) => {
    const at = parseAddress(text)
    return { text, rank: at === undefined ? 0 : rank(at.host) }
  })
  const least = Math.min(...ranked.map((at) => at.rank))
  return ranked.filter((at) => at.rank === least).map(({ text }) => text)
}
