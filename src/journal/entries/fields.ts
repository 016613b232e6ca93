/** What entries are made of: bounded texts, numbers and digests, and what several kinds of entries hold. */
import { z } from 'zod'

export const count = z.number().int().nonnegative()
export const short = z.string().max(256)
export const text = z.string().max(4_000)
export const oid = z.string().regex(/^([0-9a-f]{40}|[0-9a-f]{64})$/)
export const digest = z.string().regex(/^[0-9a-f]{64}$/)
/** Counts from 0. */
export const attempt = z.number().int().nonnegative()
/** The issue that an entry is about. */
export const taskRefSchema = z.object({
  /** owner/name */
  repo: short,
  issue: count,
})
export type TaskRef = z.infer<typeof taskRefSchema>
export const task = z.object(taskRefSchema.shape)
/** The journal that a new epoch goes on from; `reason` says why the old one could not be continued. */
export const previousSchema = z.object({
  key: digest,
  epoch: count,
  /** Entries of it that a peer vouched for, or that were readable here; absent when none were. */
  length: count.optional(),
  /** Its Merkle tree's hash at that length. */
  treeHash: digest.optional(),
  reason: short,
})
export type PreviousJournal = z.infer<typeof previousSchema>

export const entry = <T extends string, S extends z.ZodRawShape>(type: T, shape: S) =>
  z.object({ type: z.literal(type), ...shape })
