/** One turn of a repository whose policy or git cannot be had: what people do to the work is seen all the same. */
import { expect, it } from 'vitest'
import { emptyMemory, type Floor } from '../../../src/tasks/look/floor.ts'
import { turn } from '../../../src/tasks/look/rounds.ts'
import { systemClock } from '../../../src/util/index.ts'

const repo = 'octo/lib'
const { signal } = new AbortController()

async function look(trouble: 'git' | 'policy', assignees: string[]) {
  const cancelled: string[] = []
  const issue = {
    number: 7,
    title: 'T',
    body: '',
    open: true,
    labels: ['bzzz'],
    assignees,
    author: 'u',
    createdAt: '',
    updatedAt: 'monday',
    url: '',
    isPull: false,
  }
  const failing = () => Promise.reject(new Error(`no ${trouble}`))
  const context = {
    clock: systemClock,
    login: 'a',
    settings: { trigger: 'bzzz', failed: 'bzzz:failed', pollMs: 1_000 },
    github: { openIssues: async () => [issue] },
    work: { readPolicy: failing },
  }
  const floor = {
    context,
    freeSlots: () => 1,
    isActive: () => true,
    activeIssues: () => [7],
    cancel: (_: string, __: number, reason: string) => void cancelled.push(reason),
    say: async () => undefined,
  } as unknown as Floor
  const fetchBranches = trouble === 'git' ? failing : async () => new Map([['main', 'base']])
  const place = { repo, info: { defaultBranch: 'main' }, refs: { fetchBranches } }
  const run = turn(floor, place as never, emptyMemory(), signal)
  await expect(run).rejects.toThrow(`no ${trouble}`)
  return cancelled
}

it.each(['git', 'policy'] as const)(
  'a person takes the issue while there is no %s',
  async (what) => {
    expect(await look(what, ['a', 'grace'])).toEqual(['assigned to grace'])
    expect(await look(what, ['a'])).toEqual([])
  },
)
