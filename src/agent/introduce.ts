/**
 * Mesh and journal, made acquainted: every peer's journal is replicated as soon as it is announced,
 * and the own journal says whom this agent met and lost.
 */
import type { EntryInput, Journal } from '../journal/index.ts'
import type { Mesh, MeshPeer } from '../mesh/index.ts'
import { explain, type Logger } from '../util/index.ts'

/** Call before either starts. Returns what is to be called once the journal takes entries. */
/** `repos`: what this agent works at; who shares one is related. */
export function introduce(
  { mesh, journal, repos }: { mesh: Mesh; journal: Journal; repos: readonly string[] },
  logger: Logger,
): () => void {
  const ours = new Set(repos.map((repo) => repo.toLowerCase()))
  const seen = new Set<string>()
  let writable = false

  function follow({ peerId, name, capabilities }: MeshPeer): void {
    const announced = capabilities?.journal
    if (announced === undefined) return
    const { key, epoch } = announced
    const called = name === undefined ? {} : { name }
    const related = capabilities?.repositories.some((repo) => ours.has(repo.toLowerCase())) === true
    journal.follow({ peerId, key, epoch, related, ...called, head: announced })
  }

  function greet({ peerId, name }: MeshPeer): void {
    if (!writable || seen.has(peerId)) return
    seen.add(peerId)
    write({ type: 'peer.seen', peerId, ...(name === undefined ? {} : { name }) })
  }

  function write(entry: EntryInput): void {
    journal.append(entry).catch((error: unknown) => {
      const fields = { event: 'journal.append', type: entry.type, err: explain(error) }
      logger.warn(fields, 'an entry could not be written')
    })
  }

  mesh.events.on('peer:connect', ({ peerId }) => journal.connect(peerId))
  mesh.events.on('peer:disconnect', ({ peerId }) => journal.disconnect(peerId))
  mesh.events.on('peer:update', (peer) => {
    follow(peer)
    if (peer.capabilities !== undefined) journal.heard(peer.capabilities.issuedAt)
    greet(peer)
  })
  mesh.events.on('peer:lost', ({ peerId }) => {
    if (seen.delete(peerId)) write({ type: 'peer.lost', peerId, reason: 'no sign of life' })
  })
  return () => {
    writable = true
    for (const peer of mesh.peers()) if (peer.capabilities !== undefined) greet(peer)
  }
}
