/** From options to attempts: one issue that GitHub has trouble with keeps no other from being tried. */
import { describe, expect, it } from 'vitest'
import { TasksError } from '../../../src/tasks/errors.ts'
import type { Issue } from '../../../src/tasks/github/github.ts'
import type { Option } from '../../../src/tasks/intake/consider.ts'
import { startSome } from '../../../src/tasks/intake/starting.ts'
import { emptyMemory, type Floor, type Said } from '../../../src/tasks/look/floor.ts'
import { systemClock } from '../../../src/util/index.ts'

const repo = 'octo/lib'
const issue = (number: number) =>
  ({
    number,
    title: 'T',
    body: '',
    open: true,
    labels: ['bzzz'],
    assignees: [],
    author: 'u',
    createdAt: '',
    updatedAt: 'monday',
    url: '',
    isPull: false,
  }) satisfies Issue

/** `bad`: issues of which nothing can be told. */
async function start(numbers: number[], bad: number[], code: TasksError['code']) {
  const begun: number[] = []
  const said: Said[] = []
  const self = () => ({
    peerId: 'a',
    name: 'a',
    offers: new Set<string>(),
    repositories: [repo],
    freeSlots: 9,
  })
  const floor = {
    context: {
      clock: systemClock,
      name: 'a',
      login: 'a',
      mesh: { peerId: 'a', candidates: () => [], tell: async () => undefined },
      settings: {
        trigger: 'bzzz',
        failed: 'bzzz:failed',
        priority: [],
        staggerMs: 0,
        maxAttempts: 3,
      },
      work: { choose: () => ({ executor: 'x' }), readPolicy: async () => ({ requiredLabels: [] }) },
      gates: {
        barred: () => false,
        ask: async (_: string, { number }: Issue) => {
          if (bad.includes(number)) throw new TasksError(code, 'of this one')
          return { is: 'open' }
        },
      },
    },
    self,
    freeSlots: () => 9,
    isActive: (_: string, number: number) => begun.includes(number),
    activeIssues: () => begun,
    heardClaimed: () => false,
    notBefore: () => -Infinity,
    abandoned: () => false,
    begin: (job: { issue: Issue }) => void begun.push(job.issue.number),
    say: async (fact: Said) => void said.push(fact),
  } as unknown as Floor
  const place = {
    repo,
    info: { defaultBranch: 'main' },
    refs: { snapshot: async () => new Map(), fetchBranches: async () => new Map([['main', 'b']]) },
    claims: { decode: async () => ({ is: 'absent' }) },
  }
  const memory = emptyMemory()
  const now = systemClock.monotonic()
  for (const number of numbers)
    memory.issues.set(number, { issue: issue(number), readAt: now, changedAt: now })
  const options = numbers.map((number) => ({ issue: issue(number), rank: 0, decision: {} }))
  const { signal } = new AbortController()
  const run = startSome(floor, place as never, memory, options as unknown as Option[], signal)
  const error = await run.then(
    () => undefined,
    (cause: unknown) => cause,
  )
  const skipped = said.flatMap((fact) => (fact.is === 'skipped' ? [fact.issue.number] : []))
  return { begun, skipped, error }
}

describe('issues that are tried', () => {
  it.each(['GITHUB_ANSWER', 'GITHUB_FORBIDDEN', 'GITHUB_REFUSED'] as const)(
    'go on after one with %s, of which that is said',
    async (code) => {
      const { begun, skipped, error } = await start([1, 2, 3], [1], code)
      expect({ begun, skipped, error }).toEqual({ begun: [2, 3], skipped: [1], error: undefined })
    },
  )

  it('end the turn where it is so with all of them', async () => {
    const { begun, error } = await start([1, 2], [1, 2], 'GITHUB_FORBIDDEN')
    expect(begun).toEqual([])
    expect(error).toMatchObject({ code: 'GITHUB_FORBIDDEN' })
  })

  it('end the turn while GitHub is away', async () => {
    const { begun, error } = await start([1, 2], [1], 'GITHUB_UNREACHABLE')
    expect(begun).toEqual([])
    expect(error).toMatchObject({ code: 'GITHUB_UNREACHABLE' })
  })
})
