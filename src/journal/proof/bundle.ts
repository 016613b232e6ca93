/**
 * The bundle: what one or several journals hold, in a file that proves itself. Text of one JSON
 * document a line, never compressed, so that a line is all that is ever held in memory, and nothing
 * unpacks to more than it is. docs/protocol.md describes it for other readers.
 *
 *   {"bzzz":"bundle", "v":1, …}        what it holds and who made it
 *   {"journal":{…}}                    a journal: key, manifest, length, signature over its tree
 *   {"s":[depth, bytes, hash]}         next in its tree: a subtree of 2^depth entries that are left out
 *   {"b":"…", "h":"…"}                 next: an entry, base64, and the beginning of its hash
 *   {"absent":{…}}                     a journal that could not be put in, and why
 *   {"end":{…}}                        how much there was; a bundle without it was cut
 *
 * The pieces of a journal give its Merkle tree (`proof.ts`), the tree's hash with the signature proves
 * every entry given, and the first entry, which is always given, proves whose journal it is.
 */
import { z } from 'zod'
import { maxEntryBytes } from '../entries.ts'
import { maxDepth } from './merkle.ts'

/** Largest line: an entry in base64 and what is around it, bytes. */
export const maxLineBytes = 64 * 1024
/** Journals in one bundle. */
export const maxBundleJournals = 4_000
/** Largest bundle that is read or written, bytes. */
export const maxBundleBytes = 16 * 1024 ** 3

const count = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER)
const short = z.string().max(256)
const hex32 = z.string().regex(/^[0-9a-f]{64}$/)
/** One text for the same bytes: whole, and 0 in the bits that the last character does not need. */
const base64 = (bytes: number) =>
  z
    .string()
    .max(4 * Math.ceil(bytes / 3))
    .regex(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?$/)

export const headerSchema = z.strictObject({
  bzzz: z.literal('bundle'),
  v: z.literal(1),
  /** ms since 1970, of the clock of who made it. Proves nothing. */
  createdMs: count,
  /** Agent that made it. Proves nothing. */
  by: z.strictObject({ name: short, peerId: short, version: short }),
  /** Which entries were asked for; without both, whole journals. */
  agent: short.optional(),
  task: z.strictObject({ repo: short.optional(), issue: count }).optional(),
})

export const journalHeadSchema = z.strictObject({
  peerId: z.string().min(1).max(256),
  key: hex32,
  epoch: count,
  /** Entries that the signature covers. */
  length: count.min(1).max(2 ** (maxDepth + 1)),
  fork: count,
  /** As hypercore encodes it; the key is its hash. */
  manifest: base64(1_024),
  /** Over the tree's hash, length and fork. */
  signature: base64(1_024),
})

const absentSchema = z.strictObject({ peerId: short, key: hex32, epoch: count, reason: short })

export const lineSchema = z.union([
  z.strictObject({ b: base64(maxEntryBytes), h: z.string().regex(/^[0-9a-f]{8}$/) }),
  z.strictObject({ s: z.tuple([count.max(maxDepth), count, hex32]) }),
  z.strictObject({ journal: journalHeadSchema }),
  z.strictObject({ absent: absentSchema }),
  z.strictObject({ end: z.strictObject({ journals: count, entries: count }) }),
])

export type BundleHeader = z.infer<typeof headerSchema>
export type BundleJournal = z.infer<typeof journalHeadSchema>
export type BundleLine = BundleHeader | z.infer<typeof lineSchema>
