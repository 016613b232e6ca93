/** A task that is handed on as a whole, over the real forge and real git: who helps claims it and goes on. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { HelpQuestion } from '../../src/mesh/index.ts'
import type { HelpDesk, Tasks } from '../../src/tasks/index.ts'
import { until } from '../../src/util/index.ts'
import { TasksWorld } from './tasks-world.ts'

const help = { ask: true, give: true, people: false, handOver: true, patienceMs: 60_000, workMs: 60_000, pauseMs: 100 } // prettier-ignore
let world: TasksWorld
beforeEach(async () => {
  world = await TasksWorld.make()
})
afterEach(() => world.close())

/** Asks one peer, which takes the task over or not. */
function deskTo(peerId: string, tasks: () => Tasks | undefined) {
  const seen: string[] = []
  const desk: HelpDesk = {
    maxRequests: 3,
    reachable: () => 1,
    async *ask(request, signal) {
      const id = 'f'.repeat(32)
      const question = {
        ...request,
        want: ['takeover'],
        id,
        v: 1,
        mesh: '',
        origin: 'a0',
        round: 1,
      } as HelpQuestion
      const offered = tasks()?.helping.offer(question)
      seen.push(offered?.ready === true ? offered.form : 'no offer')
      const answer = await tasks()!.helping.help(question, signal, question.budget)
      yield { is: 'ended', outcome: { is: 'answered', id, helper: peerId, answer } }
    },
    conclude: async (_, outcome) => void seen.push(outcome),
    tried: () => [],
    completed: () => undefined,
    who: () => ({ name: peerId, login: peerId }),
  }
  return { desk, seen }
}

it('is claimed by the helper and nobody else, who publishes it', async () => {
  const repo = await world.repository('over')
  const { desk, seen } = deskTo('a1', () => world.members.get('a1')?.tasks)
  // Only it is there at first, so that it is the one that claims.
  const edit = () => new Error('it fails')
  const { promise: others, resolve: arrived } = Promise.withResolvers<void>()
  const until0 = () => others
  const ada = await world.agent({ name: 'a0', repos: [repo], help, desk, edit, until: until0 })
  const issue = await world.issue(repo)
  await until('the work', 20_000, () => ada.worked.length === 1)
  const bo = await world.agent({ name: 'a1', repos: [repo], help })
  const third = await world.agent({ name: 'a2', repos: [repo], help })
  await until('the helper', 20_000, () => bo.tasks.status().repos[0]?.ok === true)
  arrived()
  await until('a pull request', 60_000, async () => (await world.pulls(repo)).length === 1)
  expect(seen).toEqual(['takeover', 'used'])
  expect([ada.worked, bo.worked, third.worked]).toEqual([[issue], [issue], []])
  expect(ada.entries.find(({ type }) => type === 'claim.released')).toMatchObject({
    state: 'handed',
  })
  expect(bo.entries.find(({ type }) => type === 'claim.won')).toMatchObject({ attempt: 2 })
  const { data } = await world.octokit.rest.issues.get({
    owner: 'octo',
    repo: 'over',
    issue_number: issue,
  })
  expect(data.assignees?.map(({ login }) => login)).toEqual(['a1'])
})
