/** Drafts that become ready by themselves, and issues that an executor names, end to end on the forge. */
import { Octokit } from 'octokit'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { LoggedEntry } from '../../src/journal/index.ts'
import { keyOf } from '../../src/tasks/feedback/items.ts'
import { until } from '../../src/util/index.ts'
import { owner, TasksWorld, type Member, type MemberInit } from './tasks-world.ts'

let world: TasksWorld
let count = 0
beforeAll(async () => {
  world = await TasksWorld.make()
})
afterAll(() => world.close())
afterEach(async () => {
  world.forge.faults.clear()
  await Promise.all([...world.members.keys()].map((name) => world.leave(name)))
})

const feedback = { maxRounds: 3, quietMs: 0, needsHuman: 'bzzz:needs-human' }
const patient = 45_000
const entriesOf = <T extends LoggedEntry['type']>({ entries }: Member, type: T) =>
  entries.filter((entry): entry is Extract<LoggedEntry, { type: T }> => entry.type === type)

async function scene(
  {
    feedback: more,
    before,
    ...init
  }: Omit<Partial<MemberInit>, 'feedback'> & {
    feedback: Partial<NonNullable<MemberInit['feedback']>>
    /** Done as the agent's login before the agent is there. */
    before?: (as: Octokit['rest'], at: { owner: string; repo: string }) => Promise<unknown>
  },
  issue: object = {},
) {
  count += 1
  const name = `drafts-${count}`
  const repo = await world.repository(name)
  const at = { owner, repo: name }
  const as = (login: string) =>
    new Octokit({
      baseUrl: world.forge.apiUrl,
      auth: `token-${login}`,
      throttle: { enabled: false },
    }).rest
  await before?.(as(`a${count % 5}`), at)
  let works = 0
  const agent = await world.agent({
    name: `d${count}`,
    token: `token-a${count % 5}`,
    repos: [repo],
    edit: () => ({ 'made.txt': `${(works += 1)}\n` }),
    ...init,
    feedback: { ...feedback, ...more },
  })
  const number = await world.issue(repo, issue)
  const has = (type: LoggedEntry['type']) =>
    until(type, patient, async () => entriesOf(agent, type).length > 0)
  await has('feedback.watching')
  const [pull] = await world.pulls(repo)
  const isDraft = async () =>
    (await as('octo').pulls.get({ ...at, pull_number: pull!.number })).data.draft
  const pass = () =>
    as('octo').repos.createCommitStatus({
      ...at,
      sha: pull!.head.sha,
      state: 'success',
      context: 'ci',
    })
  const named = async () =>
    (await as('octo').issues.listForRepo({ ...at, state: 'all' })).data.filter(
      (one) => one.pull_request === undefined && one.number !== number,
    )
  const parts = async () =>
    (
      await world.octokit.request('GET /repos/{owner}/{repo}/issues/{n}/sub_issues', {
        ...at,
        n: number,
      })
    ).data.map((one: { title: string }) => one.title)
  return { agent, at, repo, number, pull: pull!, as, has, isDraft, pass, named, parts }
}

describe('a draft', () => {
  it('becomes ready once its checks have passed, also when GraphQL was away for a moment', async () => {
    const { agent, has, isDraft, pass } = await scene({ feedback: { drafts: 'checks' } })
    expect(await isDraft()).toBe(true)
    const away = world.forge.faults.add({
      fault: { kind: 'error', when: 'before', status: 503 },
      path: /graphql$/,
      method: 'POST',
    })
    await pass()
    await until('it is asked', patient, async () => away.hits > 0)
    expect(entriesOf(agent, 'feedback.ready')).toEqual([])
    away.remove()
    await has('feedback.ready')
    expect(await isDraft()).toBe(false)
  })

  it('stays one where GraphQL refuses, which is asked once', async () => {
    const { agent, isDraft, pass } = await scene({ feedback: { drafts: 'checks' } })
    const user = { login: `a${count % 5}`, token: `token-a${count % 5}`, role: 'push' as const }
    await world.forge.addUser({
      ...user,
      permissions: {
        contents: 'write',
        issues: 'write',
        pull_requests: 'read',
        statuses: 'read',
        checks: 'read',
      },
    })
    const asked = world.counting(/graphql$/)
    await pass()
    await until('it is asked', patient, async () => asked.hits > 0)
    const looks = world.counting(/\/pulls$/)
    await until('later looks', patient, async () => looks.hits >= 3)
    expect(asked.hits).toBe(1)
    expect(entriesOf(agent, 'feedback.ready')).toEqual([])
    expect(await isDraft()).toBe(true)
    await world.forge.addUser(user)
  })

  it('becomes ready also where no rounds are made', async () => {
    const { has, isDraft, pass } = await scene({ feedback: { drafts: 'checks', maxRounds: 0 } })
    expect(await isDraft()).toBe(true)
    await pass()
    await has('feedback.ready')
    expect(await isDraft()).toBe(false)
  })

  it('stays one where all are to be drafts, and gets its rounds', async () => {
    const { agent, at, as, has, isDraft, pass, pull } = await scene({
      feedback: { drafts: 'always' },
    })
    expect(await isDraft()).toBe(true)
    await pass()
    const review = { event: 'REQUEST_CHANGES' as const, body: 'Again.' }
    await as('grace').pulls.createReview({ ...at, pull_number: pull.number, ...review })
    await has('feedback.ended')
    expect(entriesOf(agent, 'feedback.ready')).toEqual([])
    expect(await isDraft()).toBe(true)
  })

  it('stays one for its label, whatever its checks say', async () => {
    const { agent, has, isDraft, pass, as, at, pull } = await scene(
      { feedback: { drafts: 'checks', draftLabel: 'bzzz:draft' } },
      { labels: ['bzzz', 'BZZZ:draft'] },
    )
    await pass()
    const review = { event: 'REQUEST_CHANGES' as const, body: 'Again.' }
    await as('grace').pulls.createReview({ ...at, pull_number: pull.number, ...review })
    // Readiness is looked at before feedback, at the same look.
    await has('feedback.ended')
    expect(entriesOf(agent, 'feedback.ready')).toEqual([])
    expect(await isDraft()).toBe(true)
  })
})

const block = (issues: unknown) =>
  ['Done.', '```bzzz-issues', JSON.stringify(issues), '```'].join('\n')

describe('issues that an executor names', () => {
  it('are opened once and linked, also when a crash came between the two', async () => {
    const text = (title: string) => {
      const repo = `${owner}/drafts-${count}`
      return `Named at #2, \`${keyOf('named', repo, 2, title)}\`.`
    }
    const { agent, at, as, has, pull, named, parts, number } = await scene({
      feedback: { followUps: 'plain' },
      before: (login, at) => login.issues.create({ ...at, title: 'Part', body: text('Part') }),
      summary: block([
        { kind: 'sub-issue', title: 'Part', body: '' },
        { kind: 'sub-issue', title: 'Other part' },
        { kind: 'follow-up', title: 'Rest' },
      ]),
    })
    await has('feedback.issues')
    expect(entriesOf(agent, 'feedback.issues')[0]?.opened).toMatchObject([
      { kind: 'sub-issue', title: 'Other part' },
      { kind: 'follow-up', title: 'Rest' },
    ])
    expect(number).toBe(2)
    expect((await parts()).toSorted()).toEqual(['Other part', 'Part'])
    const review = { event: 'REQUEST_CHANGES' as const, body: 'Again.' }
    await as('grace').pulls.createReview({ ...at, pull_number: pull.number, ...review })
    await has('feedback.ended')
    const made = await named()
    expect(made.map(({ title }) => title).toSorted()).toEqual(['Other part', 'Part', 'Rest'])
    expect(made.flatMap(({ labels }) => labels)).toEqual([])
    expect(made[0]?.body).toContain(`Named at #${number}`)
    expect(entriesOf(agent, 'feedback.issues')).toHaveLength(1)
  })

  it('are tasks at once where that is wanted', async () => {
    const { agent, has, named } = await scene({
      feedback: { followUps: 'trigger' },
      summary: block([{ kind: 'follow-up', title: 'Rest' }]),
    })
    await has('feedback.issues')
    const [made] = await named()
    expect(made?.labels).toMatchObject([{ name: 'bzzz' }])
    await until('it is worked', patient, async () => agent.worked.includes(made!.number))
  })

  it('are not opened from a block that breaks the rules; the pull request is there all the same', async () => {
    const { agent, at, as, has, pull, named } = await scene({
      feedback: { followUps: 'trigger' },
      summary: block([{ kind: 'epic', title: 'All' }]),
    })
    await as('grace').pulls.createReview({
      ...at,
      pull_number: pull.number,
      event: 'REQUEST_CHANGES',
      body: 'Again.',
    })
    await has('feedback.ended')
    expect(await named()).toEqual([])
    expect(entriesOf(agent, 'feedback.issues')).toEqual([])
  })
})

describe('the label that asks for a person', () => {
  it('stops rounds until somebody removes it', async () => {
    const { agent, at, as, has, pull } = await scene({ feedback: {} })
    const on = { ...at, issue_number: pull.number }
    await as('grace').issues.addLabels({ ...on, labels: [feedback.needsHuman] })
    const review = { event: 'REQUEST_CHANGES' as const, body: 'Again.' }
    await as('grace').pulls.createReview({ ...at, pull_number: pull.number, ...review })
    await has('feedback.seen')
    expect(entriesOf(agent, 'feedback.round')).toEqual([])
    await as('grace').issues.removeLabel({ ...on, name: feedback.needsHuman })
    await has('feedback.ended')
    expect(entriesOf(agent, 'feedback.ended')[0]).toMatchObject({ outcome: 'pushed', round: 1 })
  })
})
