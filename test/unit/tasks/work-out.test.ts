import { expect, it } from 'vitest'
import type { Context, RepoContext } from '../../../src/tasks/context.ts'
import { workOut, type WorkOutInit } from '../../../src/tasks/helping/work-out.ts'
import type { Instructions } from '../../../src/tasks/intake/instructions.ts'
import { unlimited } from '../../../src/util/index.ts'

const oid = 'a'.repeat(40)
const signal = new AbortController().signal

async function instructionsFor(adviceOnly: boolean): Promise<Instructions | undefined> {
  let given: Instructions | undefined
  const body = '```bzzz\nchore: deploy\narguments: {to: live}\n```'
  const context = {
    github: { issue: async () => ({ number: 7, title: 'Deploy', body, labels: [] }) },
    journal: { append: async () => undefined },
    work: {
      readPolicy: async () => ({ requiredLabels: [] }),
      run: async (_: unknown, instructions: Instructions) => {
        given = instructions
        return {
          outcome: 'failed',
          reason: 'no change',
          said: 'The old one.',
          dispose: async () => {},
        }
      },
    },
    name: 'bo',
    login: 'bo',
  } as unknown as Context
  const at = {
    repo: 'octo/lib',
    refs: {
      gitDir: '/nowhere',
      fetchBranches: async () => new Map([['main', oid]]),
      has: async () => true,
      isAncestor: async () => true,
    },
    info: { defaultBranch: 'main' },
  } as unknown as RepoContext
  const question = {
    id: 'b'.repeat(32),
    task: { repo: 'octo/lib', issue: 7, attempt: 1 },
    want: ['advice'],
    question: 'Which parser is it?',
    summary: '',
  } as unknown as WorkOutInit['question']
  const scratch = { open: () => Promise.reject(new Error('not needed')) }
  const init = { question, budget: { ms: 60_000 }, at, adviceOnly }
  const answer = await workOut(context, init, { scratch, permit: unlimited }, signal)
  expect(answer).toEqual({ form: 'advice', text: 'The old one.' })
  return given
}

it('for advice no chore is run; for a patch it is', async () => {
  expect(await instructionsFor(true)).toEqual({})
  expect(await instructionsFor(false)).toEqual({ chore: 'deploy', arguments: { to: 'live' } })
})
