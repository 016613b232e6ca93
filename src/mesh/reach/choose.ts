/** Decisions about relays and direct connections. Pure. */
import { isPublic, parseAddress, type LocalAddress } from '../node/addresses.ts'

/** Relays that are used at the same time: one may go. */
export const RELAYS_WANTED = 2

export interface RelayCandidate {
  peerId: string
  /** Reserved there already. */
  held: boolean
  /** Refusals and failures in a row. */
  failures: number
  /** Monotonic, ms: not asked before. */
  notBefore: number
}

/** With whom to reserve now: those that failed least, the rest by chance, as many as are missing. */
export function chooseRelays(
  candidates: readonly RelayCandidate[],
  { wanted, now, random }: { wanted: number; now: number; random: () => number },
): string[] {
  const missing = wanted - candidates.filter(({ held }) => held).length
  return candidates
    .filter(({ held, notBefore }) => !held && notBefore <= now)
    .map((at) => ({ ...at, chance: random() }))
    .sort((a, b) => a.failures - b.failures || a.chance - b.chance)
    .slice(0, Math.max(0, missing))
    .map(({ peerId }) => peerId)
}

/**
 * Whether to serve as a relay. `auto`: when others can reach this machine from anywhere, that is, it
 * has a public address on an interface, in `mesh.announce`, or one that was confirmed.
 */
export function servesRelay(
  setting: 'auto' | boolean,
  addresses: readonly string[],
): { serves: boolean; because: string } {
  if (setting !== 'auto') return { serves: setting, because: `mesh.relay.serve is ${setting}` }
  const found = addresses.find((text) => isPublicAddress(text))
  return found === undefined
    ? { serves: false, because: 'no public address' }
    : { serves: true, because: found }
}

/** A direct address that can be dialled from anywhere, as far as one can tell by looking at it. */
export function isPublicAddress(text: string): boolean {
  const at = parseAddress(text)
  return at !== undefined && at.relay === undefined && isPublic(at.host)
}

/** The address of an interface of this machine: no NAT is between it and its network. */
export function isOwn(text: string, local: readonly LocalAddress[]): boolean {
  const at = parseAddress(text)
  return (
    at !== undefined && at.relay === undefined && local.some(({ address }) => address === at.host)
  )
}
