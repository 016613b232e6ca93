import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../../../src/util/index.ts'
import { LIB, commitFile, failure, site, type Site } from './helper.ts'
import { payloadJudge, receiver, signature, type Receiver } from './receiver.ts'

const SECRET = 'a shared secret'
let at: Site
let hook: Receiver
let hookId: number
beforeAll(async () => {
  at = await site()
  hook = await receiver()
  const made = await at.as('root').rest.repos.createWebhook({
    ...LIB,
    config: { url: hook.url, content_type: 'json', secret: SECRET },
    events: ['*'],
  })
  hookId = made.data.id
  await hook.next('ping')
})
afterEach(() => at.server.faults.clear())
afterAll(async () => {
  await at.close()
  await hook.close()
})

const rest = () => at.as('ada').rest
const admin = () => at.as('root').rest
const open = async (title: string) =>
  (
    await rest().issues.create({
      ...LIB,
      title,
      body: 'first',
      labels: ['bzzz'],
      assignees: ['bob'],
    })
  ).data

describe('what is told', () => {
  it('signs the raw body and says what it is', async () => {
    const from = hook.all.length
    const { number } = await open('signed')
    const { headers, raw, body } = await hook.next('issues.opened', from)
    await hook.next('issues.assigned', from)
    expect(headers).toMatchObject({
      'content-type': 'application/json',
      'x-github-event': 'issues',
      'x-github-delivery': expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
      'x-github-hook-id': String(hookId),
      'x-hub-signature-256': signature(SECRET, raw),
      'user-agent': expect.stringMatching(/^GitHub-Hookshot\//) as string,
    })
    expect(body).toMatchObject({
      issue: { number, labels: [{ name: 'bzzz' }], assignees: [{ login: 'bob' }] },
      repository: { full_name: 'octo/lib' },
      sender: { login: 'ada' },
    })
  })

  it('tells the life of an issue, in order', async () => {
    const from = hook.all.length
    const { number: issue_number } = await open('lively')
    const on = { ...LIB, issue_number }
    await rest().issues.update({ ...on, title: 'livelier', body: 'second' })
    await rest().issues.removeLabel({ ...on, name: 'bzzz' })
    await rest().issues.removeAssignees({ ...on, assignees: ['bob'] })
    const said = await rest().issues.createComment({ ...on, body: 'one' })
    await rest().issues.updateComment({ ...LIB, comment_id: said.data.id, body: 'two' })
    await rest().issues.deleteComment({ ...LIB, comment_id: said.data.id })
    await rest().issues.lock(on)
    await rest().issues.unlock(on)
    await rest().issues.update({ ...on, state: 'closed' })
    await rest().issues.update({ ...on, state: 'open' })
    await hook.next('issues.reopened', from)
    expect(hook.names().slice(from)).toEqual([
      'issues.opened',
      'issues.labeled',
      'issues.assigned',
      'issues.edited',
      'issues.unlabeled',
      'issues.unassigned',
      'issue_comment.created',
      'issue_comment.edited',
      'issue_comment.deleted',
      'issues.locked',
      'issues.unlocked',
      'issues.closed',
      'issues.reopened',
    ])
    expect((await hook.next('issues.edited', from)).body).toMatchObject({
      changes: { title: { from: 'lively' }, body: { from: 'first' } },
    })
    expect((await hook.next('issues.unlabeled', from)).body).toMatchObject({
      label: { name: 'bzzz' },
    })
  })

  it('tells the life of a pull request, its pushes, reviews, checks and statuses', async () => {
    const from = hook.all.length
    const issue = await open('to be closed')
    const first = await commitFile(at.as('ada'), 'topic', 'topic.txt', 'one\n')
    const { data: pull } = await rest().pulls.create({
      ...LIB,
      title: 'topic',
      body: `Closes #${issue.number}`,
      head: 'topic',
      base: 'main',
    })
    const on = { ...LIB, pull_number: pull.number }
    const head = await commitFile(at.as('ada'), 'topic', 'more.txt', 'two\n')
    await at.as('bob').rest.pulls.createReview({ ...on, event: 'APPROVE' })
    const run = await rest().checks.create({ ...LIB, name: 'ci', head_sha: head })
    const over = { conclusion: 'success', status: 'completed' } as const
    await rest().checks.update({ ...LIB, check_run_id: run.data.id, ...over })
    await rest().repos.createCommitStatus({ ...LIB, sha: head, state: 'success', context: 'ci' })
    await rest().pulls.merge(on)
    const merged = await hook.next('pull_request.closed', from)
    await hook.next('issues.closed', from)
    expect(merged.body).toMatchObject({
      pull_request: { merged: true, merged_by: { login: 'ada' } },
    })
    expect((await hook.next('pull_request.synchronize', from)).body).toMatchObject({
      before: first,
      after: head,
    })
    for (const name of [
      'pull_request.opened',
      'pull_request_review.submitted',
      'check_run.created',
      'check_run.completed',
      'status',
    ])
      await hook.next(name, from)
    const pushed = () => hook.all.slice(from).filter(({ event }) => event === 'push')
    await until('the pushes are told', 15_000, () => pushed().length >= 4)
    const refs = pushed().map(({ body }) => [body.ref, body.created, body.after])
    expect(refs).toContainEqual(['refs/heads/topic', false, head])
    expect(refs.filter(([ref]) => ref === 'refs/heads/main')).toHaveLength(1)
  })

  it('tells a push over git, with its commits, and nothing of other namespaces', async () => {
    const from = hook.all.length
    const clone = await at.clone('bob')
    await writeFile(join(clone, 'pushed.txt'), 'x\n')
    await at.git(clone, 'add', '.')
    await at.git(clone, 'commit', '-q', '-m', 'pushed')
    await at.git(clone, 'push', '-q', 'origin', 'HEAD:refs/bzzz/claims/1', 'HEAD:main')
    const { body } = await hook.next('push', from)
    expect(body).toMatchObject({
      ref: 'refs/heads/main',
      created: false,
      forced: false,
      commits: [{ message: 'pushed', added: ['pushed.txt'] }],
      pusher: { name: 'bob' },
    })
    expect(hook.names().slice(from)).toEqual(['push'])
  })

  it('tells nothing that was rolled back or not asked for', async () => {
    const quiet = await receiver()
    await at.server.createRepository({
      owner: 'octo',
      name: 'calm',
      hooks: [{ url: quiet.url, events: ['issue_comment'] }],
    })
    await quiet.next('ping')
    const calm = { owner: 'octo', repo: 'calm' }
    const { data } = await rest().issues.create({ ...calm, title: 'calm' })
    await rest().issues.createComment({ ...calm, issue_number: data.number, body: 'said' })
    const said = await quiet.next('issue_comment.created')
    expect(said.headers).not.toHaveProperty('x-hub-signature-256')
    expect(quiet.names()).toEqual(['ping', 'issue_comment.created'])
    await quiet.close()
  })
})

describe('hooks over REST', () => {
  it('is made, changed, pinged and removed by admins', async () => {
    const other = await receiver()
    const refused = rest().repos.createWebhook({ ...LIB, config: { url: other.url } })
    expect((await failure(refused)).status).toBe(403)
    const { data: made } = await admin().repos.createWebhook({
      ...LIB,
      config: { url: other.url, secret: SECRET },
    })
    expect(made).toMatchObject({
      events: ['push'],
      active: true,
      config: { content_type: 'form', secret: '********' },
    })
    const twice = admin().repos.createWebhook({ ...LIB, config: { url: other.url } })
    expect((await failure(twice)).errors[0]?.message).toBe('Hook already exists on this repository')
    const ping = await other.next('ping')
    expect(ping.headers['content-type']).toBe('application/x-www-form-urlencoded')
    expect(ping.headers['x-hub-signature-256']).toBe(signature(SECRET, ping.raw))
    const one = { ...LIB, hook_id: made.id }
    const { data: changed } = await admin().repos.updateWebhook({
      ...one,
      add_events: ['issues'],
      active: false,
    })
    expect(changed).toMatchObject({ events: ['push', 'issues'], active: false })
    await admin().repos.pingWebhook(one)
    await until('a second ping', 15_000, () => other.all.length === 2)
    expect((await admin().repos.listWebhooks(LIB)).data.map(({ id }) => id)).toContain(made.id)
    expect((await admin().repos.getWebhook(one)).data.id).toBe(made.id)
    await admin().repos.deleteWebhook(one)
    expect((await failure(admin().repos.getWebhook(one))).status).toBe(404)
    await other.close()
  })

  it('goes to this machine only, unless told otherwise', async () => {
    for (const url of ['http://10.0.0.1/x', 'http://example.com', 'ftp://127.0.0.1', 'nowhere']) {
      const refused = await failure(admin().repos.createWebhook({ ...LIB, config: { url } }))
      expect(refused.status, url).toBe(422)
    }
    await expect(
      at.server.createRepository({ owner: 'octo', name: 'x', hooks: [{ url: 'http://10.0.0.1' }] }),
    ).rejects.toMatchObject({ code: 'FORGE_HOOK_INVALID', data: { field: 'url' } })
  })

  it('keeps deliveries, does not repeat them by itself, and sends again when asked', async () => {
    const one = { ...LIB, hook_id: hookId }
    const from = hook.all.length
    hook.answer.status = 500
    const { number } = await open('missed')
    await hook.next('issues.assigned', from)
    const listed = async () =>
      (await admin().repos.listWebhookDeliveries({ ...one, per_page: 3 })).data
    await expect.poll(async () => (await listed())[0]?.action).toBe('assigned')
    const delivery = (await listed()).find(({ action }) => action === 'opened')!
    expect(delivery).toMatchObject({ status_code: 500, redelivery: false, event: 'issues' })
    hook.answer.status = 200
    const before = hook.all.length
    await admin().repos.redeliverWebhookDelivery({ ...one, delivery_id: delivery.id })
    const again = await hook.next('issues.opened', before)
    expect(again.guid).toBe(delivery.guid)
    expect(again.body).toMatchObject({ issue: { number } })
    await expect.poll(async () => (await listed())[0]?.redelivery).toBe(true)
    const { data } = await admin().repos.getWebhookDelivery({
      ...one,
      delivery_id: (await listed())[0]!.id,
    })
    expect(data).toMatchObject({ status_code: 200, response: { payload: 'seen' } })
    expect((await admin().repos.getWebhook(one)).data.last_response).toMatchObject({ code: 200 })
  })
})

describe('faults of webhooks', () => {
  const path = '/repos/octo/lib/hooks/issues'
  const count = (from: number) =>
    hook
      .names()
      .slice(from)
      .filter((name) => name === 'issues.closed').length
  const close = async () => {
    const { number: issue_number } = (await rest().issues.create({ ...LIB, title: 'faulty' })).data
    await rest().issues.update({ ...LIB, issue_number, state: 'closed' })
    // Whatever is told later than this was told after the fault.
    await rest().issues.createComment({ ...LIB, issue_number, body: 'after' })
  }

  it('keeps what is frozen until the rule is lifted', async () => {
    const from = hook.all.length
    const frozen = at.server.faults.add({ fault: { kind: 'hook-frozen' }, path })
    await close()
    await hook.next('issue_comment.created', from)
    expect(count(from)).toBe(0)
    expect(frozen.hits).toBe(2)
    frozen.remove()
    await hook.next('issues.closed', from)
    expect(hook.names().slice(from)).toEqual([
      'issue_comment.created',
      'issues.opened',
      'issues.closed',
    ])
  })

  it('loses, doubles and delays', async () => {
    const from = hook.all.length
    at.server.faults.add({ fault: { kind: 'hook-lost' }, path })
    await close()
    await hook.next('issue_comment.created', from)
    expect(count(from)).toBe(0)
    at.server.faults.clear()
    at.server.faults.add({ fault: { kind: 'hook-doubled' }, path })
    await close()
    await until('it comes twice', 15_000, () => count(from) === 2)
    const doubled = hook.all.filter(({ event }) => event === 'issues').slice(-2)
    expect(doubled[0]?.guid).toBe(doubled[1]?.guid)
    at.server.faults.clear()
    at.server.faults.add({ fault: { kind: 'hook-late', ms: 200 }, path })
    const later = hook.all.length
    await close()
    await hook.next('issues.closed', later)
    expect(hook.names().slice(later)[0]).toBe('issue_comment.created')
  })
})

it("sends nothing but GitHub's own shapes", () => {
  const judge = payloadJudge()
  const faults = hook.all.map((each) => judge.fault(each))
  expect(faults.filter((fault) => fault !== '')).toEqual([])
  expect(new Set(hook.names()).size).toBeGreaterThanOrEqual(20)
  // The judge is able to say no.
  expect(judge.fault({ event: 'issues', body: { action: 'opened' } })).toContain('issue')
})
