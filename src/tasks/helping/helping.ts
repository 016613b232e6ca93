/**
 * Helping: another agent's question is worked on here as a task would be, in a slot, a workspace and a sandbox
 * of its own, by an executor that is shown the question as data. Nothing is published here: what comes of it
 * is the answer. The question comes from a peer, so whether the issue is to be trusted, which commit the
 * repository's rules are read from, and what the issue says is looked up here.
 */
import {
  CommonError,
  explain,
  hasCode,
  unlimited,
  type Clock,
  type Logger,
} from '../../util/index.ts'
import type { HelpAnswer, HelpQuestion } from '../../mesh/index.ts'
import type { Active } from '../active.ts'
import type { HelpSettings } from '../asking/desk.ts'
import type { Context, RepoContext } from '../context.ts'
import { fitnessOf } from '../intake/fitness.ts'
import { lacking, type Candidate } from '../intake/intake.ts'
import { decideOffer, type OfferChoice } from './decide.ts'
import { createPeople, maxAdvice } from './people.ts'
import { workOut, type Scratch } from './work-out.ts'

/** When it is looked whether a claim was handed on to this agent, ms. */
const lookAfterMs = [2_000, 10_000]

export interface Helping {
  offer(question: HelpQuestion): OfferChoice
  /** Errors: why no help came. */
  help(
    question: HelpQuestion,
    signal: AbortSignal,
    budget: HelpQuestion['budget'],
  ): Promise<HelpAnswer>
  /** Requests that wait here for a person. */
  waiting(): { id: string; question: string; summary: string; leftMs: number }[]
  /** A person's advice. Errors: `ASK_UNKNOWN`, `ASK_TAKEN`, `ASK_INVALID`. */
  answer(id: string, text: string): void
}

export interface HelpingComponents {
  settings: (HelpSettings & { people: boolean }) | undefined
  /** Undefined while the repository is not worked here, or not ready. */
  place: (repo: string) => RepoContext | undefined
  context: (signal: AbortSignal) => Promise<Context>
  self: () => Candidate
  openSlots: () => number
  hold: Active['hold']
  /** Has an issue looked at as if that peer had said that it let go of it. */
  letGo: (task: HelpQuestion['task'], from: string) => void
  scratch: Scratch
  clock: Clock
  logger: Logger
}

export function createHelping(components: HelpingComponents): Helping {
  const { settings, place, context, self, openSlots, hold, letGo, scratch, clock, logger } =
    components
  const people = createPeople()
  /** Requests that an executor works on; bounded by the slots. */
  const atWork = new Set<string>()

  function offer({
    want,
    needs,
    task,
  }: Pick<HelpQuestion, 'want' | 'needs' | 'task'>): OfferChoice {
    const own = self()
    return decideOffer({
      want,
      give: settings?.give === true,
      people: settings?.people === true,
      serves: place(task.repo)?.patches !== undefined,
      kinds: own.kinds ?? new Set(['acp']),
      lacks: lacking(needs, own),
      openSlots: openSlots(),
      weight: fitnessOf(own, 0).weight,
    })
  }

  async function byExecutor(
    question: HelpQuestion,
    form: 'patch' | 'advice',
    signal: AbortSignal,
    budget: HelpQuestion['budget'],
  ): Promise<HelpAnswer> {
    const release = hold()
    atWork.add(question.id)
    const over = new AbortController()
    const cancel = clock.after(Math.max(1, budget.ms), () =>
      over.abort(new CommonError('DEADLINE', `It took longer than ${budget.ms} ms.`)),
    )
    const both = AbortSignal.any([signal, over.signal])
    try {
      const known = await context(both)
      const at = place(question.task.repo)
      const init = { question, budget, at, adviceOnly: form === 'advice' || at === undefined }
      return await workOut(known, init, { scratch, permit: unlimited }, both)
    } finally {
      cancel()
      atWork.delete(question.id)
      release()
    }
  }

  /**
   * The claim will name this agent, which then claims as ever: intake finds it once the origin has said so,
   * and looks by itself in case that word is lost.
   */
  function takeOver({ task, id, origin }: HelpQuestion): HelpAnswer {
    for (const ms of lookAfterMs) clock.after(ms, () => letGo(task, origin))
    const about = { event: 'help.takeover', ...task, id }
    logger.info(about, 'this agent is to go on with a task of a peer')
    return { form: 'takeover', note: 'It goes on from the work branch.' }
  }

  return {
    offer,
    async help(question, signal, budget) {
      const choice = offer(question)
      if (!choice.ready) throw new Error(choice.reason)
      if (choice.form === 'takeover') return takeOver(question)
      const { id, summary } = question
      const until = clock.monotonic() + question.lifeMs
      const ending = new AbortController()
      const both = AbortSignal.any([signal, ending.signal])
      const wants = settings?.people === true && question.want.includes('advice')
      const person = wants
        ? people.wait({ id, question: question.question, summary, until }, both)
        : undefined
      const said = person?.then((text): HelpAnswer => ({
        form: 'advice',
        text: text.slice(0, maxAdvice),
      }))
      said?.catch(() => undefined)
      if (choice.form === 'person') {
        if (said === undefined) throw new Error('too many requests wait for a person')
        return said
      }
      const { form } = choice
      const done = byExecutor(question, form, both, budget)
      try {
        if (said === undefined) return await done
        return await Promise.race([
          said,
          done.catch(async (error: unknown) => {
            if (both.aborted) throw error
            const about = { event: 'help.failed', id, err: explain(error) }
            logger.info(about, 'no executor could help; a person may still')
            return said
          }),
        ])
      } finally {
        ending.abort(new Error('the help has ended'))
        // No executor may outlive its help.
        await done.catch((error: unknown) => {
          if (!hasCode(error, 'ABORTED')) logger.debug({ err: explain(error) }, 'help has ended')
        })
      }
    },
    waiting: () =>
      people.list().map(({ id, question, summary, until }) => ({
        id,
        question,
        summary,
        leftMs: Math.max(0, until - clock.monotonic()),
      })),
    answer: (id, text) => people.answer(id, text, atWork),
  }
}
