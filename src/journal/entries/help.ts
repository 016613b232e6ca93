/**
 * Help among peers, as each peer concerned writes it down, so that the tree of a request can be
 * rebuilt from the journals alone. Never a question, a diff or an answer: their digests and sizes.
 */
import { z } from 'zod'
import { count, digest, entry, short, task } from './fields.ts'

/** Id of the request. */
const id = z.string().regex(/^[0-9a-f]{32}$/)
/** `asker`: peer id of the one that asks for help. */
const about = { id, task, asker: short }
/** Peer ids of the way of a request, from the origin to the author. */
const path = z.array(short).max(5)

export const helpEntries = [
  /** The author asks for help: the `round`th request for the task. `digest`: of the question, of `bytes`. */
  entry('help.asked', {
    ...about,
    attempt: count,
    round: count,
    needs: z.array(short).max(20),
    digest,
    bytes: count,
    lifeMs: count,
  }),
  /** A request arrived. */
  entry('help.received', { ...about, digest, path, leftMs: count, round: count }),
  /** A request, or something about it, is not acted on. `from`: who sent it. */
  entry('help.discarded', { id, task, from: short, why: short }),
  /** The request goes to that peer; hop 1 is the origin's own. `reason`: why it and no other. */
  entry('help.forwarded', { ...about, to: short, hop: count, leftMs: count, reason: short }),
  /** That peer did not take it. */
  entry('help.unsent', { ...about, to: short, why: short }),
  /** `by` would help; by the author, or as the origin learnt of it. `offer`: digest of the offer. */
  entry('help.offered', {
    ...about,
    by: short,
    offer: digest,
    fitness: count,
    path,
    reason: short,
  }),
  /** `by`, and nobody behind it, helps; by the author, or as the one before it learnt of it. */
  entry('help.declined', { ...about, by: short, reason: short }),
  /** The origin takes the offer; by it, before it says so, or by the helper before it begins. */
  entry('help.accepted', { ...about, helper: short, offer: digest, reason: short }),
  /** The help, as it went out or came in. */
  entry('help.answered', { ...about, helper: short, form: short, digest, bytes: count }),
  /** The helper gave up; by it, or as the origin learnt of it. */
  entry('help.failed', { ...about, helper: short, reason: short }),
  /** The origin needs it no more; by each that learnt of it. */
  entry('help.withdrawn', { ...about, reason: short }),
  /** A letter between two others was handed on. */
  entry('help.relayed', { ...about, letter: short, from: short, to: short, next: short }),
  /**
   * How it ended for the author: `used` or `refused` answer, `nobody`, `expired`, `withdrawn`, `lost`,
   * or, at a helper, `unchosen`.
   */
  entry('help.result', { ...about, outcome: short, helper: short.optional(), reason: short }),
  /** No more requests for the task. */
  entry('help.exhausted', { task, attempt: count, requests: z.array(id).max(16) }),
] as const
