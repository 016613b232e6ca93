import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LIB, failure, site, type Site } from './helper.ts'
import { payloadJudge, receiver, type Receiver } from './receiver.ts'

const FAR = { owner: 'octo', repo: 'far' }
const DEN = { owner: 'octo', repo: 'den' }
let at: Site
let hook: Receiver
beforeAll(async () => {
  at = await site({ plan: 'free' })
  hook = await receiver()
  const hooks = [{ url: hook.url, events: ['issues'] }]
  await at.server.createRepository({ ...LIB, name: 'lib', hooks })
  await at.server.createRepository({ owner: 'octo', name: 'far' })
  const from = `${at.dir}/from`
  await at.server.createRepository({
    owner: 'octo',
    name: 'den',
    from,
    private: true,
    collaborators: { rob: 'none' },
  })
  await hook.next('ping')
})
afterAll(async () => {
  await at.close()
  await hook.close()
})

const rest = () => at.as('root').rest
const idOf = async (repo: typeof LIB) => (await rest().repos.get(repo)).data.node_id
const open = async (title: string) =>
  (await rest().issues.create({ ...LIB, title, labels: ['known', 'lone'], assignees: ['ada'] }))
    .data

const TRANSFER = `mutation($issueId: ID!, $repositoryId: ID!) {
  transferIssue(input: { issueId: $issueId, repositoryId: $repositoryId }) {
    issue { number url repository { nameWithOwner } }
  }
}`
interface Transferred {
  transferIssue: { issue: { number: number; url: string; repository: { nameWithOwner: string } } }
}
const transfer = async (issueId: string, to: typeof LIB, login: 'root' | 'rob' = 'root') =>
  at.as(login).graphql<Transferred>(TRANSFER, { issueId, repositoryId: await idOf(to) })

describe('a transferred issue', () => {
  it('has a new number, keeps what was said, and is found from its old place', async () => {
    await rest().issues.createLabel({ ...FAR, name: 'known' })
    const old = await open('to move')
    const on = { ...LIB, issue_number: old.number }
    await rest().issues.createComment({ ...on, body: 'said before' })
    const { issue } = (await transfer(old.node_id, FAR)).transferIssue
    expect(issue).toMatchObject({ repository: { nameWithOwner: 'octo/far' } })
    const raw = await fetch(`${at.server.apiUrl}/repos/octo/lib/issues/${old.number}`, {
      redirect: 'manual',
    })
    expect(raw.status).toBe(301)
    const { data: far } = await rest().repos.get(FAR)
    expect(raw.headers.get('location')).toBe(
      `${at.server.apiUrl}/repositories/${far.id}/issues/${issue.number}`,
    )
    // Octokit follows.
    const { data: now } = await rest().issues.get(on)
    expect(now).toMatchObject({
      number: issue.number,
      title: 'to move',
      labels: [{ name: 'known' }],
      assignees: [{ login: 'ada' }],
      comments: 1,
    })
    expect(now.id).not.toBe(old.id)
    expect((await rest().issues.listComments(on)).data[0]?.body).toBe('said before')
    const events = await rest().issues.listEvents({ ...FAR, issue_number: issue.number })
    expect(events.data.map(({ event }) => event)).toContain('transferred')
    const told = await hook.next('issues.transferred')
    expect(told.body).toMatchObject({
      issue: { number: old.number },
      changes: { new_issue: { number: issue.number }, new_repository: { name: 'far' } },
    })
    expect(payloadJudge().fault(told)).toBe('')
  })

  it('is not there for somebody who may not read the new place, and stays among its owner’s', async () => {
    const old = await open('to hide')
    const refused = transfer(old.node_id, FAR, 'rob')
    await expect(refused).rejects.toThrow('correct permissions')
    await transfer(old.node_id, DEN)
    const on = { ...LIB, issue_number: old.number }
    expect((await failure(at.as('rob').rest.issues.get(on))).status).toBe(404)
    const { number } = (await rest().issues.listForRepo(DEN)).data[0]!
    const back = (await rest().issues.get({ ...DEN, issue_number: number })).data.node_id
    await expect(transfer(back, LIB)).rejects.toThrow('private')
  })
})

describe('a deleted issue', () => {
  const REMOVE = `mutation($id: ID!) { deleteIssue(input: { issueId: $id }) { repository { id } } }`

  it('is gone for all that is asked of it, and its number is not used again', async () => {
    const { number: issue_number, node_id: id } = await open('to go')
    await expect(at.as('ada').graphql(REMOVE, { id })).rejects.toThrow('correct permissions')
    await at.as('root').graphql(REMOVE, { id })
    const on = { ...LIB, issue_number }
    const gone = await failure(rest().issues.get(on))
    expect(gone).toMatchObject({ status: 410, message: 'This issue was deleted' })
    expect((await failure(rest().issues.createComment({ ...on, body: 'x' }))).status).toBe(410)
    expect((await failure(rest().issues.update({ ...on, state: 'closed' }))).status).toBe(410)
    expect((await open('next')).number).toBe(issue_number + 1)
    const told = await hook.next('issues.deleted')
    expect(told.body).toMatchObject({ issue: { number: issue_number, title: 'to go' } })
    expect(payloadJudge().fault(told)).toBe('')
    await expect(at.as('root').graphql(REMOVE, { id })).rejects.toThrow('Could not resolve')
  })
})

describe('what the free plan lacks', () => {
  it('has no drafts in a private repository', async () => {
    const sha = (await rest().git.getRef({ ...DEN, ref: 'heads/main' })).data.object.sha
    await rest().git.createRef({ ...DEN, ref: 'refs/heads/draft', sha })
    await rest().repos.createOrUpdateFileContents({
      ...DEN,
      branch: 'draft',
      path: 'x',
      message: 'x',
      content: '',
    })
    const wanted = { ...DEN, title: 'x', head: 'draft', base: 'main' }
    const refused = await failure(rest().pulls.create({ ...wanted, draft: true }))
    expect(refused.status).toBe(422)
    expect(refused.message).toContain('Draft pull requests are not supported')
    expect((await rest().pulls.create(wanted)).data.draft).toBe(false)
  })
})
