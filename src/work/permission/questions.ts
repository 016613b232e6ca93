/**
 * What waits for a person. A question ends by an answer, at its deadline, or with the work that it
 * belongs to; whichever comes first is told to who asked, once.
 */
import { randomBytes } from 'node:crypto'
import { systemClock, type Clock, type Logger } from '../../util/index.ts'
import { WorkError } from '../errors.ts'
import type { Question } from '../told.ts'

/** Questions that wait at once; further ones are denied. */
export const MAX_QUESTIONS = 64

export type Answered = 'allow' | 'deny' | 'late' | 'ended'

export interface Asked {
  question: Question
  answer: Promise<Answered>
}

export interface Questions {
  /** `clock`: by which the deadline runs. Undefined when too many wait. */
  ask(
    about: Omit<Question, 'id' | 'askedAtMs' | 'deadlineMs'>,
    options: { ms: number; signal: AbortSignal; clock?: Clock },
  ): Asked | undefined
  list(): Question[]
  /** Errors: `QUESTION_UNKNOWN`. */
  answer(id: string, answer: 'allow' | 'deny'): Question
}

export function createQuestions({ logger }: { logger: Logger }): Questions {
  const waiting = new Map<string, { question: Question; settle: (answered: Answered) => void }>()

  return {
    ask(about, { ms, signal, clock = systemClock }) {
      if (waiting.size >= MAX_QUESTIONS) return undefined
      const id = randomBytes(4).toString('hex')
      const now = clock.now()
      const question = { ...about, id, askedAtMs: now, deadlineMs: now + ms }
      const { promise, resolve } = Promise.withResolvers<Answered>()
      const settle = (answered: Answered) => {
        if (!waiting.delete(id)) return
        cancel()
        signal.removeEventListener('abort', onAbort)
        resolve(answered)
      }
      const onAbort = () => settle('ended')
      const cancel = clock.after(ms, () => settle('late'))
      const facts = { event: 'executor.asked', task: about.task, question: id, kind: about.kind }
      logger.warn(facts, `${about.executor} asks whether it may: bzzz task show ${about.task}`)
      waiting.set(id, { question, settle })
      signal.addEventListener('abort', onAbort, { once: true })
      if (signal.aborted) onAbort()
      return { question, answer: promise }
    },
    list: () => [...waiting.values()].map(({ question }) => question),
    answer(id, answer) {
      const found = waiting.get(id)
      if (found === undefined) {
        throw new WorkError('QUESTION_UNKNOWN', `No question ${id.slice(0, 40)} waits here.`, {
          data: { id: id.slice(0, 40) },
          next: 'See with `bzzz task show TASK` what waits; an answer that comes too late changes nothing.',
        })
      }
      found.settle(answer)
      return found.question
    },
  }
}
