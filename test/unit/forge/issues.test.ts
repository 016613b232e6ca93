import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LIB, client, failure, site, type Site } from './helper.ts'

let at: Site
beforeAll(async () => {
  at = await site()
})
afterAll(() => at.close())

const open = async (title: string, more: object = {}, login: 'ada' | 'rob' | 'tia' = 'ada') =>
  (await at.as(login).rest.issues.create({ ...LIB, title, ...more })).data

describe('issues', () => {
  it('opens, reads, changes and closes an issue, and records who did what', async () => {
    const issue = await open('first', {
      body: 'text',
      labels: ['bug'],
      assignees: ['bob', 'nobody'],
    })
    expect(issue).toMatchObject({ state: 'open', user: { login: 'ada' }, comments: 0 })
    expect(issue.html_url).toBe(`${at.server.url}/octo/lib/issues/${issue.number}`)
    expect(issue.assignees?.map((user) => user.login)).toEqual(['bob'])
    const number = { ...LIB, issue_number: issue.number }
    const { rest } = at.as('ada')
    const changed = await rest.issues.update({
      ...number,
      title: 'renamed',
      state: 'closed',
      state_reason: 'not_planned',
    })
    expect(changed.data).toMatchObject({
      title: 'renamed',
      state: 'closed',
      state_reason: 'not_planned',
      closed_by: { login: 'ada' },
    })
    expect((await rest.issues.update({ ...number, state: 'open' })).data).toMatchObject({
      state_reason: 'reopened',
      closed_at: null,
    })
    const events = (await rest.issues.listEvents(number)).data
    expect(events.map(({ event }) => event)).toEqual([
      'labeled',
      'assigned',
      'renamed',
      'closed',
      'reopened',
    ])
    expect(events[1]).toMatchObject({
      actor: { login: 'ada' },
      assignee: { login: 'bob' },
      assigner: { login: 'ada' },
    })
    expect(events[0]).toMatchObject({ label: { name: 'bug' } })
  })

  it('filters by state, label, assignee, creator, since and orders', async () => {
    const one = await open('filter one', { labels: ['f', 'g'], assignees: ['ada'] })
    const two = await open('filter two', { labels: ['f'] }, 'tia')
    const numbers = async (query: object) =>
      (await at.as('ada').rest.issues.listForRepo({ ...LIB, labels: 'f', ...query })).data.map(
        ({ number }) => number,
      )
    expect(await numbers({})).toEqual([two.number, one.number])
    expect(await numbers({ direction: 'asc' })).toEqual([one.number, two.number])
    expect(await numbers({ labels: 'f,g' })).toEqual([one.number])
    expect(await numbers({ labels: 'F,G' })).toEqual([one.number])
    expect(await numbers({ assignee: 'none' })).toEqual([two.number])
    expect(await numbers({ assignee: '*' })).toEqual([one.number])
    expect(await numbers({ assignee: 'ADA' })).toEqual([one.number])
    expect(await numbers({ creator: 'tia' })).toEqual([two.number])
    expect(await numbers({ since: '2099-01-01T00:00:00Z' })).toEqual([])
    expect(await numbers({ state: 'closed' })).toEqual([])
    expect(
      (await failure(at.as('ada').request('GET /repos/octo/lib/issues?state=odd'))).status,
    ).toBe(422)
  })

  it('pages with a Link header that octokit follows', async () => {
    for (let count = 0; count < 7; count += 1) await open(`page ${count}`, { labels: ['paged'] })
    const { rest, paginate } = at.as('ada')
    const query = { ...LIB, labels: 'paged', per_page: 3, direction: 'asc' as const }
    const first = await rest.issues.listForRepo(query)
    expect(first.headers.link).toMatch(/page=2>; rel="next", <.*page=3>; rel="last"/)
    const all = await paginate(rest.issues.listForRepo, query)
    expect(all.map(({ title }) => title)).toEqual([0, 1, 2, 3, 4, 5, 6].map((n) => `page ${n}`))
  })

  it('drops in silence who cannot be assigned, and every assignee of a caller without push', async () => {
    const issue = await open('assign')
    const number = { ...LIB, issue_number: issue.number }
    const assign = async (login: 'ada' | 'rob' | 'tia', assignees: string[]) => {
      const { status, data } = await at.as(login).rest.issues.addAssignees({ ...number, assignees })
      expect(status).toBe(201)
      return data.assignees?.map((user) => user.login)
    }
    expect(await assign('rob', ['ada'])).toEqual([])
    expect(await assign('tia', ['ada'])).toEqual([])
    expect(await assign('ada', ['ada', 'rob', 'bot', 'nobody'])).toEqual(['ada'])
    expect(await assign('ada', ['bob', 'ada'])).toEqual(['ada', 'bob'])
    const removed = await at
      .as('bob')
      .rest.issues.removeAssignees({ ...number, assignees: ['ada'] })
    expect(removed.data.assignees?.map((user) => user.login)).toEqual(['bob'])
    const { rest } = at.as('ada')
    expect((await rest.issues.checkUserCanBeAssigned({ ...LIB, assignee: 'bob' })).status).toBe(204)
    expect(
      (await failure(rest.issues.checkUserCanBeAssigned({ ...LIB, assignee: 'rob' }))).status,
    ).toBe(404)
    const able = await rest.issues.listAssignees(LIB)
    expect(able.data.map(({ login }) => login)).toEqual(['ada', 'bob', 'root', 'tia'])
  })

  it('assigns at most ten', async () => {
    const logins = Array.from({ length: 12 }, (_, n) => `many${n}`)
    for (const login of logins)
      await at.server.addUser({ login, token: `t-${login}`, role: 'push' })
    const issue = await open('many')
    const { data } = await at
      .as('ada')
      .rest.issues.addAssignees({ ...LIB, issue_number: issue.number, assignees: logins })
    expect(data.assignees?.length).toBe(10)
  })

  it('lets a reader open an issue without labels, and change only their own', async () => {
    const issue = await open('by a reader', { labels: ['bug'], assignees: ['ada'] }, 'rob')
    expect(issue).toMatchObject({ labels: [], assignees: [], author_association: 'NONE' })
    const { rest } = at.as('rob')
    const number = { ...LIB, issue_number: issue.number }
    expect((await rest.issues.update({ ...number, body: 'more' })).data.body).toBe('more')
    expect((await failure(rest.issues.addLabels({ ...number, labels: ['bug'] }))).status).toBe(403)
    const other = await open('not theirs')
    expect(
      (await failure(rest.issues.update({ ...LIB, issue_number: other.number, title: 'x' })))
        .status,
    ).toBe(403)
  })

  it('keeps labels of the repository and of issues', async () => {
    const { rest } = at.as('ada')
    await rest.issues.createLabel({
      ...LIB,
      name: 'good first issue',
      color: 'ff0000',
      description: 'easy',
    })
    const twice = await failure(
      rest.issues.createLabel({ ...LIB, name: 'Good First Issue', color: '00ff00' }),
    )
    expect(twice).toMatchObject({
      status: 422,
      errors: [{ code: 'already_exists', field: 'name' }],
    })
    await rest.issues.updateLabel({
      ...LIB,
      name: 'good first issue',
      new_name: 'easy',
      color: '0000ff',
    })
    const issue = await open('labels')
    const number = { ...LIB, issue_number: issue.number }
    await rest.issues.addLabels({ ...number, labels: ['easy', 'fresh'] })
    expect(
      (await rest.issues.setLabels({ ...number, labels: ['fresh', 'third'] })).data.map(
        ({ name }) => name,
      ),
    ).toEqual(['fresh', 'third'])
    expect(
      (await rest.issues.removeLabel({ ...number, name: 'third' })).data.map(({ name }) => name),
    ).toEqual(['fresh'])
    expect((await failure(rest.issues.removeLabel({ ...number, name: 'third' }))).message).toBe(
      'Label does not exist',
    )
    await rest.issues.removeAllLabels(number)
    expect((await rest.issues.listLabelsOnIssue(number)).data).toEqual([])
    const events = (await rest.issues.listEvents(number)).data.map(({ event }) => event)
    expect(events).toEqual(['labeled', 'labeled', 'unlabeled', 'labeled', 'unlabeled', 'unlabeled'])
    await rest.issues.deleteLabel({ ...LIB, name: 'easy' })
    expect((await failure(rest.issues.getLabel({ ...LIB, name: 'easy' }))).status).toBe(404)
  })

  it('comments, edits, reacts, and shows all of it in the timeline', async () => {
    const issue = await open('talk')
    const number = { ...LIB, issue_number: issue.number }
    const { rest } = at.as('ada')
    const comment = (await at.as('rob').rest.issues.createComment({ ...number, body: 'hello' }))
      .data
    expect(comment.html_url).toBe(`${issue.html_url}#issuecomment-${comment.id}`)
    expect(
      (await rest.issues.updateComment({ ...LIB, comment_id: comment.id, body: 'hi' })).data.body,
    ).toBe('hi')
    expect(
      (
        await failure(
          at.as('tia').rest.issues.updateComment({ ...LIB, comment_id: comment.id, body: 'no' }),
        )
      ).status,
    ).toBe(403)
    const first = await rest.reactions.createForIssueComment({
      ...LIB,
      comment_id: comment.id,
      content: 'rocket',
    })
    const again = await rest.reactions.createForIssueComment({
      ...LIB,
      comment_id: comment.id,
      content: 'rocket',
    })
    expect([first.status, again.status]).toEqual([201, 200])
    await rest.reactions.createForIssue({ ...number, content: '+1' })
    const listed = (await rest.issues.listComments(number)).data
    expect(listed[0]?.reactions).toMatchObject({ rocket: 1, total_count: 1 })
    expect((await rest.issues.get(number)).data).toMatchObject({
      comments: 1,
      reactions: { '+1': 1 },
    })
    const other = await open('mentions', { body: `see #${issue.number} and other/repo#1` })
    const timeline = (await rest.issues.listEventsForTimeline(number)).data
    expect(timeline.map(({ event }) => event)).toEqual(['commented', 'cross-referenced'])
    await at.as('bob').rest.issues.addLabels({ ...number, labels: ['x'] })
    await at.as('bob').rest.issues.createComment({ ...number, body: 'after the label' })
    const later = (await rest.issues.listEventsForTimeline(number)).data
    expect(later.map(({ event }) => event).slice(2)).toEqual(['labeled', 'commented'])
    expect((await rest.issues.listEvents(number)).data.map(({ event }) => event)).toEqual([
      'labeled',
    ])
    expect(JSON.stringify(timeline)).toContain(other.html_url)
    await rest.issues.deleteComment({ ...LIB, comment_id: comment.id })
    expect((await failure(rest.issues.getComment({ ...LIB, comment_id: comment.id }))).status).toBe(
      404,
    )
  })

  it('lets nobody without push comment on a locked issue', async () => {
    const issue = await open('locked')
    const number = { ...LIB, issue_number: issue.number }
    await at.as('tia').rest.issues.lock({ ...number, lock_reason: 'too heated' })
    expect(
      (await failure(at.as('rob').rest.issues.createComment({ ...number, body: 'x' }))).status,
    ).toBe(403)
    await at.as('ada').rest.issues.createComment({ ...number, body: 'x' })
    await at.as('tia').rest.issues.unlock(number)
    expect((await at.as('rob').rest.issues.createComment({ ...number, body: 'x' })).status).toBe(
      201,
    )
  })

  it('takes an empty and a 60 kB body, and refuses one over the limit with the reason', async () => {
    const long = 'x'.repeat(60_000)
    expect((await open('empty', { body: '' })).body).toBe('')
    expect((await open('long', { body: long })).body).toBe(long)
    const refused = await failure(open('longer', { body: 'x'.repeat(65_537) }))
    expect(refused).toMatchObject({ status: 422, errors: [{ field: 'body', code: 'custom' }] })
    expect((await failure(open('huge', { body: 'x'.repeat(1_100_000) }))).status).toBe(413)
  })

  it('says what is missing or ill-formed', async () => {
    expect(await failure(open(''))).toMatchObject({
      status: 422,
      message: 'Validation Failed',
      errors: [{ field: 'title', code: 'missing_field' }],
    })
    const response = await fetch(`${at.server.apiUrl}/repos/octo/lib/issues`, {
      method: 'POST',
      headers: { authorization: 'Bearer token-ada' },
      body: '{',
    })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ message: 'Problems parsing JSON', status: '400' })
    expect(
      (
        await failure(
          client(at.server.apiUrl, 'token-ada').rest.issues.get({ ...LIB, issue_number: 9_999 }),
        )
      ).status,
    ).toBe(404)
  })
})
