/** What executors ask people, by task: the work knows tasks as labels only. */
import type { TaskRef } from '../api/index.ts'
import { WorkError, type Question, type Work } from '../work/index.ts'

const labelOf = ({ repo, issue }: TaskRef) => `${repo}#${issue}`.toLowerCase()

/** What waits for a person about a task; nothing where no worker runs. */
export function questionsOf(work: Pick<Work, 'questions'> | undefined, ref: TaskRef): Question[] {
  return (work?.questions() ?? []).filter(({ task }) => task.toLowerCase() === labelOf(ref))
}

/** Errors: `QUESTION_UNKNOWN`, also for a question about another task. */
export function answerOf(
  work: Pick<Work, 'questions' | 'answer'> | undefined,
  ref: TaskRef,
  id: string,
  answer: 'allow' | 'deny',
): Question {
  if (work !== undefined && questionsOf(work, ref).some((one) => one.id === id)) {
    return work.answer(id, answer)
  }
  throw new WorkError('QUESTION_UNKNOWN', `No question ${id} about ${labelOf(ref)} waits here.`, {
    data: { id, ...ref },
    next: 'See with `bzzz task show TASK` what waits; an answer that comes too late changes nothing.',
  })
}
