/** What happens between a pull request and its end, end to end on the forge: rounds, people, conflicts, heirs, commands. */
import { Octokit } from 'octokit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { LoggedEntry } from '../../src/journal/index.ts'
import { until } from '../../src/util/index.ts'
import { owner, TasksWorld, type Member, type MemberInit } from './tasks-world.ts'

let world: TasksWorld
let count = 0
beforeAll(async () => {
  world = await TasksWorld.make()
})
afterAll(() => world.close())

const feedback = { maxRounds: 3, quietMs: 0, needsHuman: 'bzzz:needs-human' }
const patient = 45_000

/** One repository with one agent, and one issue that has a pull request. */
async function scene(more: Partial<MemberInit> = {}, issue: object = {}) {
  count += 1
  const name = `feedback-${count}`
  const repo = await world.repository(name)
  const at = { owner, repo: name }
  let works = 0
  const agentName = `a${count % 5}-${count}`
  const prompts: string[] = []
  const edit: MemberInit['edit'] = (order) => {
    works += 1
    prompts.push(order.quoted?.feedback ?? '')
    return { 'made.txt': `${works}\n` }
  }
  const agent = await world.agent({
    name: agentName,
    token: `token-a${count % 5}`,
    repos: [repo],
    leaseMs: 3_000,
    pollMs: 200,
    feedback,
    edit,
    ...more,
  } as MemberInit)
  const number = await world.issue(repo, issue)
  await until('the pull request', patient, async () => has(agent, 'feedback.watching'))
  const [pull] = await world.pulls(repo)
  const as = (login: string) =>
    new Octokit({
      baseUrl: world.forge.apiUrl,
      auth: `token-${login}`,
      throttle: { enabled: false },
    }).rest
  const head = async () =>
    (await as('octo').pulls.get({ ...at, pull_number: pull!.number })).data.head.sha
  const comments = async (of = pull!.number) =>
    (await as('octo').issues.listComments({ ...at, issue_number: of })).data.map(({ body }) => body)
  const labels = async (of = pull!.number) =>
    (await as('octo').issues.listLabelsOnIssue({ ...at, issue_number: of })).data.map(
      (label) => label.name,
    )
  return { repo, at, agent, number, pull: pull!, as, head, comments, labels, prompts }
}

const of = <T extends LoggedEntry['type']>({ entries }: Member, type: T) =>
  entries.filter((entry): entry is Extract<LoggedEntry, { type: T }> => entry.type === type)
const has = (agent: Member, type: LoggedEntry['type'], least = 1) => of(agent, type).length >= least
const review = { event: 'REQUEST_CHANGES' as const, body: 'Say hello, not hullo.' }

describe('feedback', () => {
  it('of a maintainer leads to one round on the same branch and pull request', async () => {
    const { at, agent, pull, as, head, comments, prompts, repo } = await scene()
    const before = await head()
    const line = { path: 'made.txt', line: 1, body: 'here' }
    await as('grace').pulls.createReview({
      ...at,
      pull_number: pull.number,
      ...review,
      comments: [line],
    })
    await until('a round', patient, async () => has(agent, 'feedback.ended'))
    const [ended] = of(agent, 'feedback.ended')
    expect(ended).toMatchObject({ round: 1, outcome: 'pushed', attempt: 2, pull: pull.number })
    expect(await head()).not.toBe(before)
    expect(prompts[1]).toContain('Say hello, not hullo.')
    expect(prompts[1]).toContain('made.txt, line 1')
    expect(await world.pulls(repo)).toHaveLength(1)
    expect((await comments()).join('\n')).toMatch(/round 1 of 3.*the review of `grace`: pushed/)
  })
})
