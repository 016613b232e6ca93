/**
 * Binds a journal's key to a peer: the first entry carries the peer's signature over key and epoch,
 * so nobody can claim another's journal, nor let another's key write in its name.
 */
import type { Hypercore } from 'hypercore'
import { explain } from '../../util/index.ts'
import { decodeEntry } from '../decode.ts'
import type { JournalEntry, UnknownEntry } from '../entries.ts'
import type { VerifySignature } from '../types.ts'

export interface Bound {
  peerId: string
  key: string
  epoch: number
}

const statement = (key: string, epoch: number) =>
  new TextEncoder().encode(`bzzz-journal:${key}:${epoch}`)

/** The `proof` of `agent.started`, base64url. */
export async function proveIdentity(
  { key, epoch }: { key: string; epoch: number },
  sign: (data: Uint8Array) => Promise<Uint8Array>,
): Promise<string> {
  return Buffer.from(await sign(statement(key, epoch))).toString('base64url')
}

/** Checks an `agent.started`. Returns the problem, or undefined when the proof holds. */
export async function checkIdentity(
  entry: JournalEntry | UnknownEntry,
  { peerId, key, epoch }: Bound,
  verify: VerifySignature,
): Promise<string | undefined> {
  if (entry.type !== 'agent.started') {
    return `Entry ${entry.seq} is ${entry.type}, where agent.started with the proof of identity was expected.`
  }
  if (entry.peerId !== peerId) {
    return `Entry ${entry.seq} was written by peer ${entry.peerId}, but ${peerId} announces this journal.`
  }
  const proof = Buffer.from(entry.proof, 'base64url')
  const isCanonical = proof.toString('base64url') === entry.proof
  const holds =
    isCanonical && (await verify(peerId, statement(key, epoch), proof).catch(() => false))
  return holds ? undefined : `The proof of identity in entry ${entry.seq} is not peer ${peerId}'s.`
}

/** Checks the first entry of a core that is here; the name that it gives, or what is wrong. Never rejects. */
export async function readIdentity(
  { core, key, epoch }: { core: Hypercore; key: string; epoch: number },
  peerId: string,
  verify: VerifySignature,
): Promise<{ name?: string; problem?: string }> {
  try {
    const block = await core.get(0, { wait: false })
    if (block === null) return { problem: 'Its first entry is missing.' }
    const decoded = decodeEntry(block, { epoch, seq: 0 })
    if (!decoded.ok) return { problem: decoded.problem }
    const { entry } = decoded
    const problem = await checkIdentity(entry, { peerId, key, epoch }, verify)
    if (problem !== undefined) return { problem }
    return entry.type === 'agent.started' ? { name: entry.name } : {}
  } catch (error) {
    return { problem: `Its first entry cannot be read: ${explain(error)}` }
  }
}
