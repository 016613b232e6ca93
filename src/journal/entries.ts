/**
 * What an agent writes down: one versioned union. An entry is a fact about what this agent did or
 * saw, in the order in which it happened. Never prompts, tokens or secrets: outputs are digests.
 *
 * `epoch`, `seq`, `time`, `order` and `v` are added by the writer. A reader that meets an unknown `type`
 * keeps it as `unknown` and goes on: newer peers may write what older ones do not know.
 */
import { z } from 'zod'
import { executorEntries } from './entries/executor.ts'
import { feedbackEntries } from './entries/feedback.ts'
import {
  attempt,
  count,
  digest,
  entry,
  oid,
  short,
  task,
  text,
  previousSchema,
} from './entries/fields.ts'
import { helpEntries } from './entries/help.ts'

export {
  previousSchema,
  taskRefSchema,
  type PreviousJournal,
  type TaskRef,
} from './entries/fields.ts'

export const entrySchemas = [
  /**
   * First entry of a process. `proof` is the peer's Ed25519 signature (base64url) over
   * `bzzz-journal:<key hex>:<epoch>`. `previous` stands only in the first entry of a later epoch.
   */
  entry('agent.started', {
    peerId: short,
    name: short,
    incarnation: short,
    version: short,
    proof: short,
    previous: previousSchema.optional(),
  }),
  entry('agent.stopped', { reason: short }),
  entry('peer.seen', { peerId: short, name: short.optional() }),
  entry('peer.lost', { peerId: short, reason: short }),
  entry('issue.seen', {
    task,
    title: short,
    labels: z.array(short).max(100),
    needs: z.array(short).max(20),
    /** Place of the author in the order of agents for the issue; 0 tries first. */
    place: count.optional(),
  }),
  /** The author leaves the issue alone for now; once for each reason. */
  entry('issue.skipped', { task, title: short, reason: text }),
  entry('claim.tried', { task, attempt, oid, previous: oid.optional() }),
  entry('claim.won', { task, attempt, oid, title: short, branch: short, leaseMs: count }),
  entry('claim.lost', {
    task,
    attempt,
    oid: oid.optional(),
    winner: short.optional(),
    reason: short,
  }),
  entry('claim.renewed', { task, attempt, oid, leaseMs: count }),
  entry('claim.released', { task, attempt, oid: oid.optional(), state: short, reason: text }),
  /** The claim ref was seen to hold what it should not; `sound`: that is past. Once for each fact. */
  entry('claim.suspect', {
    task,
    ref: short,
    kind: z.enum(['invalid', 'deleted', 'forced', 'sound']),
    /** What the ref holds; when it is gone, what it held. */
    oid,
    reason: text,
  }),
  ...executorEntries,
  entry('check.run', {
    task,
    attempt,
    name: short,
    outcome: z.enum(['passed', 'failed', 'timeout', 'error']),
    exitCode: z.number().int().optional(),
    durationMs: count,
    outputSha256: digest,
  }),
  /**
   * Written before the push that moves the claim ref to `record` and the branch to `head`: unfinished
   * work of `files` changed files with `bytes` in all, and the digest of what it says of itself.
   */
  entry('checkpoint.intent', {
    task,
    attempt,
    branch: short,
    head: oid,
    record: oid,
    files: count,
    bytes: count,
    /** Files or kinds of files that may not leave, and stayed out. */
    leftOut: count,
    digestSha256: digest,
  }),
  /** It arrived. `record` is the newest of the claim, so this is a renewal, too. */
  entry('checkpoint.pushed', {
    task,
    attempt,
    branch: short,
    head: oid,
    record: oid,
    files: count,
    bytes: count,
  }),
  /** The branch does not take them, or is somebody else's by now: said once in an attempt, which goes on without. */
  entry('checkpoint.refused', { task, attempt, branch: short, reason: text }),
  /** The commit is in the local store of its agent, and nothing of it was sent yet. */
  entry('work.finished', { task, attempt, branch: short, base: oid, head: oid }),
  /** Written and durable before the push: what is about to become visible. */
  entry('publish.intent', {
    task,
    attempt,
    branch: short,
    base: oid,
    head: oid,
    claim: oid,
    done: oid,
  }),
  entry('pushed', { task, attempt, branch: short, base: oid, head: oid }),
  entry('pull.opened', {
    task,
    attempt,
    number: count,
    url: short,
    head: oid,
    adopted: z.boolean(),
  }),
  entry('task.done', { task, attempt, pull: count, durationMs: count }),
  entry('task.failed', { task, attempt, code: short, reason: text, durationMs: count }),
  entry('task.cancelled', { task, attempt, reason: text }),
  ...feedbackEntries,
  /** The pull request was merged. `by`: login, where the forge says. */
  entry('task.merged', { task, attempt, pull: count, by: short.optional() }),
  /** The pull request was closed and not merged. */
  entry('task.closed', { task, attempt, pull: count, reason: text }),
  entry('task.waiting', { task, needs: z.array(short).max(20), reason: text }),
  ...helpEntries,
] as const

export const entryInputSchema = z.discriminatedUnion('type', entrySchemas)
/** What a caller appends. */
export type EntryInput = z.infer<typeof entryInputSchema>
export type EntryType = EntryInput['type']

/** Every type that this version knows. */
export const entryTypes = entrySchemas.map((schema) => schema.shape.type.value)
/**
 * Where an entry stood before: in a branch of that journal that was given up, since peers held a
 * longer history of it. `time` is when it was written there.
 */
export const originSchema = z.object({ key: digest, epoch: count, seq: count, time: count })
export type Origin = z.infer<typeof originSchema>

const stamp = {
  v: z.literal(1),
  epoch: count,
  seq: count,
  time: count,
  /** Place among the entries of all journals (`order.ts`); absent where the author knows no such thing. */
  order: count.max(Number.MAX_SAFE_INTEGER).optional(),
  origin: originSchema.optional(),
}
export const stampSchema = z.object(stamp)
/** What stands in the journal: `seq` is the index in the hypercore, `time` wall-clock ms since 1970. */
export type JournalEntry = EntryInput & z.infer<typeof stampSchema>
/** An entry of a type that this version does not know. */
export type UnknownEntry = z.infer<typeof stampSchema> & { type: 'unknown'; originalType: string }

/** Largest encoded entry, bytes. */
export const maxEntryBytes = 32 * 1024
