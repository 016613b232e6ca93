/** How others reach the agent, and whether it knows any, in lines of `bzzz status`; `bzzz doctor` says more. Pure. */
import type { NetworkReach, Status } from '../../api/client.ts'
import { count } from '../output/text.ts'

export const reachWords = {
  open: 'from anywhere',
  unconfirmed: 'public address, not tried yet',
  closed: 'public address, but closed',
  nat: 'behind NAT',
  routed: 'in a routed network',
  local: 'on the local network',
  unknown: 'nobody met yet',
} as const satisfies Record<NetworkReach['is'], string>

export function networkLine({ is, relay, peers }: NetworkReach): string {
  const parts: string[] = [reachWords[is]]
  if (relay.uses.length > 0) parts.push(`through ${count(relay.uses.length, 'relay')}`)
  if (relay.serves !== null) parts.push(`relays for ${count(relay.serves, 'member')}`)
  if (peers.relayed > 0) parts.push(`${count(peers.relayed, 'peer')} connected through relays`)
  return parts.join(', ')
}

type Company = Pick<Status, 'mesh' | 'membership'>

/** Of an agent that has met nobody: why, and what to type. Empty for one that knows others. */
export function aloneLine({ mesh, membership }: Company): string {
  if (mesh.known > 0) return ''
  const { others = 0 } = membership
  const who = others === 0 ? 'it knows nobody' : `none of ${count(others, 'other member')} was met`
  if (mesh.reach !== undefined && isCutOff(mesh.reach))
    return `${who}, and it finds nobody by itself: mDNS is off or has no interface, and mesh.dht.bootstrap names no agent. Write an address of another one there (\`bzzz status\` shows it on that machine), or mesh.mdns.enabled: true, and start this one anew.`
  if (others > 0) return `${who} yet. What the network lets through: bzzz doctor`
  return `${who} yet. What to type on the next machine: bzzz invite`
}

const isCutOff = ({ multicast, bootstrap }: NetworkReach) =>
  multicast.length === 0 && bootstrap.length === 0
