/** Names of agents as they are shown: with the end of the peer id where two agents have one name. */
import { clean } from '../output/text.ts'

/** Of a peer id; they all begin alike. */
const shownDigits = 6

export interface Names {
  /** Somebody of that name exists. */
  know(name: string, peerId: string): void
  /** Safe to print. */
  of(entry: { agent: string; peerId: string }): string
}

export function createNames(): Names {
  const peers = new Map<string, Set<string>>()
  function know(name: string, peerId: string): void {
    peers.set(name, (peers.get(name) ?? new Set()).add(peerId))
  }
  return {
    know,
    of({ agent, peerId }) {
      know(agent, peerId)
      const isShared = (peers.get(agent)?.size ?? 0) > 1
      return clean(isShared ? `${agent} (${peerId.slice(-shownDigits)})` : agent)
    },
  }
}
