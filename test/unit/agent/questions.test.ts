import { describe, expect, it } from 'vitest'
import { answerOf, questionsOf } from '../../../src/agent/questions.ts'
import { question } from '../api/fixture.ts'

describe('questions of a task', () => {
  const answers: unknown[] = []
  const work = {
    questions: () => [question, { ...question, id: 'other', task: 'octo/app#4' }],
    answer: (id: string, answer: string) => {
      answers.push([id, answer])
      return question
    },
  }
  const ref = { repo: 'Octo/Lib', issue: 4 }

  it('are those of its repository and issue, in any case', () => {
    expect(questionsOf(work, ref)).toEqual([question])
    expect(questionsOf(work, { ...ref, issue: 5 })).toEqual([])
    expect(questionsOf(undefined, ref)).toEqual([])
  })

  it('are answered by way of their task only', () => {
    expect(answerOf(work, ref, question.id, 'allow')).toEqual(question)
    const unknown = expect.objectContaining({ code: 'QUESTION_UNKNOWN' })
    expect(() => answerOf(work, ref, 'other', 'allow')).toThrow(unknown)
    expect(() => answerOf(undefined, ref, question.id, 'allow')).toThrow(unknown)
    expect(answers).toEqual([[question.id, 'allow']])
  })
})
