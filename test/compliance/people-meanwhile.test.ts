/** What people do to an issue and its repository while it is worked, on the real forge: noticed by the next look, not at the end. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createGitHub } from '../../src/tasks/github/github.ts'
import { nullLogger, until } from '../../src/util/index.ts'
import { TasksWorld } from './tasks-world.ts'

let world: TasksWorld
beforeAll(async () => {
  world = await TasksWorld.make()
})
afterAll(() => world.close())

const waitMs = 30_000
const never = () => new Promise<void>(() => undefined)

it('an assignment that is taken away stops the work, and the issue says so', async () => {
  const repo = await world.repository('taken')
  const at = { owner: 'octo', repo: 'taken' }
  const issue_number = await world.issue(repo)
  const agent = await world.agent({ name: 'a0', repos: [repo], until: never })
  const read = async () => (await world.octokit.rest.issues.get({ ...at, issue_number })).data
  await until('work', waitMs, () => agent.worked.length === 1)
  // GitHub's stamps have whole seconds, and the agent must have seen itself assigned.
  const { updated_at } = await read()
  await until('a later second', 5_000, () => Date.now() >= Date.parse(updated_at) + 1_000)
  await world.octokit.rest.issues.removeAssignees({ ...at, issue_number, assignees: ['a0'] })
  await until('the end of the attempt', waitMs, () =>
    agent.entries.some(({ type }) => type === 'task.cancelled'),
  )
  const { labels, assignees } = await read()
  expect(labels.map((one) => (typeof one === 'string' ? one : one.name))).toContain('bzzz:stopped')
  expect(assignees).toEqual([])
  const { gates } = createGitHub(
    { apiUrl: world.forge.apiUrl, token: 'token-octo', userAgent: 'test' },
    { logger: nullLogger },
  )
  const { signal } = new AbortController()
  const assignedAt = await gates.assignedAt?.(repo, issue_number, 'A0', signal)
  expect(assignedAt).toBe(Date.parse(updated_at))
  expect(await world.pulls(repo)).toEqual([])
  await world.leave('a0')
})
