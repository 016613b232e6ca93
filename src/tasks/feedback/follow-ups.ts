/**
 * Issues that an executor names in its last words: parts of a task that is too big, or what is left over.
 * They stand in a fence, as JSON, and are hostile until decoded:
 *
 *   ```bzzz-issues
 *   [{"kind": "follow-up", "title": "Say it in the manual", "body": "…"}]
 *   ```
 *
 * Each is opened once, whatever happens in between: its text ends with a key of task and title, and the
 * issues that the own login opened last are looked through before. Nobody is mentioned by them, no
 * other issue is closed, and without the trigger label no work begins.
 */
import { z } from 'zod'
import { explain, hasCode } from '../../util/index.ts'
import { short, taskOf, type Context, type Job } from '../context.ts'
import { code, fenced, oneLine } from '../texts.ts'
import { keyOf } from './items.ts'

/** Of one task. */
const maxIssues = 5
const maxBlock = 16 * 1024

const named = z
  .array(
    z.strictObject({
      kind: z.enum(['sub-issue', 'follow-up']),
      title: z.string().trim().min(1).max(200),
      body: z.string().max(8_000).default(''),
    }),
  )
  .max(maxIssues)
export type Named = z.infer<typeof named>[number]

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

/** Opens them. What the forge refuses is logged: the work itself is published already. */
export async function openNamed(
  context: Context,
  job: Job,
  summary: string,
  signal: AbortSignal,
): Promise<void> {
  const { reviews, settings, logger, journal } = context
  const { followUps = 'never' } = settings.feedback ?? {}
  if (followUps === 'never' || reviews === undefined) return
  const { issues, refused } = namedIn(summary)
  const about = { event: 'feedback.issues', ...taskOf(job) }
  if (refused !== undefined)
    logger.warn({ ...about, why: refused }, 'the issues that the executor named cannot be read')
  if (issues.length === 0) return
  const { repo } = job.place
  const opened: { issue: number; kind: string; title: string }[] = []
  const open = async ({ kind, title, body, mark }: Named & { mark: string }): Promise<number> => {
    const text = [fenced(body), '', mark].join('\n')
    const labels = followUps === 'trigger' ? [settings.trigger] : []
    const made = await reviews.openIssue(
      repo,
      { title: oneLine(title), body: text, labels },
      signal,
    )
    opened.push({ issue: made.number, kind, title: short(title) })
    return made.id
  }
  const link = (id: number) =>
    reviews.addPart(repo, job.issue.number, id, signal).catch((error: unknown) => {
      if (signal.aborted) throw error
      // Not every forge has them, and it may be linked already; the text names the issue.
      if (hasCode(error, 'GITHUB_NOT_FOUND') || hasCode(error, 'GITHUB_REFUSED')) return
      logger.warn({ ...about, err: explain(error) }, 'an issue could not be made a sub-issue')
    })
  try {
    const known = await reviews.openedBy(repo, context.login, signal)
    for (const { kind, title, body } of issues) {
      const mark = `Named at #${job.issue.number}, ${code(keyOf('named', repo, job.issue.number, title))}.`
      const before = known.find((one) => one.body.includes(mark))
      const id = before?.id ?? (await open({ kind, title, body, mark }))
      // Again after a restart: it may have come between the issue and its link.
      if (kind === 'sub-issue') await link(id)
    }
  } catch (error) {
    if (signal.aborted) throw error
    logger.warn({ ...about, err: explain(error) }, 'not all issues that were named could be opened')
  }
  if (opened.length > 0)
    await journal.append({
      type: 'feedback.issues',
      task: taskOf(job),
      attempt: job.attempt,
      opened,
    })
}
