/** Issues, who is assigned, labels, and what the events say. */
import assert from 'node:assert/strict'
import { group, loginsOf, newIssue, refused, unique } from './site.ts'

export const issueProbes = group('issues', {
  'are listed by label, state and time of change': async (site) => {
    const { octokit, owner, repo } = site
    const label = unique('label')
    const [both, one] = [
      await newIssue(site, { labels: [label, `${label}-b`] }),
      await newIssue(site, { labels: [label] }),
    ]
    const list = async (more: object) =>
      (await octokit.rest.issues.listForRepo({ owner, repo, ...more })).data.map(
        ({ number }) => number,
      )
    assert.deepEqual(await list({ labels: `${label},${label}-b` }), [both.number])
    assert.deepEqual(await list({ labels: label, direction: 'asc' }), [both.number, one.number])
    await octokit.rest.issues.update({ ...one.on, state: 'closed' })
    assert.deepEqual(await list({ labels: label }), [both.number])
    assert.deepEqual(await list({ labels: label, since: '2999-01-01T00:00:00Z' }), [])
  },
  'remember who closed them and why, and forget it when opened again': async (site) => {
    const { octokit } = site
    const { on } = await newIssue(site)
    const reason = { state: 'closed', state_reason: 'not_planned' } as const
    await octokit.rest.issues.update({ ...on, ...reason })
    const { data: closed } = await octokit.rest.issues.get(on)
    assert.deepEqual(
      [closed.state, closed.state_reason, closed.closed_by?.login],
      ['closed', 'not_planned', site.people[0]],
    )
    const { data: again } = await octokit.rest.issues.update({ ...on, state: 'open' })
    assert.deepEqual([again.state, again.state_reason, again.closed_at], ['open', 'reopened', null])
  },
  'that are not there answer 404': async (site) => {
    const { owner, repo, octokit } = site
    await refused(octokit.rest.issues.get({ owner, repo, issue_number: 999_999 }), 404)
  },
  'without a title are refused with 422': async (site) => {
    const { owner, repo, octokit } = site
    await refused(
      octokit.request('POST /repos/{owner}/{repo}/issues', { owner, repo, title: '' }),
      422,
    )
  },
  'are locked with a reason': async (site) => {
    const { on } = await newIssue(site)
    await site.octokit.rest.issues.lock({ ...on, lock_reason: 'resolved' })
    const { data } = await site.octokit.rest.issues.get(on)
    assert.deepEqual([data.locked, data.active_lock_reason], [true, 'resolved'])
  },
  'take comments, which are counted': async (site) => {
    const { on } = await newIssue(site)
    const made = await site.octokit.rest.issues.createComment({ ...on, body: 'said' })
    assert.equal(made.status, 201)
    assert.equal((await site.octokit.rest.issues.get(on)).data.comments, 1)
    const { data } = await site.octokit.rest.issues.listComments(on)
    assert.deepEqual(
      data.map(({ body }) => body),
      ['said'],
    )
  },
  'take a reaction of a person once: 201, then 200': async (site) => {
    const { on } = await newIssue(site)
    const react = async () =>
      (await site.octokit.rest.reactions.createForIssue({ ...on, content: 'eyes' }))
        .status as number
    assert.deepEqual([await react(), await react()], [201, 200])
  },
})

export const assigneeProbes = group('assignees', {
  'are added with 201, and the answer lists them all': async (site) => {
    const { on } = await newIssue(site)
    const [one = '', two = ''] = site.people
    const add = (assignees: string[]) => site.octokit.rest.issues.addAssignees({ ...on, assignees })
    assert.equal((await add([one])).status, 201)
    assert.deepEqual(loginsOf((await add([two])).data.assignees), [one, two])
  },
  'that do not exist are dropped in silence': async (site) => {
    const { on } = await newIssue(site)
    const [one = ''] = site.people
    const assignees = [unique('nobody'), one]
    const { status, data } = await site.octokit.rest.issues.addAssignees({ ...on, assignees })
    assert.deepEqual([status, loginsOf(data.assignees)], [201, [one]])
  },
  'are ten at most': async (site) => {
    const { on } = await newIssue(site)
    const { octokit, people } = site
    await octokit.rest.issues.addAssignees({ ...on, assignees: people.slice(0, 10) })
    await octokit.rest.issues
      .addAssignees({ ...on, assignees: people.slice(10, 11) })
      .catch(() => undefined)
    assert.equal((await octokit.rest.issues.get(on)).data.assignees?.length, 10)
  },
  'are taken away one by one': async (site) => {
    const [one = '', two = ''] = site.people
    const { on } = await newIssue(site, { assignees: [one, two] })
    const { data } = await site.octokit.rest.issues.removeAssignees({ ...on, assignees: [one] })
    assert.deepEqual(loginsOf(data.assignees), [two])
  },
  'can be asked for: 204 or 404': async ({ octokit, owner, repo, people: [one = ''] }) => {
    const check = (assignee: string) =>
      octokit.rest.issues.checkUserCanBeAssigned({ owner, repo, assignee })
    assert.equal((await check(one)).status, 204)
    await refused(check(unique('nobody')), 404)
  },
})

export const labelProbes = group('labels', {
  'are made when first set, and the answer lists them all': async (site) => {
    const { octokit, owner, repo } = site
    const [one, two] = [unique('one'), unique('two')]
    const { on } = await newIssue(site, { labels: [one] })
    const { data } = await octokit.rest.issues.addLabels({ ...on, labels: [two] })
    assert.deepEqual(data.map(({ name }) => name).sort(), [one, two])
    assert.equal((await octokit.rest.issues.getLabel({ owner, repo, name: two })).data.name, two)
  },
  'are the same in small and capital letters': async (site) => {
    const name = unique('case')
    const { on } = await newIssue(site, { labels: [name] })
    const labels = [name.toUpperCase()]
    const { data } = await site.octokit.rest.issues.addLabels({ ...on, labels })
    assert.deepEqual(
      data.map((each) => each.name),
      [name],
    )
  },
  'are taken from an issue once, then 404': async (site) => {
    const name = unique('once')
    const { on } = await newIssue(site, { labels: [name] })
    const take = () => site.octokit.rest.issues.removeLabel({ ...on, name })
    assert.deepEqual((await take()).data, [])
    await refused(take(), 404)
  },
  'that exist are refused with 422 already_exists': async (site) => {
    const { octokit, owner, repo } = site
    const name = unique('taken')
    const create = () => octokit.rest.issues.createLabel({ owner, repo, name, color: 'ff0000' })
    await create()
    const { data } = await refused(create(), 422)
    assert.equal(data.errors?.[0]?.code, 'already_exists')
  },
  'with a colour that is none are refused with 422': async (site) => {
    const { octokit, owner, repo } = site
    const name = unique('bad')
    const bad = octokit.rest.issues.createLabel({ owner, repo, name, color: 'invalid' })
    const { data } = await refused(bad, 422)
    assert.deepEqual([data.errors?.[0]?.code, data.errors?.[0]?.field], ['invalid', 'color'])
  },
})

export const eventProbes = group('events', {
  'name who labelled, assigned and closed, in order': async (site) => {
    const [one = '', two = ''] = site.people
    const label = unique('label')
    const { on } = await newIssue(site)
    await site.octokit.rest.issues.addLabels({ ...on, labels: [label] })
    await site.other.rest.issues.addAssignees({ ...on, assignees: [one] })
    await site.other.rest.issues.update({ ...on, state: 'closed' })
    const { data } = await site.octokit.rest.issues.listEvents(on)
    const seen = data.map((each) => ({ event: each.event, actor: each.actor?.login }))
    assert.deepEqual(seen, [
      { event: 'labeled', actor: one },
      { event: 'assigned', actor: two },
      { event: 'closed', actor: two },
    ])
    const assigned = data[1] as { assignee?: { login: string }; assigner?: { login: string } }
    assert.deepEqual([assigned.assignee?.login, assigned.assigner?.login], [one, two])
    assert.equal((data[0] as { label?: { name: string } }).label?.name, label)
  },
  'stand in the timeline beside what was said': async (site) => {
    const { on } = await newIssue(site)
    await site.octokit.rest.issues.createComment({ ...on, body: 'said' })
    await site.octokit.rest.issues.update({ ...on, state: 'closed' })
    const { data } = await site.octokit.rest.issues.listEventsForTimeline(on)
    assert.deepEqual(
      data.map(({ event }) => event),
      ['commented', 'closed'],
    )
  },
  'hold a mention of another issue in its timeline': async (site) => {
    const { on, number } = await newIssue(site)
    const from = await newIssue(site, { body: `see #${number}` })
    const { data } = await site.octokit.rest.issues.listEventsForTimeline(on)
    const [found] = data as { event?: string; source?: { issue?: { number: number } } }[]
    assert.deepEqual(
      [found?.event, found?.source?.issue?.number],
      ['cross-referenced', from.number],
    )
  },
})
