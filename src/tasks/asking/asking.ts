/**
 * Asking on behalf of one attempt: by its executor while it works, by a person, or when the work has
 * ended (`rescue.ts`). The question is made here, from what may leave: a text or a diff in which a secret
 * is found is not sent. The claim is renewed meanwhile, and its loss, like any end of the attempt,
 * withdraws the request.
 */
import { explain, hasCode, withoutLocalPaths } from '../../util/index.ts'
import { taskOf, type Context, type Held } from '../context.ts'
import type { HelpQuestion } from '../../mesh/index.ts'
import type { AskedPeers, PeerAnswer } from '../needs.ts'
import type { Asking, DeskOutcome, DeskRequest, HelpDesk } from './desk.ts'
import { maxDiffBytes, wordsOf } from './question.ts'

/** Least time of a request that the wire takes, ms. */
const minLifeMs = 1_000
const maxNeeds = 20

/** Undefined where help is not to be asked for. */
export function createAsking(context: Context, held: Held): Asking | undefined {
  const { help: desk, settings } = context
  if (desk === undefined || settings.help?.ask !== true) return undefined
  const own = settings.help
  const { job } = held
  const task = taskOf(job)

  const left = () => Math.max(0, desk.maxRequests - desk.tried(task).length)

  async function ask(asked: AskedPeers, signal: AbortSignal): Promise<PeerAnswer> {
    signal.throwIfAborted()
    if (desk?.reachable() === 0) return { is: 'nobody', reason: 'No peer is connected.' }
    try {
      return await request(asked, signal)
    } catch (error) {
      if (signal.aborted) throw error
      const isBusy = hasCode(error, 'HELP_BUSY')
      const about = { event: 'help.ask', ...task, err: explain(error) }
      if (!isBusy) context.logger.warn(about, 'help cannot be asked for')
      return {
        is: 'off',
        reason: isBusy ? 'Help is asked for already.' : withoutLocalPaths(explain(error)),
      }
    }
  }

  async function request(asked: AskedPeers, signal: AbortSignal): Promise<PeerAnswer> {
    const want = asked.want.filter((form) => form !== 'takeover' || mayHandOver())
    if (want.length === 0) return { is: 'off', reason: 'A task may not be handed on here.' }
    const question = await questionOf({ ...asked, want }, signal)
    const { name } = context
    context.logger.info({ event: 'help.ask', ...task, want }, `${name} asks its peers for help`)
    let outcome: DeskOutcome | undefined
    for await (const step of (desk as HelpDesk).ask(question, signal))
      if (step.is === 'ended' && 'outcome' in step) ({ outcome } = step)
    signal.throwIfAborted()
    return answerOf(outcome)
  }

  const mayHandOver = () => own.handOver && job.round === undefined

  async function questionOf(asked: AskedPeers, signal: AbortSignal): Promise<DeskRequest> {
    const { issue, place, attempt } = job
    const { question, summary } = wordsOf({
      ...asked,
      ...issue,
      checks: asked.checks ?? [],
      digest: asked.left?.digest ?? '',
    })
    const mask = async (text: string) => (await context.mask?.(text, signal)) ?? text
    const sofar = await diffOf(asked, signal)
    const lifeMs = Math.max(minLifeMs, Math.min(own.patienceMs, asked.withinMs ?? Infinity))
    const about = { repo: place.repo, issue: issue.number, attempt }
    return {
      task: about,
      needs: [...new Set(asked.needs ?? job.needs ?? [])].slice(0, maxNeeds),
      want: [...asked.want],
      summary: await mask(summary),
      question: await mask(question),
      lifeMs: Math.round(lifeMs),
      budget: { ms: Math.round(Math.min(own.workMs, lifeMs)) },
      ...sofar,
    }
  }

  /** Where a helper begins: the base, and what was done since as far as it may and can be sent. */
  async function diffOf(
    { left: work }: AskedPeers,
    signal: AbortSignal,
  ): Promise<Pick<HelpQuestion, 'base' | 'diff'>> {
    const { refs, patches } = job.place
    if (work === undefined || patches === undefined) return { base: job.base }
    await refs.adopt(work.gitDir, work.head, signal)
    try {
      const base = await patches.common(job.base, work.head, signal)
      const diff = await patches.between(base, work.head, maxDiffBytes, signal)
      if (diff === undefined || diff === '') return { base }
      const shown = (await context.mask?.(diff, signal)) ?? diff
      return shown === diff ? { base, diff } : { base }
    } finally {
      await refs.drop(work.head)
    }
  }

  function answerOf(outcome: DeskOutcome | undefined): PeerAnswer {
    switch (outcome?.is) {
      case 'answered': {
        const { id, answer } = outcome
        const helper = (desk as HelpDesk).who(outcome.helper).name
        if (answer.form === 'patch')
          return {
            is: 'patch',
            id,
            helper,
            peerId: outcome.helper,
            patch: answer.patch,
            note: answer.note,
          }
        if (answer.form === 'advice') return { is: 'advice', id, helper, text: answer.text }
        held.handTo = { id, peerId: outcome.helper }
        held.handOn?.()
        return { is: 'handed-over', id, helper }
      }
      case 'nobody':
      case 'lost':
        return { is: 'nobody', id: outcome.id, reason: outcome.reason }
      case 'expired':
        return { is: 'nobody', id: outcome.id, reason: 'The time for the request was over.' }
      case 'exhausted':
        // The last of them says most: it may be the one that was just made.
        return { is: 'exhausted', reason: outcome.tried.at(-1)?.reason ?? 'No request is left.' }
      default:
        return { is: 'nobody', reason: 'The request was withdrawn.' }
    }
  }

  return {
    desk,
    settings: own,
    left,
    ask,
    async conclude(id, outcome, reason) {
      await desk.conclude(id, outcome, reason.slice(0, 250)).catch((error: unknown) => {
        const about = { event: 'help.conclude', ...task, id, err: explain(error) }
        context.logger.warn(about, 'a helper could not be told what became of its answer')
      })
    },
  }
}
