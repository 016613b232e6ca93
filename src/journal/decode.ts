/**
 * A block of a hypercore to an entry. Blocks of other agents are hostile until they passed here:
 * size first, then the stamp, then the shape that its type asks for. Nothing throws: a bad block is
 * a problem of its journal, never the end of reading.
 */
import { z } from 'zod'
import { decodeJson, explain } from '../util/index.ts'
import {
  entryInputSchema,
  entryTypes,
  maxEntryBytes,
  stampSchema,
  type JournalEntry,
  type UnknownEntry,
} from './entries.ts'
import type { LoggedEntry } from './types.ts'

export type Decoded =
  { ok: true; entry: JournalEntry | UnknownEntry } | { ok: false; problem: string }

const envelopeSchema = stampSchema.extend({ type: z.string().max(64) }).loose()
const knownTypes: ReadonlySet<string> = new Set(entryTypes)

/** Decodes the block at index `seq` of a journal of that epoch. */
export function decodeEntry(block: Uint8Array, at: { epoch: number; seq: number }): Decoded {
  try {
    const envelope = decodeJson(block, {
      what: `Entry ${at.seq}`,
      schema: envelopeSchema,
      maxBytes: maxEntryBytes,
    })
    const { v, epoch, seq, time, order, type, origin } = envelope
    if (seq !== at.seq) return bad(`Entry ${at.seq} says that its seq is ${seq}.`)
    if (epoch !== at.epoch) {
      return bad(`Entry ${at.seq} says that its epoch is ${epoch}, not ${at.epoch}.`)
    }
    const stamp = {
      v,
      epoch,
      seq,
      time,
      ...(order === undefined ? {} : { order }),
      ...(origin === undefined ? {} : { origin }),
    }
    if (!knownTypes.has(type)) {
      return { ok: true, entry: { ...stamp, type: 'unknown', originalType: type } }
    }
    const parsed = entryInputSchema.safeParse(envelope)
    if (parsed.success) return { ok: true, entry: { ...parsed.data, ...stamp } }
    const issue = parsed.error.issues[0]
    return bad(`Entry ${at.seq} (${type}) is invalid at ${(issue?.path ?? []).join('.')}.`)
  } catch (error) {
    return bad(explain(error))
  }
}

function bad(problem: string): Decoded {
  return { ok: false, problem }
}

/** An entry as it is shown: by whom it was written stands in `peerId`, whom it is about in `peer`. */
export function logged(
  entry: JournalEntry | UnknownEntry,
  { agent, peerId }: { agent: string; peerId: string },
): LoggedEntry {
  const isAboutPeer = entry.type === 'peer.seen' || entry.type === 'peer.lost'
  return { ...entry, ...(isAboutPeer ? { peer: entry.peerId } : {}), agent, peerId }
}
