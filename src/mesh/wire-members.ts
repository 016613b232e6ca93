/** Messages of membership: how the roster spreads, and the protocol for who is no member. */
import { z } from 'zod'
import { maxJoinAnswerBytes, maxJoinRequestBytes, MAX_STATEMENTS } from './membership/limits.ts'
import { hex } from './wire-parts.ts'

/** A statement is opaque here: membership checks its form and signature. */
const statements = (max: number) => z.array(z.unknown()).max(max)

/** What is new on the roster; a digest that differs from the own is answered by an exchange. */
export const rosterNoticeSchema = z.object({
  v: z.literal(1),
  digest: hex(32),
  /** Empty when they are too many for one message. */
  statements: statements(32),
})
export type RosterNotice = z.infer<typeof rosterNoticeSchema>

/** Own digest; with all own statements when the other is known to lack some. */
export const rosterRequestSchema = z.object({
  v: z.literal(1),
  digest: hex(32),
  statements: statements(MAX_STATEMENTS).optional(),
})
/** Digest after taking in what came; with all statements when the request's digest differs from it. */
export const rosterResponseSchema = rosterRequestSchema
export type RosterMessage = z.infer<typeof rosterRequestSchema>

/**
 * The one protocol for strangers; the same id in every mesh, since a joining machine may not know the
 * mesh's name. Messages are membership's own.
 */
export const join = {
  protocol: '/bzzz/join/1',
  request: z.record(z.string(), z.unknown()),
  response: z.record(z.string(), z.unknown()),
  maxRequestBytes: maxJoinRequestBytes,
  maxResponseBytes: maxJoinAnswerBytes,
  /** For a request with its answer, ms. */
  timeoutMs: 10_000,
} as const
