/**
 * Help among peers on the wire: requests, letters, withdrawals, and the receipt for each. What is
 * signed is closed (unknown members are refused), so that it can be checked and handed on as it was.
 * What they mean is in docs/help.md; `help/` makes and checks them.
 */
import { z } from 'zod'
import { MAX_SHOWN } from './membership/limits.ts'
import { count, hex, peerId, repo, text } from './wire-parts.ts'

/** A request that was forwarded so often is discarded. */
export const MAX_FORWARDS = 3
/** The origin's own sending is the first hop. */
const MAX_HOPS = MAX_FORWARDS + 1
/** Help requests for a task. */
export const MAX_ROUNDS = 3
/** Longest life of a request, with the help that comes of it, ms. */
export const MAX_LIFE_MS = 6 * 60 * 60_000
/** Most bytes of one message: a patch or a diff, the longest JSON of it, and what is around it. */
export const maxHelpBytes = 512 * 1024
const MAX_DIFF = 64 * 1024
const MAX_PATCH = 256 * 1024

const signature = z.string().regex(/^[\w-]{86}$/, '64 bytes in base64url')
const oid = z.string().regex(/^([0-9a-f]{40}|[0-9a-f]{64})$/, 'an object id in hex')
/** Statements that prove a peer's membership; opaque here. */
const statements = z.array(z.unknown()).max(MAX_SHOWN)
const reason = text(256)
/** The forms of help. `takeover`: the helper goes on with the task itself. */
export const helpForms = ['patch', 'advice', 'takeover'] as const

/** What the origin says, and signs. */
export const helpQuestionSchema = z.strictObject({
  v: z.literal(1),
  /** Id of the mesh. */
  mesh: hex(32),
  /** 16 random bytes in hex. */
  id: hex(16),
  origin: peerId,
  task: z.strictObject({ repo, issue: count, attempt: count }),
  /** The task's first, second or third request. */
  round: z.number().int().min(1).max(MAX_ROUNDS),
  /** What the helper must have, as in `needs:` labels. */
  needs: z.array(text(64)).max(20),
  want: z.array(z.enum(helpForms)).min(1).max(helpForms.length),
  summary: text(8_000),
  question: text(8_000),
  /** What was done so far, as a unified diff against `base`. */
  diff: text(MAX_DIFF).optional(),
  base: oid.optional(),
  /** From the origin's sending to the end of all that comes of it, ms. */
  lifeMs: z.number().int().min(1_000).max(MAX_LIFE_MS),
  /** What the helper may use up. Money in millionths of a US dollar. */
  budget: z.strictObject({
    ms: count,
    inputTokens: count.optional(),
    outputTokens: count.optional(),
    costMicros: count.optional(),
  }),
})
export type HelpQuestion = z.infer<typeof helpQuestionSchema>

/** One link of the way that a request went. `leftMs`: of its life, when it was sent. */
const hopSchema = z.strictObject({ from: peerId, to: peerId, leftMs: count, signature })
export type HelpHop = z.infer<typeof hopSchema>
const hops = z.array(hopSchema).min(1).max(MAX_HOPS)

export const helpRequestSchema = z.object({
  v: z.literal(1),
  kind: z.literal('request'),
  question: helpQuestionSchema,
  /** By the origin. */
  signature,
  hops,
  /** The origin's. */
  records: statements,
})
export type HelpRequest = z.infer<typeof helpRequestSchema>

/** What helps. */
export const helpAnswerSchema = z.discriminatedUnion('form', [
  z.strictObject({
    form: z.literal('patch'),
    base: oid,
    patch: text(MAX_PATCH),
    note: text(4_000),
  }),
  z.strictObject({ form: z.literal('advice'), text: text(32_000) }),
  z.strictObject({ form: z.literal('takeover'), note: text(4_000) }),
])
export type HelpAnswer = z.infer<typeof helpAnswerSchema>

/** What a letter says. `digest`: SHA-256 of the canonical question; `offer`: of the canonical offer letter. */
export const helpBodySchema = z.discriminatedUnion('is', [
  /** Helper to origin, with the way that the request came. `fitness`: 0 to 1,000. */
  z.strictObject({
    is: z.literal('offer'),
    digest: hex(32),
    hops,
    fitness: count.max(1_000),
    reason,
  }),
  /** To the peer that sent the request: neither this one nor any behind it helps. */
  z.strictObject({ is: z.literal('decline'), digest: hex(32), reason }),
  /** Origin to the one helper; nobody begins without. */
  z.strictObject({ is: z.literal('accept'), offer: hex(32) }),
  z.strictObject({ is: z.literal('answer'), offer: hex(32), answer: helpAnswerSchema }),
  /** Helper to origin: it gives up. */
  z.strictObject({ is: z.literal('failed'), offer: hex(32).optional(), reason }),
  /** Origin to helper: what became of the answer. */
  z.strictObject({
    is: z.literal('result'),
    offer: hex(32),
    outcome: z.enum(['used', 'refused']),
    reason,
  }),
])
export type HelpBody = z.infer<typeof helpBodySchema>

const letterSchema = z.strictObject({
  v: z.literal(1),
  mesh: hex(32),
  /** Of the request. */
  id: hex(16),
  from: peerId,
  to: peerId,
  body: helpBodySchema,
})
export type HelpLetter = z.infer<typeof letterSchema>

export const helpLetterSchema = z.object({
  v: z.literal(1),
  kind: z.literal('letter'),
  letter: letterSchema,
  /** By `from`. */
  signature,
  /** All peers from `from` to `to`; two when it is sent directly. */
  route: z
    .array(peerId)
    .min(2)
    .max(MAX_HOPS + 1),
  /** The author's. */
  records: statements,
})
export type HelpLetterMessage = z.infer<typeof helpLetterSchema>

export const helpWithdrawSchema = z.strictObject({
  v: z.literal(1),
  kind: z.literal('withdraw'),
  mesh: hex(32),
  id: hex(16),
  origin: peerId,
  reason,
  /** By the origin. */
  signature,
})
export type HelpWithdraw = z.infer<typeof helpWithdrawSchema>

export const helpMessageSchema = z.discriminatedUnion('kind', [
  helpRequestSchema,
  helpLetterSchema,
  helpWithdrawSchema,
])
export type HelpMessage = z.infer<typeof helpMessageSchema>

/**
 * `taken`: it arrived (a letter: at its receiver) and is acted on. `duplicate`: it is known here already.
 * `refused`: it is not acted on, and `why`. `unreachable`: the next peer of its route was not reached.
 */
export const helpReceiptSchema = z.object({
  v: z.literal(1),
  outcome: z.enum(['taken', 'duplicate', 'refused', 'unreachable']),
  why: text(64).optional(),
})
export type HelpReceipt = z.infer<typeof helpReceiptSchema>
