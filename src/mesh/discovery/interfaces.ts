/**
 * Which interfaces mDNS uses. Pure.
 *
 * One socket per interface: a single one would use the interface of the default route only, find
 * nobody elsewhere, and say nothing. Loopback is used when it is asked for by name, or when no
 * other interface has an address that the agent listens on.
 */
import {
  inSubnet,
  isLoopback,
  isVirtual,
  parseAddress,
  type LocalAddress,
} from '../node/addresses.ts'

export interface MdnsInterface {
  name: string
  /** IPv4 address that the socket joins and sends with. */
  address: string
  internal: boolean
  /** See `LocalAddress`. */
  instance?: string
}

/** `names`: as configured; absent for all that are usable. `listening`: own multiaddrs, unfiltered. */
export function chooseInterfaces(
  local: readonly LocalAddress[],
  listening: readonly string[],
  names?: readonly string[],
): MdnsInterface[] {
  const hosts = new Set(listening.flatMap((text) => hostOf(text) ?? []))
  const first = new Map<string, MdnsInterface>()
  for (const { name, address, internal, instance } of local) {
    if (address.includes(':') || first.has(name)) continue
    first.set(name, { name, address, internal, ...(instance !== undefined && { instance }) })
  }
  const all = [...first.values()]
  if (names !== undefined) return all.filter(({ name }) => names.includes(name))
  const reachable = all.filter(({ name, internal }) => {
    const addresses = local.filter((at) => at.name === name).map((at) => at.address)
    return !internal && addresses.some((address) => hosts.has(address))
  })
  const real = reachable.filter(({ name }) => !isVirtual(name))
  if (real.length > 0) return real
  if (reachable.length > 0) return reachable
  return all.filter(({ internal }) => internal)
}

function hostOf(text: string): string | undefined {
  const at = parseAddress(text)
  return at?.relay === undefined ? at?.host : undefined
}

/**
 * Same set, same addresses, none made anew: the kernel drops the memberships of an interface that
 * goes, also when one with the same name and address comes in the next moment.
 */
export function sameInterfaces(a: readonly MdnsInterface[], b: readonly MdnsInterface[]): boolean {
  const key = (list: readonly MdnsInterface[]) =>
    list
      .map(({ name, address, instance = '' }) => `${name} ${address} ${instance}`)
      .sort()
      .join(', ')
  return key(a) === key(b)
}

/**
 * Whether a packet from `source` belongs to the socket of `own`. Sockets that share a port get the
 * multicasts of every interface; what clearly came over another one is that one's business.
 */
export function cameOver(
  source: string,
  own: MdnsInterface,
  local: readonly LocalAddress[],
): boolean {
  if (isLoopback(source) || own.internal) return own.internal && isLoopback(source)
  const homes = local.filter((at) => inSubnet(source, at)).map(({ name }) => name)
  return homes.length === 0 || homes.includes(own.name)
}
