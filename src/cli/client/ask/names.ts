/** Names of peers by their ids, safe to print; an id that nobody here knows is shown by its end. */
import type { ApiClient } from '../../../api/client.ts'
import { clean } from '../../output/text.ts'
import { createNames } from '../names.ts'

export async function peerNames(
  agent: Pick<ApiClient, 'status' | 'peers'>,
): Promise<(peerId: string) => string> {
  const [own, rows] = await Promise.all([agent.status(), agent.peers()])
  const names = createNames()
  const known = new Map([own, ...rows].map(({ name, peerId }) => [peerId, name]))
  for (const [peerId, name] of known) names.know(name, peerId)
  return (peerId) => {
    const agentName = known.get(peerId)
    if (agentName !== undefined && agentName !== '') return names.of({ agent: agentName, peerId })
    return clean(peerId.length > 20 ? `…${peerId.slice(-8)}` : peerId)
  }
}
