/**
 * Which of many addresses can matter. Pure: interfaces and addresses come in, a choice goes out.
 *
 * A machine has more addresses than others can use: loopback, bridges of containers, link-local.
 * A dead first address costs a dial timeout, so they are dropped before they are announced and
 * again, with the own subnets in view, before they are dialled. Nothing is dropped when it is the
 * only kind there is.
 *
 * An address through a relay, `…/p2p/RELAY/p2p-circuit/p2p/PEER`, comes after those that lead to
 * the peer itself; and few of those come before it, so that dead ones leave time for the relay.
 */
import { BlockList, isIP, isIPv6 } from 'node:net'
import type { NetworkInterfaceInfo } from 'node:os'
import { isPrivateIp } from '@libp2p/utils'
import { multiaddr } from '@multiformats/multiaddr'

/** Most addresses kept, announced or dialled per peer. */
export const MAX_ADDRESSES = 16
/** Longest multiaddr text that is looked at; a TXT string holds 255. */
export const MAX_ADDRESS_LENGTH = 255
/** Most addresses through relays, announced or dialled per peer. */
export const MAX_RELAYED = 6
/** Addresses that are tried before those through a relay: at 2 s each they leave time for two. */
export const MAX_BEFORE_RELAY = 3

export interface LocalAddress {
  /** Name of the interface: "eth0". */
  name: string
  address: string
  /** "192.0.2.2/24". */
  cidr: string
  internal: boolean
  /** Changes when the interface is made anew, even with the same name and address. */
  instance?: string
}

export interface HostAddress {
  /** Of the peer; of the relay, when there is one. */
  host: string
  port: number
  peerId: string | undefined
  /** Peer id of the relay that it leads through. */
  relay?: string
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

/** From anywhere, as far as the address tells; what a name stands for is not looked up. */
export function isPublic(host: string): boolean {
  return isIP(host) === 0 ? host !== 'localhost' : !isLoopback(host) && isPrivateIp(host) === false
}

/**
 * `os.networkInterfaces()` as a flat list. `indexOf`: the kernel's number of an interface, which is
 * never used twice; without it, only the hardware address tells a new interface from the old one.
 */
export function localAddresses(
  interfaces: Readonly<Record<string, NetworkInterfaceInfo[] | undefined>>,
  indexOf: (name: string) => string = () => '',
): LocalAddress[] {
  return Object.entries(interfaces).flatMap(([name, list]) =>
    (list ?? []).flatMap(({ address, cidr, internal, mac }) =>
      cidr === null
        ? []
        : [{ name, address, cidr, internal, instance: `${indexOf(name)} ${mac}`.trim() }],
    ),
  )
}

/**
 * Host, TCP port and peer id of a multiaddr, and its relay if it has one; undefined when it is not
 * TCP over IP or DNS. The peer at the end of a relay address must be named.
 */
export function parseAddress(text: string): HostAddress | undefined {
  if (text.length > MAX_ADDRESS_LENGTH) return undefined
  try {
    const [host, tcp, ...rest] = multiaddr(text).getComponents()
    if (host?.value === undefined || tcp?.name !== 'tcp') return undefined
    if (!['ip4', 'ip6', 'dns', 'dns4', 'dns6'].includes(host.name)) return undefined
    const port = Number(tcp.value)
    if (!Number.isInteger(port) || port < 1) return undefined
    const names = rest.map(({ name }) => name).join('/')
    const [first, , last] = rest
    const at = { host: host.value, port }
    if (names === '' || names === 'p2p') return { ...at, peerId: first?.value }
    if (names !== 'p2p/p2p-circuit/p2p' || first?.value === undefined) return undefined
    return last?.value === undefined || last.value === first.value
      ? undefined
      : { ...at, peerId: last.value, relay: first.value }
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

/**
 * What goes out to everyone (identify, DHT): the best kind that exists, and some of those through
 * relays. Those to a relay on this machine matter only when there is nothing better.
 */
export function announceable(
  addresses: readonly string[],
  local: readonly LocalAddress[],
): string[] {
  const chosen = best(addresses, (host) => {
    if (isLoopback(host)) return 3
    if (isLinkLocal(host)) return 2
    const own = local.find((at) => at.address === host)
    return own !== undefined && isVirtual(own.name) ? 1 : 0
  })
  const relayed = chosen.filter((text) => isRelayed(text))
  const direct = chosen.filter((text) => !isRelayed(text))
  return [...direct, ...relayed.slice(0, MAX_RELAYED)]
}

export const isRelayed = (text: string): boolean => text.includes('/p2p-circuit')

/**
 * What goes out by mDNS on one interface: loopback stays on loopback, others get its own addresses.
 * Who hears it is on the link, and needs no relay.
 */
export function announceableOn(
  addresses: readonly string[],
  { name, internal }: Pick<LocalAddress, 'name' | 'internal'>,
  local: readonly LocalAddress[],
): string[] {
  const kind = addresses.filter((text) => {
    const at = parseAddress(text)
    return at !== undefined && at.relay === undefined && isLoopback(at.host) === internal
  })
  const own = kind.filter((text) => {
    const host = parseAddress(text)?.host
    return local.some((at) => at.name === name && at.address === host)
  })
  return (own.length > 0 || internal ? own : kind).slice(0, MAX_ADDRESSES)
}

export interface DialOptions {
  /** Own peer id: what leads through oneself is left out. */
  self?: string
  /** Whether there is a connection to a relay: that way is open, the others may not be. */
  isConnected?: (relay: string) => boolean
}

/**
 * What is worth dialling, best first: a subnet that is shared by a real interface, then any other,
 * then what seems to be a bridge's or link-local. Loopback only when nothing else is known or
 * everything else is on this machine too. Last, through relays: first those that are connected.
 */
export function dialable(
  addresses: readonly string[],
  local: readonly LocalAddress[],
  { self, isConnected = () => false }: DialOptions = {},
): string[] {
  const rank = (host: string): number => {
    if (isLoopback(host)) return 1
    const shared = local.find((at) => !at.internal && inSubnet(host, at))
    if (shared === undefined) return isLinkLocal(host) ? 3 : 2
    return isVirtual(shared.name) ? 4 : 0
  }
  const ranked = [...new Set(addresses)]
    .flatMap((text) => {
      const at = parseAddress(text)
      if (at === undefined || (self !== undefined && [at.relay, at.peerId].includes(self)))
        return []
      return [{ text, rank: rank(at.host), relay: at.relay }]
    })
    .sort((a, b) => a.rank - b.rank)
  const direct = ranked.filter(({ relay }) => relay === undefined)
  const useful = direct.filter((at) => at.rank < 3)
  const chosen = (useful.length > 0 ? useful : direct).map(({ text }) => text)
  const relayed = ranked.flatMap(({ text, relay }) =>
    relay === undefined ? [] : [{ text, relay }],
  )
  if (relayed.length === 0) return chosen.slice(0, MAX_ADDRESSES)
  const open = relayed.filter(({ relay }) => isConnected(relay))
  const shut = relayed.filter(({ relay }) => !isConnected(relay))
  return [
    ...chosen.slice(0, MAX_BEFORE_RELAY),
    ...[...firstOfEach(open), ...shut].map(({ text }) => text).slice(0, MAX_RELAYED),
  ]
}

/** With a connection to the relay at hand, one address is as good as another. */
function firstOfEach<T extends { relay: string }>(list: readonly T[]): T[] {
  return list.filter(({ relay }, index) => list.findIndex((at) => at.relay === relay) === index)
}

function best(addresses: readonly string[], rank: (host: string) => number): string[] {
  const ranked = addresses.map((text) => {
    const at = parseAddress(text)
    return { text, rank: at === undefined ? 0 : rank(at.host) }
  })
  const least = Math.min(...ranked.map((at) => at.rank))
  return ranked.filter((at) => at.rank === least).map(({ text }) => text)
}
