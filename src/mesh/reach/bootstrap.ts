/** Which of the configured first addresses lead to a peer that is connected. */
import type { MeshNode } from '../node/node.ts'
import { parseAddress } from '../node/addresses.ts'
import type { Reach } from '../types.ts'

/** An address without a peer id counts as connected when a connection was made to it. */
export function bootstrapState(
  configured: readonly string[],
  node: Pick<MeshNode, 'getConnections' | 'peerId'> | undefined,
): Reach['bootstrap'] {
  const connections = node?.getConnections() ?? []
  return configured.flatMap((address) => {
    const peerId = parseAddress(address)?.peerId
    if (peerId !== undefined && peerId === node?.peerId.toString()) return []
    const connected = connections.some(({ remotePeer, remoteAddr }) =>
      peerId === undefined
        ? remoteAddr.toString().startsWith(`${address}/`) || remoteAddr.toString() === address
        : remotePeer.toString() === peerId,
    )
    return [{ address, connected }]
  })
}
