/**
 * Claim records: what a claim ref points to. Each is an empty-tree commit whose message is one
 * line of canonical JSON, signed by the peer and bound to its predecessor, so that a record can
 * neither be forged nor replayed at another place of the chain. Every record is unique (nonce),
 * because git reports a push of an OID that the ref holds already as success.
 *
 * The fencing token of a claim is (attempt, OID).
 */
import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { canonicalJson, decodeJson } from '../../util/index.ts'

/**
 * held: leased by the peer · handed: leased by the peer that `to` names, which may claim at once · done: published ·
 * failed: tried in vain · released, yielded: free again · cancelled: not wanted any more.
 */
export const claimStates = [
  'held',
  'handed',
  'done',
  'failed',
  'released',
  'yielded',
  'cancelled',
] as const
export type ClaimState = (typeof claimStates)[number]

export const oidPattern = /^([0-9a-f]{40}|[0-9a-f]{64})$/
const oid = z.string().regex(oidPattern)

/** Shortest and longest lease that a reader accepts, ms: an absurd one must not block an issue for ever. */
export const leaseBounds = { min: 1_000, max: 24 * 60 * 60 * 1_000 } as const

/** More strikes than this count as this many: no configuration allows more. */
const maxStrikes = 1_000

/** A larger attempt is a lie, and would leave no room for the next one. */
export const maxAttemptNumber = 1_000_000

/** More rounds than any configuration allows. */
export const maxRoundNumber = 1_000
/** Pieces of feedback that one round is about: a record stays far below its largest size. */
export const maxFeedbackKeys = 40
export const feedbackKeyPattern = /^[0-9a-f]{16}$/

export const recordSchema = z.strictObject({
  v: z.literal(1),
  repo: z.string().max(201),
  issue: z.number().int().positive(),
  state: z.enum(claimStates),
  /** Rises by one with every new holder. */
  attempt: z.number().int().positive().max(maxAttemptNumber),
  /** Attempts in a row that ended by a crash or by the machine's fault; bounded by the configuration. */
  strikes: z.number().int().nonnegative().max(maxStrikes),
  peerId: z.string().max(128),
  name: z.string().max(64),
  /** The process that claimed; a restarted agent is another one. 16 bytes in hex. */
  incarnation: z.string().regex(/^[0-9a-f]{32}$/),
  /** GitHub login that the holder assigns. */
  login: z.string().max(100),
  leaseMs: z.number().int().min(leaseBounds.min).max(leaseBounds.max),
  /** OID of the record before, or null for the first of a ref. */
  previous: oid.nullable(),
  nonce: z.string().regex(/^[0-9a-f]{32}$/),
  /** At which round of feedback to the pull request this is; absent while there is none. */
  round: z.number().int().positive().max(maxRoundNumber).optional(),
  /** What of the feedback the round is about, by `keyOf` of `feedback/items.ts`. */
  feedback: z.array(z.string().regex(feedbackKeyPattern)).max(maxFeedbackKeys).optional(),
  /** Id of the comment that asked for this: nothing older is obeyed again. */
  command: z.number().int().positive().max(Number.MAX_SAFE_INTEGER).optional(),
  /** Of `handed` alone: who goes on; its incarnation as the holder knew it. */
  to: z
    .strictObject({
      peerId: z.string().min(1).max(128),
      incarnation: z
        .string()
        .regex(/^[0-9a-f]{32}$/)
        .optional(),
    })
    .optional(),
})
export type ClaimRecord = z.infer<typeof recordSchema>

export const signedSchema = recordSchema.extend({ signature: z.string().max(128) })

/** Largest record, bytes. A ref that holds more is refused unread. */
export const maxRecordBytes = 4_096

export interface Signer {
  readonly peerId: string
  sign(data: Uint8Array): Promise<Uint8Array>
}
export type Verify = (peerId: string, data: Uint8Array, signature: Uint8Array) => Promise<boolean>

const signedBytes = (record: ClaimRecord) =>
  new TextEncoder().encode(`bzzz-claim:${canonicalJson(record)}`)

/**
 * A new record. Throws a `TypeError` when a reader would refuse it, which is a programmer's error:
 * such a record must not be sent, because it would block its issue.
 */
export function mintRecord(fields: Omit<ClaimRecord, 'v' | 'nonce'>): ClaimRecord {
  const strikes = Math.min(fields.strikes, maxStrikes)
  const nonce = randomBytes(16).toString('hex')
  const checked = recordSchema.safeParse({ ...fields, v: 1, strikes, nonce })
  if (checked.success) return checked.data
  const issue = checked.error.issues[0]
  const path = issue?.path.join('.') ?? ''
  throw new TypeError(`No reader would accept the claim record: ${path}: ${issue?.message ?? ''}`)
}

/** What a record says beyond the claim itself; each record of a claim repeats it. */
export type Mark = Pick<ClaimRecord, 'round' | 'feedback' | 'command'>

export const markOf = ({ round, feedback, command }: Mark): Mark => ({
  ...(round === undefined ? {} : { round }),
  ...(feedback === undefined ? {} : { feedback }),
  ...(command === undefined ? {} : { command }),
})

/** The commit message of a record. */
export async function encodeRecord(record: ClaimRecord, signer: Signer): Promise<string> {
  const signature = Buffer.from(await signer.sign(signedBytes(record))).toString('base64url')
  return canonicalJson({ ...record, signature })
}

/**
 * Decodes a commit message. `place` is where it was found: a record that speaks of another
 * repository, issue or predecessor is refused. `isFormer`: whether another name is one that the
 * repository had before; asked of signed records only. Default: none is. Errors: `TOO_LARGE`,
 * `INVALID` (data.path).
 */
export async function decodeRecord(
  message: string,
  place: {
    repo: string
    issue: number
    parents: string[]
    isFormer?: ((name: string) => Promise<boolean>) | undefined
  },
  verify: Verify,
): Promise<ClaimRecord> {
  const { signature, ...record } = decodeJson(message.trim(), {
    what: 'claim record',
    schema: signedSchema,
    maxBytes: maxRecordBytes,
  })
  const refuse = (path: string) => {
    throw new RecordRefused(path)
  }
  if (record.issue !== place.issue) refuse('issue')
  if ((record.previous ?? undefined) !== place.parents[0] || place.parents.length > 1)
    refuse('previous')
  const good = await verify(
    record.peerId,
    signedBytes(record),
    Buffer.from(signature, 'base64url'),
  ).catch(() => false)
  if (!good) refuse('signature')
  const isHere = record.repo.toLowerCase() === place.repo.toLowerCase()
  if (!isHere && (await place.isFormer?.(record.repo)) !== true) refuse('repo')
  return record
}

/** A record that decodes but does not belong where it stands, or that nobody signed. */
export class RecordRefused extends Error {
  readonly code = 'INVALID'
  readonly path: string
  constructor(path: string) {
    super(`The claim record is refused: its ${path} does not fit.`)
    this.path = path
  }
}
