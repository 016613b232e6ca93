/** What is known about how others reach this peer, put into words. Pure. */
import {
  inSubnet,
  isLoopback,
  isPublic,
  parseAddress,
  type LocalAddress,
} from '../node/addresses.ts'
import type { AnnouncedAddress, ReachKind } from '../types.ts'
import type { Check } from './autonat.ts'
import { isPublicAddress } from './choose.ts'

export interface Seen {
  /** What others are told. */
  announced: readonly string[]
  checks: ReadonlyMap<string, Check>
  local: readonly LocalAddress[]
  /** Hosts that members saw this peer at, by the member's own host. */
  observed: readonly { host: string; by: string }[]
  /** A member from outside of the own networks dialled this peer. */
  dialledFromOutside: boolean
  relays: readonly string[]
}

export function announcedAddress(
  text: string,
  checks: ReadonlyMap<string, Check>,
): AnnouncedAddress {
  const at = parseAddress(text)
  const kind =
    at === undefined
      ? 'private'
      : at.relay !== undefined
        ? 'relayed'
        : isLoopback(at.host)
          ? 'loopback'
          : isPublic(at.host)
            ? 'public'
            : 'private'
  const check = checks.get(text) ?? checks.get(withoutPeer(text))
  return { address: text, kind, ...(check === undefined ? {} : { check }) }
}

const withoutPeer = (text: string): string => text.replace(/\/p2p\/[^/]+$/, '')

/** `host` is in a network that this machine is on. */
export const isNear = (host: string, local: readonly LocalAddress[]): boolean =>
  isLoopback(host) || local.some((at) => inSubnet(host, at))

/** How others reach this peer, and the fact that it is concluded from. */
export function reachOf(seen: Seen): { is: ReachKind; because: string } {
  const { announced, checks, local, observed, dialledFromOutside, relays } = seen
  const open = announced.filter((text) => isPublicAddress(text))
  const results = open.map((text) => checks.get(text) ?? checks.get(withoutPeer(text)))
  if (results.includes('confirmed')) return { is: 'open', because: 'AutoNAT: a member dialled it' }
  if (dialledFromOutside) return { is: 'open', because: 'a member from another network dialled it' }
  if (results.includes('failed')) {
    return { is: 'closed', because: 'AutoNAT: a member could not dial it at its public address' }
  }
  if (open.length > 0) return { is: 'unconfirmed', because: 'no member outside has tried it yet' }
  const far = observed.filter(({ by }) => !isNear(by, local))
  const translated = far.find(({ host }) => !local.some(({ address }) => address === host))
  if (translated !== undefined) {
    const through = relays.length > 0 ? 'reached through relays' : 'nobody outside can dial it'
    return { is: 'nat', because: `members outside see it as ${translated.host}; ${through}` }
  }
  if (far.length > 0)
    return { is: 'routed', because: 'members of other networks see its own address' }
  if (observed.length > 0)
    return { is: 'local', because: 'only members on its own networks were met' }
  return { is: 'unknown', because: 'no member was met yet' }
}
