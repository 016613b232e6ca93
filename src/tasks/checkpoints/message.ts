/**
 * The commit message of a checkpoint, which carries what must survive the agent that made it: what
 * was tried and what was used. It is read back by any agent that goes on, from a branch on which
 * whoever may push can write, so it is hostile until decoded, and never more than data.
 *
 *   checkpoint: Fix the sum (#12)
 *
 *   <digest: what was tried, in plain text>
 *
 *   Bzzz-Checkpoint: {"v":1,"attempt":2,"used":{"wallMs":61000,"turns":1}}
 *
 * GitHub makes links and mentions of what such a text names, and closes issues for it: an invisible
 * character after each `@` and `#` of the digest prevents that, and is taken out when it is read.
 */
import { z } from 'zod'
import { cutText } from './text.ts'
import { canonicalJson, decodeJson } from '../../util/index.ts'
import type { Used } from '../needs.ts'

/** Largest digest, bytes of UTF-8. */
export const maxDigestBytes = 8 * 1024
/** Largest message of a commit that is looked at for one. */
export const maxMessageBytes = 64 * 1024
/** Largest mark, bytes. */
const maxMarkBytes = 1_024
const trailer = 'Bzzz-Checkpoint: '
const guard = '\u200B'

const amount = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER)
const markSchema = z.object({
  v: z.literal(1),
  attempt: z.number().int().positive().max(1_000_000),
  used: z.object({
    wallMs: amount,
    turns: amount,
    inputTokens: amount.optional(),
    outputTokens: amount.optional(),
    costMicros: amount.optional(),
  }),
})

export interface CheckpointNote {
  attempt: number
  digest: string
  used: Used
}

export function encodeMessage(
  issue: { number: number; title: string },
  { attempt, digest, used }: CheckpointNote,
): string {
  const title = issue.title.replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ').trim()
  const body = cutText(digest.trim(), maxDigestBytes).replace(/[@#]/g, `$&${guard}`)
  return [
    `checkpoint: ${cutText(title, 200).replace(/@/g, `@${guard}`)} (#${issue.number})`,
    ...(body === '' ? [] : [body]),
    `${trailer}${canonicalJson({ v: 1, attempt, used: whole(used) })}\n`,
  ].join('\n\n')
}

/** Undefined for a commit that is no checkpoint. */
export function decodeMessage(message: string): CheckpointNote | undefined {
  if (Buffer.byteLength(message) > maxMessageBytes) return undefined
  const parts = message.trimEnd().split('\n\n')
  const last = parts.at(-1) ?? ''
  if (parts.length < 2 || !last.startsWith(trailer)) return undefined
  try {
    const mark = decodeJson(last.slice(trailer.length), {
      what: 'mark of a checkpoint',
      schema: markSchema,
      maxBytes: maxMarkBytes,
    })
    const { used } = mark
    const digest = parts.slice(1, -1).join('\n\n').replaceAll(guard, '')
    return { attempt: mark.attempt, digest: cutText(digest, maxDigestBytes), used: whole(used) }
  } catch {
    // Whoever may push can write such a line: then it is a commit like any other.
    return undefined
  }
}

/** Whole numbers, and none of what is not known. */
function whole(used: { [K in keyof Used]: Used[K] | undefined }): Used {
  const known = Object.entries(used).filter(([, value]) => value !== undefined)
  return Object.fromEntries(
    known.map(([key, value]) => [key, Math.max(0, Math.round(value as number))]),
  ) as unknown as Used
}
