/** Entries about what people and checks say of a pull request, and what was made of it. */
import { z } from 'zod'
import { attempt, count, entry, oid, short, task, text } from './fields.ts'

/** Of an issue; all of an entry are at most 16 KiB, see `maxEntryBytes`. */
const long = z.string().max(8_000)
const feedbackKey = z.string().regex(/^[0-9a-f]{16}$/)

export const feedbackEntries = [
  /** The author looks after the pull request from now on. */
  entry('feedback.watching', { task, attempt, pull: count, url: short }),
  /** What is to be answered, once for each set; `keys` are what rounds name in claim records. */
  entry('feedback.seen', {
    task,
    attempt,
    pull: count,
    items: z.array(z.object({ key: feedbackKey, kind: short, from: short })).max(40),
  }),
  /** Somebody said something that is not acted on. */
  entry('feedback.ignored', { task, pull: count, from: short, reason: text }),
  /** A round of work on feedback begins; it was claimed in this attempt. */
  entry('feedback.round', {
    task,
    attempt,
    pull: count,
    round: count,
    keys: z.array(feedbackKey).max(40),
  }),
  /** How it ended: `pushed`, `unchanged`, `failed`, `stopped`. */
  entry('feedback.ended', {
    task,
    attempt,
    pull: count,
    round: count,
    outcome: short,
    head: oid.optional(),
    reason: text,
  }),
  /** Nothing more is done by itself: the pull request needs a person, or a person stopped it. */
  entry('feedback.exhausted', {
    task,
    attempt,
    pull: count,
    /** That have ended by then. */
    rounds: count,
    reason: text,
    /** Id of the last comment that commanded something before. */
    command: count.optional(),
  }),
  /**
   * A person wants it tried anew. Written before labels go, so that the wish is carried out once, whoever goes on
   * with it; `after` is the newest attempt at that time, 0 when there was none: the next one uses it up.
   */
  entry('feedback.retry', { task, comment: count, from: short, after: count }),
  /** Somebody who may commanded something in a comment; `outcome` says what was made of it. */
  entry('feedback.command', {
    task,
    /** Id of the comment on the forge. */
    comment: count,
    from: short,
    command: short,
    outcome: short,
    /** With `retry`: as in `feedback.retry`. */
    after: count.optional(),
  }),
  /** `/bzzz ask`: what a person wants to know of the agents. */
  entry('feedback.asked', { task, comment: count, from: short, question: text }),
  /** A draft pull request was made ready for review. */
  entry('feedback.ready', { task, attempt, pull: count }),
  /**
   * Issues that are opened once the work is published. Written before that, so that a restart, or an
   * heir, can go on; `nonce` goes into the texts that are opened, by which they are found again.
   */
  entry('feedback.named', {
    task,
    attempt,
    nonce: z.string().regex(/^[0-9a-f]{32}$/),
    issues: z
      .array(z.object({ kind: z.enum(['sub-issue', 'follow-up']), title: short, body: long }))
      .max(5),
  }),
  /** Issues that were opened because the work named them. */
  entry('feedback.issues', {
    task,
    attempt,
    opened: z.array(z.object({ issue: count, kind: short, title: short })).max(5),
  }),
] as const
