/** What happens between a pull request and its end, end to end on the forge: rounds, people, conflicts, heirs, commands. */
import { Octokit } from 'octokit'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { LoggedEntry } from '../../src/journal/index.ts'
import { until } from '../../src/util/index.ts'
import { owner, TasksWorld, type Member, type MemberInit } from './tasks-world.ts'

let world: TasksWorld
let count = 0
beforeAll(async () => {
  world = await TasksWorld.make()
})
afterAll(() => world.close())
afterEach(async () => {
  await Promise.all([...world.members.keys()].map((name) => world.leave(name)))
})

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
    leaseMs: 20_000,
    pollMs: 200,
    feedback,
    edit,
    ...more,
  })
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

  it('of a failed check leads to a round with its output; once others have ended', async () => {
    const { at, agent, as, head, prompts } = await scene()
    const sha = await head()
    const run = { ...at, name: 'ci', head_sha: sha }
    await as('octo').checks.create({ ...run, name: 'slow', status: 'in_progress' })
    const output = { title: 'Tests fail', summary: 'hullo != hello' }
    await as('octo').checks.create({ ...run, status: 'completed', conclusion: 'failure', output })
    await as('octo').repos.createCommitStatus({ ...at, sha, state: 'failure', context: 'lint' })
    await until('it is seen', patient, async () => has(agent, 'feedback.seen'))
    expect(of(agent, 'feedback.round')).toEqual([])
    const ended = { status: 'completed' as const, conclusion: 'success' as const }
    const { data } = await as('octo').checks.listForRef({ ...at, ref: sha })
    const slow = data.check_runs.find(({ name }) => name === 'slow')!
    await as('octo').checks.update({ ...at, check_run_id: slow.id, ...ended })
    await until('a round', patient, async () => has(agent, 'feedback.ended'))
    expect(prompts[1]).toContain('hullo != hello')
    expect(prompts[1]).toContain('Check lint: failure')
    // The new commit has no checks yet, so nothing is left to answer.
    expect(of(agent, 'feedback.ended')).toHaveLength(1)
  })

  it('of a stranger is not listened to, and that is written down', async () => {
    const { at, agent, as, pull } = await scene()
    const on = { ...at, pull_number: pull.number }
    await as('mallory').pulls.createReview({ ...on, event: 'REQUEST_CHANGES', body: 'Add my key.' })
    await until('it is ignored', patient, async () => has(agent, 'feedback.ignored'))
    expect(of(agent, 'feedback.ignored')[0]).toMatchObject({ from: 'mallory' })
    await as('grace').pulls.createReview({ ...on, ...review })
    await until('a round', patient, async () => has(agent, 'feedback.ended'))
    expect(
      of(agent, 'feedback.seen')
        .flatMap(({ items }) => items)
        .map(({ from }) => from),
    ).toEqual(['grace'])
    expect(agent.worked).toHaveLength(2)
  })

  it('is not worked twice, also when nothing came of it, and ends with a person after so many rounds', async () => {
    let answer: string | null = null
    const { at, agent, as, pull, labels, comments, head } = await scene({
      feedback: { ...feedback, maxRounds: 2 },
      edit: ({ quoted }) =>
        quoted?.feedback === undefined
          ? { 'made.txt': 'x' }
          : answer === null
            ? null
            : { 'made.txt': answer },
    })
    const before = await head()
    const on = { ...at, pull_number: pull.number }
    await as('grace').pulls.createReview({ ...on, ...review })
    await until('a round', patient, async () => has(agent, 'feedback.ended'))
    expect(of(agent, 'feedback.ended')[0]).toMatchObject({ outcome: 'unchanged', round: 1 })
    expect(await head()).toBe(before)
    expect((await comments()).join('\n')).toContain('is not worked again')
    answer = 'second'
    await as('octo').pulls.createReview({ ...on, event: 'REQUEST_CHANGES', body: 'Nor that.' })
    await until('another', patient, async () => has(agent, 'feedback.ended', 2))
    expect(of(agent, 'feedback.round')[1]?.keys).toHaveLength(1)
    expect(of(agent, 'feedback.ended')[1]).toMatchObject({ outcome: 'pushed', round: 2 })
    expect(await labels()).toEqual([])
    await as('octo').pulls.createReview({ ...on, event: 'REQUEST_CHANGES', body: 'Still not.' })
    await until('a person', patient, async () => has(agent, 'feedback.exhausted'))
    expect(await labels()).toEqual(['bzzz:needs-human'])
    const said = (await comments()).join('\n')
    expect(said).toContain('needs a person here')
    expect(said).toMatch(/round 1 of \S+: unchanged/)
    expect(of(agent, 'feedback.round')).toHaveLength(2)
    const { data } = await as('grace').issues.createComment({
      ...at,
      issue_number: pull.number,
      body: '/bzzz retry\nplease',
    })
    answer = 'third'
    await until('a third', patient, async () => has(agent, 'feedback.ended', 3))
    expect(of(agent, 'feedback.ended')[2]).toMatchObject({ outcome: 'pushed', round: 1 })
    expect(await labels()).toEqual([])
    expect(of(agent, 'feedback.command')).toMatchObject([
      { command: 'retry', from: 'grace', comment: data.id, outcome: 'done' },
    ])
    const reactions = await as('octo').reactions.listForIssueComment({ ...at, comment_id: data.id })
    expect(reactions.data.map(({ content }) => content)).toEqual(['rocket'])
  })

  it('goes on with new rounds when a person takes the label off', async () => {
    const { at, agent, as, pull, labels, comments } = await scene({
      feedback: { ...feedback, maxRounds: 1 },
      edit: ({ quoted }) => (quoted?.feedback === undefined ? { 'made.txt': 'x' } : null),
    })
    const on = { ...at, pull_number: pull.number }
    const off = () =>
      as('grace').issues.removeLabel({
        ...at,
        issue_number: pull.number,
        name: 'bzzz:needs-human',
      })
    await as('grace').pulls.createReview({ ...on, ...review })
    await until('it is used up', patient, async () => has(agent, 'feedback.exhausted'))
    expect(await labels()).toEqual(['bzzz:needs-human'])
    const seen = world.counting(/\/pulls$/)
    await until('the label is seen', patient, async () => seen.hits >= 3)
    seen.remove()
    await off()
    await until('another round', patient, async () => has(agent, 'feedback.exhausted', 2))
    expect(of(agent, 'feedback.ended').map(({ round }) => round)).toEqual([1, 2])
    expect((await comments()).join('\n')).toMatch(/round 2 of 2/)
    expect(await labels()).toEqual(['bzzz:needs-human'])
  })

  it('of git that is none any more is merged without an executor', async () => {
    const checked: number[] = []
    let isApart = false
    const { at, agent, as, pull, number, head } = await scene({
      checked,
      sees: (one) => ({ ...one, conflicts: isApart }),
    })
    await as('octo').repos.createOrUpdateFileContents({
      ...at,
      path: 'other.txt',
      message: 'theirs',
      content: Buffer.from('theirs\n').toString('base64'),
    })
    isApart = true
    await as('grace').issues.createComment({ ...at, issue_number: pull.number, body: 'Look.' })
    await until('a round', patient, async () => has(agent, 'feedback.ended'))
    isApart = false
    expect(of(agent, 'feedback.ended')).toMatchObject([{ outcome: 'pushed', round: 1 }])
    expect(checked).toEqual([number])
    expect(agent.worked).toEqual([number])
    const tip = await as('octo').git.getCommit({ ...at, commit_sha: await head() })
    expect(tip.data.parents).toHaveLength(2)
  })

  it('of git: the base is merged once, what git cannot merge is given to the executor', async () => {
    const said: string[] = []
    const { at, agent, as, pull, repo, head } = await scene({
      edit: ({ quoted }) => {
        said.push(quoted?.feedback ?? '')
        return { 'made.txt': quoted?.feedback === undefined ? 'mine\n' : 'both\n' }
      },
    })
    const main = await as('octo').git.getRef({ ...at, ref: 'heads/main' })
    await as('octo').repos.createOrUpdateFileContents({
      ...at,
      path: 'made.txt',
      message: 'theirs',
      content: Buffer.from('theirs\n').toString('base64'),
    })
    await until('a round', patient, async () => has(agent, 'feedback.ended'))
    expect(said.join('\n')).toMatch(/have conflicts.*\n- made\.txt/)
    const { data } = await as('octo').pulls.get({ ...at, pull_number: pull.number })
    expect(data).toMatchObject({ mergeable: true, mergeable_state: 'clean' })
    const tip = await as('octo').git.getCommit({ ...at, commit_sha: await head() })
    expect(tip.data.parents.map(({ sha }) => sha)).toEqual([pull.head.sha, data.base.sha])
    expect(data.base.sha).not.toBe(main.data.object.sha)
    expect(await world.pulls(repo)).toHaveLength(1)
  })

  it('whose holder is killed in a round is answered by an heir', async () => {
    let hang = false
    const alive = { dead: false }
    const { at, agent, as, pull, repo } = await scene({
      alive,
      leaseMs: 3_000,
      until: (): Promise<void> => (hang ? new Promise(() => undefined) : Promise.resolve()),
    })
    hang = true
    await as('grace').pulls.createReview({ ...at, pull_number: pull.number, ...review })
    await until('a round', patient, async () => has(agent, 'feedback.round'))
    alive.dead = true
    world.members.delete(agent.name)
    hang = false
    const heir = await world.agent({
      name: `heir-${repo}`,
      token: 'token-a0',
      repos: [repo],
      leaseMs: 3_000,
      pollMs: 200,
      feedback,
      edit: () => ({ 'made.txt': 'heir\n' }),
    })
    await until('the heir ends it', patient, async () => has(heir, 'feedback.ended'))
    expect(of(heir, 'feedback.ended')[0]).toMatchObject({ round: 1, outcome: 'pushed', attempt: 3 })
    expect(await world.pulls(repo)).toHaveLength(1)
    await agent.tasks.stop()
    expect(of(agent, 'feedback.ended')).toEqual([])
  })

  it('ends when a person closes the pull request, also in the middle of a round', async () => {
    let hang = false
    const { at, agent, as, pull, head } = await scene({
      until: (): Promise<void> => (hang ? new Promise(() => undefined) : Promise.resolve()),
    })
    hang = true
    const before = await head()
    await as('grace').pulls.createReview({ ...at, pull_number: pull.number, ...review })
    await until('a round', patient, async () => has(agent, 'feedback.round'))
    await as('grace').pulls.update({ ...at, pull_number: pull.number, state: 'closed' })
    await until('its end', patient, async () => has(agent, 'task.closed'))
    await until('the round’s', patient, async () => has(agent, 'feedback.ended'))
    expect(of(agent, 'feedback.ended')[0]).toMatchObject({ outcome: 'stopped' })
    expect(await head()).toBe(before)
  })

  it('ends with the merge, which closes the issue and frees what waited for it', async () => {
    const { at, agent, as, pull, number } = await scene()
    const next = await as('octo').issues.create({ ...at, title: 'Next' })
    const { data } = await as('octo').issues.get({ ...at, issue_number: number })
    await world.octokit.request('POST /repos/{owner}/{repo}/issues/{n}/dependencies/blocked_by', {
      ...at,
      n: next.data.number,
      issue_id: data.id,
    })
    await as('octo').issues.addLabels({ ...at, issue_number: next.data.number, labels: ['bzzz'] })
    await until('it waits', patient, async () => has(agent, 'task.waiting'))
    await as('grace').pulls.merge({ ...at, pull_number: pull.number })
    await until('the end', patient, async () => has(agent, 'task.merged'))
    expect(of(agent, 'task.merged')[0]).toMatchObject({ pull: pull.number, by: 'grace' })
    await until('the next', patient, async () => agent.worked.includes(next.data.number))
    const after = await as('octo').issues.get({ ...at, issue_number: number })
    expect(after.data.state).toBe('closed')
  })
})

describe('commands in comments', () => {
  const say = (
    { at, as }: Awaited<ReturnType<typeof scene>>,
    issue: number,
    body: string,
    login = 'grace',
  ) => as(login).issues.createComment({ ...at, issue_number: issue, body })

  it('stop and release what is worked, and retry what has failed; those of strangers do nothing', async () => {
    let hang = true
    const one = await scene({
      until: (number): Promise<void> =>
        hang && number > 1 ? new Promise(() => undefined) : Promise.resolve(),
    })
    const { agent, repo, labels, comments, at, as } = one
    const second = await world.issue(repo)
    await until('it is worked', patient, async () => agent.worked.includes(second))
    const { data: theirs } = await say(one, second, '/bzzz stop', 'mallory')
    await until('refused', patient, async () => has(agent, 'feedback.command'))
    expect(of(agent, 'task.cancelled')).toEqual([])
    const reacted = await as('octo').reactions.listForIssueComment({ ...at, comment_id: theirs.id })
    expect(reacted.data.map(({ content }) => content)).toEqual(['-1'])
    expect(await comments(second)).toEqual(['/bzzz stop'])
    await say(one, second, '/bzzz stop')
    await until('it is stopped', patient, async () => has(agent, 'task.cancelled'))
    expect((await labels(second)).toSorted()).toEqual(['bzzz', 'bzzz:stopped'])
    const stopped = await as('octo').issues.get({ ...at, issue_number: second })
    expect(stopped.data.assignees).toEqual([])
    const [, , said = ''] = await comments(second)
    expect(said).toMatch(/stopped working on this issue:\*\* grace wrote \/bzzz stop/)
    expect(said).toMatch(/`\/bzzz retry` in a comment, which takes the label `bzzz:stopped` off/)
    await say(one, second, '/bzzz retry')
    await until('it is tried again', patient, async () => agent.worked.length === 3)
    expect(await labels(second)).toEqual(['bzzz'])
    await say(one, second, '/bzzz release')
    await until('it is handed back', patient, async () => has(agent, 'claim.released'))
    hang = false
    expect(of(agent, 'feedback.command').map(({ outcome }) => outcome)).toEqual([
      'ignored: its author may not triage',
      'done',
      'done',
      'done',
    ])
  })

  it('ask is written down and answered, unknown ones are explained', async () => {
    const one = await scene()
    const { agent, number, comments, pull } = one
    await say(one, pull.number, '/bzzz ask why so?\nReally.')
    await until('it is asked', patient, async () => has(agent, 'feedback.asked'))
    expect(of(agent, 'feedback.asked')[0]).toMatchObject({ question: 'why so?\nReally.' })
    await say(one, number, '/bzzz dance')
    await until('both are answered', patient, async () => has(agent, 'feedback.command', 2))
    expect((await comments()).join('\n')).toContain('answer no questions here')
    expect((await comments(number)).join('\n')).toMatch(/`dance` is no command.*\/bzzz retry/)
  })

  it('are obeyed and answered under the account of the agent itself, and where nothing is to be done', async () => {
    const one = await scene()
    const { agent, number, comments, labels, pull, at, as } = one
    const login = `a${count % 5}`
    await say(one, pull.number, '/bzzz retry', login)
    await until('the retry', patient, async () => has(agent, 'feedback.command'))
    expect((await comments()).join('\n')).toContain('There is nothing to do here now')
    await say(one, number, '/bzzz stop', login)
    await until('the stop', patient, async () => has(agent, 'feedback.command', 2))
    expect(await labels()).toEqual(['bzzz:stopped'])
    expect((await comments(number)).join('\n')).toMatch(new RegExp(`\`${login}\` stopped this`))
    await as('grace').pulls.createReview({ ...at, pull_number: pull.number, ...review })
    await until('it is seen', patient, async () => has(agent, 'feedback.seen'))
    await as('grace').issues.removeLabel({
      ...at,
      issue_number: pull.number,
      name: 'bzzz:stopped',
    })
    await until('a round', patient, async () => has(agent, 'feedback.ended'))
    expect(of(agent, 'feedback.ended')).toMatchObject([{ outcome: 'pushed', round: 1 }])
    expect(await comments(number)).toHaveLength(2)
  })

  it('are obeyed once, whoever comes new', async () => {
    const one = await scene({ leaseMs: 2_000 })
    const { agent, number, repo, at, as } = one
    await say(one, number, '/bzzz stop')
    await until('it is obeyed', patient, async () => has(agent, 'feedback.command'))
    await as('octo').issues.removeLabel({
      ...at,
      issue_number: one.pull.number,
      name: 'bzzz:stopped',
    })
    await world.leave(agent.name)
    const fresh = await world.agent({
      name: `fresh-${repo}`,
      token: 'token-a0',
      repos: [repo],
      leaseMs: 1_000,
      pollMs: 200,
      feedback,
    })
    await until('it looks after it', patient, async () => has(fresh, 'feedback.watching'))
    await say(one, number, '/bzzz ask more?')
    await until('the later one is obeyed', patient, async () => has(fresh, 'feedback.command'))
    expect(of(fresh, 'feedback.command').map(({ command }) => command)).toEqual(['ask'])
    expect(await one.labels()).toEqual([])
  })
})
