/** What agents tell each other of issues and limits. Hints: nobody acts on one without looking itself. */
import { z } from 'zod'
import { count, repo, text } from './wire-parts.ts'

/** A hint that an issue changed hands. Never decides anything: receivers re-read GitHub and the claim ref. */
export const taskAnnouncementSchema = z.object({
  v: z.literal(1),
  repo,
  issue: count,
  event: z.enum(['seen', 'trying', 'claimed', 'lost', 'pull', 'done', 'failed', 'released']),
  attempt: count,
  /** Claim record, where there is one: 20 or 32 bytes in hex. */
  oid: z
    .string()
    .regex(/^([0-9a-f]{40}|[0-9a-f]{64})$/)
    .optional(),
  at: count,
})
export type TaskAnnouncement = z.infer<typeof taskAnnouncementSchema>

/** Changes that one tick names at most; a reader of more lists by itself. */
export const maxChanges = 64

/**
 * What the poller of a repository found, also when that is nothing: its sign of life. A hint:
 * receivers read the issue and the claim ref themselves before they act.
 */
export const issuesTickSchema = z.object({
  v: z.literal(1),
  repo,
  at: count,
  /** Rises with each tick of a process. */
  tick: count,
  /** Pause until the next tick, ms. */
  everyMs: count.max(60 * 60_000),
  changed: z
    .array(
      z.object({
        issue: count,
        /** As GitHub writes it: who knows the issue so has nothing to read. */
        updatedAt: text(40),
        /** Not in the listing any more: closed, unlabelled, moved or deleted. */
        gone: z.literal(true).optional(),
      }),
    )
    .max(maxChanges),
  /** False when more changed than is named. */
  complete: z.boolean(),
  /** The sender receives webhooks of the repository: polling may stretch. */
  hooks: z.literal(true).optional(),
})
export type IssuesTick = z.infer<typeof issuesTickSchema>

/** What is left of a rate limit that several agents draw on. A hint that slows down, never speeds up. */
export const limitReportSchema = z.object({
  v: z.literal(1),
  /** Whose limit: `user:LOGIN@host` or the like; no secret. */
  principal: text(200),
  remaining: count,
  limit: count,
  /** ms since 1970. */
  resetAtMs: count,
  /** GitHub asked for a pause until then, ms since 1970. */
  brakeUntilMs: count.optional(),
  at: count,
})
export type LimitReport = z.infer<typeof limitReportSchema>
