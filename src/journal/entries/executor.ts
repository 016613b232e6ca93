/** Entries about executors: what ran, what it did, asked and was told, and what it cost. */
import { z } from 'zod'
import { attempt, count, digest, entry, short, task } from './fields.ts'

/** Money in millionths of a US dollar. */
const usage = z.object({ inputTokens: count, outputTokens: count, costMicros: count }).partial()

export const executorEntries = [
  /**
   * `sandbox`: what kept it apart from the machine; `none` by the operator's word. `reason`: why this
   * executor, of those that the agent has.
   */
  entry('executor.started', {
    task,
    attempt,
    executor: short,
    kind: short,
    sandbox: short.optional(),
    reason: short.optional(),
  }),
  /** Digest of all that the executor printed or reported, with its size. */
  entry('executor.output', { task, attempt, sha256: digest, bytes: count, truncated: z.boolean() }),
  entry('executor.ended', {
    task,
    attempt,
    executor: short,
    outcome: short,
    exitCode: z.number().int().optional(),
    durationMs: count,
    usage: usage.optional(),
  }),
  /** Whether the executor went on with a conversation of before; `lost`: it could not. */
  entry('executor.session', {
    task,
    attempt,
    executor: short,
    how: z.enum(['new', 'resumed', 'lost']),
  }),
  /**
   * What the executor did since the last of these: kinds, numbers, and digests of titles, plan and
   * paths. A tool call stands here when it has ended.
   */
  entry('executor.activity', {
    task,
    attempt,
    executor: short,
    tools: z.array(z.object({ kind: short, status: short, sha256: digest })).max(64),
    moreTools: count,
    plan: z.object({ steps: count, done: count, sha256: digest }).optional(),
    files: z.object({ count, sha256: digest }).optional(),
    permissions: z.object({ allowed: count, denied: count }).optional(),
    /** Of all turns until then. */
    usage: usage.optional(),
  }),
  /** A person is asked whether the executor may; `sha256`: of the title of what it wants. */
  entry('executor.asked', {
    task,
    attempt,
    executor: short,
    question: short,
    kind: short,
    sha256: digest,
    deadlineMs: count,
  }),
  /** What the executor was told, and by whom. */
  entry('executor.permission', {
    task,
    attempt,
    executor: short,
    kind: short,
    sha256: digest,
    allowed: z.boolean(),
    by: z.enum(['rule', 'default', 'person', 'deadline', 'nobody', 'end']),
    question: short.optional(),
  }),
  /** What the sandbox asked of the network, in all; `more`: refused requests beyond the listed ones. */
  entry('executor.network', {
    task,
    attempt,
    refused: z.array(z.object({ host: short, port: count, reason: short, count })).max(40),
    more: count,
    allowed: z.array(z.object({ host: short, port: count, count })).max(40),
    bytes: count,
  }),
  /** This agent leaves one of its executors alone until then, wall clock, ms. */
  entry('executor.away', {
    executor: short,
    why: z.enum(['quota', 'environment']),
    reason: short,
    untilMs: count,
  }),
  /** It worked again. */
  entry('executor.back', { executor: short }),
  /** The lease ended before it could be renewed; `renewed`: wall clock of the last renewal, ms. */
  entry('executor.frozen', { task, attempt, renewed: count }),
  /** The lease was renewed after all, and the work goes on. */
  entry('executor.resumed', { task, attempt, frozenMs: count }),
] as const
