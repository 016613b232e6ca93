/**
 * Webhooks of the forge beside those that github.com once sent (@octokit/webhooks-examples): every
 * payload is compared with the example of its event and action that is nearest to it.
 */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LIB, commitFile, site, type Site } from '../unit/forge/helper.ts'
import { receiver, type Receiver } from '../unit/forge/receiver.ts'
import { NO_EXAMPLE, PAYLOADS } from './recorded.ts'
import { bare, differences } from './shape.ts'

interface Example {
  name: string
  examples: { action?: string }[]
}
const FILE = new URL(
  'api.github.com/index.json',
  import.meta.resolve('@octokit/webhooks-examples/package.json'),
)

let at: Site
let hook: Receiver
beforeAll(async () => {
  at = await site()
  hook = await receiver()
  await at.server.createRepository({ owner: 'octo', name: 'far' })
  const hooks = [{ url: hook.url, events: ['*'] }]
  await at.server.createRepository({ ...LIB, name: 'lib', hooks })
  const { rest, graphql } = at.as('root')
  const open = async () =>
    (await rest.issues.create({ ...LIB, title: 'i', body: 'b', labels: ['l'], assignees: ['bob'] }))
      .data
  const { number: issue_number } = await open()
  const on = { ...LIB, issue_number }
  await rest.issues.update({ ...on, title: 'edited' })
  await rest.issues.createComment({ ...on, body: 'said' })
  await rest.issues.removeLabel({ ...on, name: 'l' })
  await rest.issues.removeAssignees({ ...on, assignees: ['bob'] })
  await rest.issues.update({ ...on, state: 'closed' })
  await rest.issues.update({ ...on, state: 'open' })
  const { node_id: gone } = await open()
  await graphql('mutation($i: ID!) { deleteIssue(input: { issueId: $i }) { repository { id } } }', {
    i: gone,
  })
  const [{ node_id: moved }, { data: far }] = [
    await open(),
    await rest.repos.get({ owner: 'octo', repo: 'far' }),
  ]
  await graphql(
    'mutation($i: ID!, $r: ID!) { transferIssue(input: { issueId: $i, repositoryId: $r }) { issue { id } } }',
    { i: moved, r: far.node_id },
  )
  await commitFile(at.as('root'), 'topic', 'a.txt', 'a\n')
  const { data: pull } = await rest.pulls.create({
    ...LIB,
    title: 'p',
    head: 'topic',
    base: 'main',
  })
  const head_sha = await commitFile(at.as('root'), 'topic', 'b.txt', 'b\n')
  const review = { ...LIB, pull_number: pull.number, event: 'COMMENT', body: 'so' } as const
  await at.as('bob').rest.pulls.createReview(review)
  const done = { status: 'completed', conclusion: 'success' } as const
  await rest.checks.create({ ...LIB, name: 'ci', head_sha, ...done })
  await rest.repos.createCommitStatus({ ...LIB, sha: head_sha, state: 'success' })
  await rest.pulls.merge({ ...LIB, pull_number: pull.number })
  await hook.next('pull_request.closed')
  await hook.next('status')
})
afterAll(async () => {
  await at.close()
  await hook.close()
})

const WANTED = [
  'ping',
  'push',
  'status',
  'check_run.created',
  'check_run.completed',
  'issue_comment.created',
  'issues.opened',
  'issues.edited',
  'issues.closed',
  'issues.reopened',
  'issues.labeled',
  'issues.unlabeled',
  'issues.assigned',
  'issues.unassigned',
  'issues.deleted',
  'issues.transferred',
  'pull_request.opened',
  'pull_request.synchronize',
  'pull_request.closed',
  'pull_request_review.submitted',
]

describe('webhooks beside those of github.com', () => {
  const examples = JSON.parse(readFileSync(FILE, 'utf8')) as Example[]
  const used = new Set<string>()

  it.each(WANTED)('%s', async (name) => {
    const [event, action] = name.split('.')
    const { body } = await hook.next(name)
    const known = (examples.find((each) => each.name === event)?.examples ?? []).filter(
      (each) => each.action === action,
    )
    expect(known.length > 0).toBe(!NO_EXAMPLE.includes(name))
    if (known.length === 0) return
    const all = known.map((each) => differences(each, body))
    const nearest = all.reduce((best, each) => (each.length < best.length ? each : best))
    const wrong = nearest.filter((difference) => {
      const short = bare(difference)
      if (!Object.hasOwn(PAYLOADS, short)) return true
      used.add(short)
      return false
    })
    expect(wrong).toEqual([])
  })

  it('differ in nothing less than what is written', () => {
    expect([...used].sort()).toEqual(Object.keys(PAYLOADS).sort())
  })
})
