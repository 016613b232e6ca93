/**
 * Issues that an executor names in its last words: parts of a task that is too big, or what is left over.
 * They stand in a fence, as JSON, and are hostile until decoded:
 *
 *   ```bzzz-issues
 *   [{"kind": "follow-up", "title": "Say it in the manual", "body": "…"}]
 *   ```
 *
 * They are opened after the work is published (`open-named.ts`), and are in the journal before: nothing
 * else has them once the process is gone, and journals are what an heir has of others.
 */
import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { short, taskOf, type Context, type Job } from '../context.ts'

/** Of one task. */
const maxIssues = 5
const maxBlock = 16 * 1024
const maxBody = 8_000

const named = z
  .array(
    z.strictObject({
      kind: z.enum(['sub-issue', 'follow-up']),
      title: z.string().trim().min(1).max(200),
      body: z.string().max(maxBody).default(''),
    }),
  )
  .max(maxIssues)
export type Named = z.infer<typeof named>[number]

export interface NamedIntent {
  /** Made after the executor had ended, so that no text of it holds a key of it. 16 random bytes in hex. */
  nonce: string
  /** Wall clock of whoever wrote it, ms. */
  at: number
  issues: Named[]
}

/** Pure. Empty without a block; `refused` says what is wrong with one. */
export function namedIn(summary: string): { issues: Named[]; refused?: string } {
  const block = /^[ \t]{0,8}```bzzz-issues[ \t]*\n([\s\S]{0,20000}?)\n[ \t]{0,8}```[ \t]*$/m.exec(
    summary,
  )?.[1]
  if (block === undefined) return { issues: [] }
  if (Buffer.byteLength(block) > maxBlock)
    return { issues: [], refused: `it is larger than ${maxBlock} bytes` }
  let value: unknown
  try {
    value = JSON.parse(block)
  } catch {
    return { issues: [], refused: 'it is no JSON' }
  }
  const parsed = named.safeParse(value)
  if (parsed.success) return { issues: parsed.data }
  const [issue] = parsed.error.issues
  return { issues: [], refused: `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'unknown'}` }
}

/** Writes down what is to be opened. Undefined: nothing. */
export async function noteNamed(
  context: Context,
  job: Job,
  summary: string,
  signal: AbortSignal,
): Promise<NamedIntent | undefined> {
  const {
    reviews,
    settings,
    logger,
    journal,
    clock,
    mask = (text) => Promise.resolve(text),
  } = context
  const { followUps = 'never' } = settings.feedback ?? {}
  if (followUps === 'never' || reviews === undefined) return undefined
  const { issues: asked, refused } = namedIn(summary)
  if (refused !== undefined)
    logger.warn(
      { event: 'feedback.issues', ...taskOf(job), why: refused },
      'the issues that the executor named cannot be read',
    )
  if (asked.length === 0) return undefined
  const issues: Named[] = []
  for (const { kind, title, body } of asked)
    issues.push({
      kind,
      title: short(await mask(title, signal)),
      body: short(await mask(body, signal), maxBody),
    })
  const intent = { nonce: randomBytes(16).toString('hex'), issues }
  const about = { task: taskOf(job), attempt: job.attempt }
  await journal.append({ type: 'feedback.named', ...about, ...intent })
  return { ...intent, at: clock.now() }
}
