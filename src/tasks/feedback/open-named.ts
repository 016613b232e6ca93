/**
 * Opens the issues that an executor named. Each is opened once, whatever happens in between: its text
 * ends with two keys, by which it is found before another is opened.
 *
 * | key of | proves | counts where |
 * |---|---|---|
 * | an intent's nonce and the title | it was opened for that intent, since only agents know the nonce before | anybody opened it: an heir has another login |
 * | the task and the title | an earlier round or attempt named the same | an agent of this issue's chain opened it, and outside of the fence that holds the executor's words: everybody can compute it |
 *
 * Nobody is mentioned by these issues, no other issue is closed, and without the trigger label no work
 * begins.
 */
import { explain, hasCode } from '../../util/index.ts'
import { patiently } from '../attempt/fence.ts'
import { short, taskOf, type Context, type Job } from '../context.ts'
import type { OpenedIssue, ReviewCalls } from '../github/review-calls.ts'
import { readChain } from '../intake/chain.ts'
import { code, fenced, oneLine } from '../texts.ts'
import type { Named, NamedIntent } from './follow-ups.ts'
import { keyOf } from './items.ts'

/** What is waited for; all else is final for the issue that it is about. */
const waiting = ['GITHUB_UNREACHABLE', 'GITHUB_RATE_LIMITED', 'GITHUB_UNAUTHORIZED']
/** By which GitHub's clock may be behind that of whoever wrote the intent, ms. */
const skewMs = 60 * 60_000
/** Earlier intents of a task that are looked for. */
const maxIntents = 20
/** Logins of a chain whose issues are looked through. */
const maxLogins = 5

export interface OpenNamedInit {
  /** Another process may have begun with it. */
  again: boolean
  /** GitHub is waited for; otherwise the error is thrown. */
  patient: boolean
}

/** Errors: what is waited for, when it is not to be; `ABORTED`. What is final is logged: the work is published. */
export async function openNamed(
  context: Context,
  job: Job,
  intent: NamedIntent | undefined,
  { again, patient }: OpenNamedInit,
  signal: AbortSignal,
): Promise<void> {
  const { reviews, settings, logger, journal } = context
  const { followUps = 'never' } = settings.feedback ?? {}
  if (intent === undefined || followUps === 'never' || reviews === undefined) return
  const { repo } = job.place
  const labels = followUps === 'trigger' ? [settings.trigger] : []
  const opened: { issue: number; kind: string; title: string }[] = []
  const known = knownIssues({ context, job, reviews, intent, again })
  const step = <T>(run: () => Promise<T>): Promise<T> =>
    patient ? patiently(context, job, signal, run, waiting) : run()

  const open = async (one: Named, { nonce }: NamedIntent): Promise<number> => {
    const before = await known.find(one, signal)
    if (before !== undefined) return before.id
    const body = [fenced(one.body), '', markOf(job, nonce, one.title)].join('\n')
    const made = await reviews
      .openIssue(repo, { title: oneLine(one.title), body, labels }, signal)
      .catch((error: unknown) => {
        known.doubt()
        throw error
      })
    opened.push({ issue: made.number, kind: one.kind, title: short(one.title) })
    return made.id
  }
  // Again after a restart: it may have come between the issue and its link.
  const link = (id: number) =>
    step(() => reviews.addPart(repo, job.issue.number, id, signal)).catch((error: unknown) => {
      // Not every forge has them, and it may be linked already; the text names the issue.
      if (!hasCode(error, 'GITHUB_NOT_FOUND') && !hasCode(error, 'GITHUB_REFUSED')) throw error
    })

  try {
    for (const one of intent.issues) {
      try {
        const id = await step(() => open(one, intent))
        if (one.kind === 'sub-issue') await link(id)
      } catch (error) {
        if (signal.aborted || waiting.some((code) => hasCode(error, code))) throw error
        logger.warn(
          { event: 'feedback.issues', ...taskOf(job), err: explain(error) },
          'an issue that was named could not be opened, or not be made a sub-issue',
        )
      }
    }
  } finally {
    if (opened.length > 0)
      await journal.append({
        type: 'feedback.issues',
        task: taskOf(job),
        attempt: job.attempt,
        opened,
      })
  }
}

interface KnownInit {
  context: Context
  job: Job
  reviews: ReviewCalls
  intent: NamedIntent
  again: boolean
}

/** What is there already, read when it is asked for first, and anew once something may have arrived. */
function knownIssues({ context, job, reviews, intent, again }: KnownInit) {
  const { repo } = job.place
  let listed: { ours: OpenedIssue[]; anybodys: OpenedIssue[] } | undefined
  let isDoubtful = again

  let intents: readonly Pick<NamedIntent, 'nonce' | 'at'>[] = [intent]

  async function list(signal: AbortSignal) {
    intents = await intentsOf(context, job, intent)
    const own = context.viewer ?? context.login
    const { logins } = await readChain(job.place, job.issue.number)
    const others = logins.filter((login) => login !== own.toLowerCase())
    const ours: OpenedIssue[] = []
    for (const login of [own, ...others].slice(0, maxLogins))
      ours.push(
        ...(await reviews.openedBy(repo, login, signal).catch((error: unknown) => {
          // Of accounts that are gone GitHub says that they cannot be.
          if (hasCode(error, 'GITHUB_REFUSED') || hasCode(error, 'GITHUB_NOT_FOUND')) return []
          throw error
        })),
      )
    const since = Math.min(...intents.map(({ at }) => at)) - skewMs
    const mayBeThere = isDoubtful || intents.length > 1
    const anybodys = mayBeThere ? await reviews.openedSince(repo, since, signal) : []
    return { ours, anybodys }
  }

  return {
    async find({ title }: Named, signal: AbortSignal): Promise<OpenedIssue | undefined> {
      listed ??= await list(signal)
      const { ours, anybodys } = listed
      return (
        anybodys.find(({ body }) =>
          intents.some(({ nonce }) => body.includes(intentKey(nonce, title))),
        ) ?? ours.find(({ body }) => afterFence(body).includes(taskMark(job, title)))
      )
    },
    doubt() {
      isDoubtful = true
      listed = undefined
    },
  }
}

/** With those of earlier attempts and rounds, as far as journals are here. */
async function intentsOf({ journal }: Context, job: Job, intent: NamedIntent) {
  const earlier: Pick<NamedIntent, 'nonce' | 'at'>[] = []
  for await (const entry of journal.read({ task: taskOf(job), types: ['feedback.named'] }))
    if (entry.type === 'feedback.named' && entry.nonce !== intent.nonce)
      earlier.push({ nonce: entry.nonce, at: entry.time })
  return [intent, ...earlier.slice(-maxIntents)]
}

const intentKey = (nonce: string, title: string) => code(keyOf('intent', nonce, title))
const taskMark = ({ place: { repo }, issue }: Job, title: string) =>
  `Named at #${issue.number}, ${code(keyOf('named', repo, issue.number, title))}.`
const markOf = (job: Job, nonce: string, title: string) =>
  `${taskMark(job, title)} Intent ${intentKey(nonce, title)}.`

/** What stands below the executor's words. */
function afterFence(body: string): string {
  const lines = body.split(/\r?\n/)
  return lines.slice(lines.findLastIndex((line) => /^`{3,}$/.test(line)) + 1).join('\n')
}
