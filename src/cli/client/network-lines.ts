/** How others reach the agent, in a line of `bzzz status`; `bzzz doctor` says more. */
import type { NetworkReach } from '../../api/client.ts'
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
