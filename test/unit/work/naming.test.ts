/** What the prompt asks for is what the tasks read. */
import { expect, it } from 'vitest'
import { namedIn } from '../../../src/tasks/feedback/follow-ups.ts'
import { buildPrompt } from '../../../src/work/prompt.ts'
import { policy } from './rig.ts'

it('shows an executor the very form in which issues are named', () => {
  const issue = { number: 4, title: 'Too big', body: 'Do all of it.', labels: [] }
  const prompt = buildPrompt({ repo: 'octo/lib', issue }, policy({}), 'issue-1')
  expect(namedIn(prompt)).toEqual({
    issues: [
      { kind: 'sub-issue', title: '…', body: '…' },
      { kind: 'follow-up', title: '…', body: '…' },
    ],
  })
})
