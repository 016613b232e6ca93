/** A transferred issue is gone from where it was, though GitHub redirects; a renamed repository is not. */
import { expect, it } from 'vitest'
import { createGitHub } from '../../../src/tasks/github/github.ts'
import { createWhereabouts } from '../../../src/tasks/github/moved.ts'
import { nullLogger } from '../../../src/util/index.ts'
import { LIB, site } from '../forge/helper.ts'

const signal = new AbortController().signal
const url = (repo: string) => `https://api.github.com/repos/${repo}`

it('is told by its number and its repository', async () => {
  let asked = 0
  const name = 'octo/lib'
  const here = createWhereabouts(async () => {
    asked += 1
    return name
  })
  await here.mustBe('octo/lib', 4, { number: 4, repository_url: url('Octo/Lib') }, signal)
  await here.mustBe('octo/lib', 4, { number: 4 }, signal)
  expect(asked).toBe(0)
  const moved = { code: 'GITHUB_NOT_FOUND', data: { to: 'octo/far#4' } }
  await expect(
    here.mustBe('octo/lib', 4, { number: 4, repository_url: url('octo/far') }, signal),
  ).rejects.toMatchObject(moved)
  await expect(
    here.mustBe('octo/lib', 4, { number: 5, repository_url: url('octo/lib') }, signal),
  ).rejects.toMatchObject({ data: { to: 'octo/lib#5' } })
})

it('asks once when a repository was renamed', async () => {
  let asked = 0
  const here = createWhereabouts(async () => {
    asked += 1
    return 'octo/new'
  })
  for (const number of [1, 2, 3])
    await here.mustBe('octo/old', number, { number, repository_url: url('octo/new') }, signal)
  expect(asked).toBe(1)
})

it('is gone for the agents when the forge redirects', async () => {
  const at = await site()
  try {
    await at.server.createRepository({ owner: 'octo', name: 'far' })
    const root = at.as('root')
    const { data: old } = await root.rest.issues.create({ ...LIB, title: 'Wanders' })
    const github = createGitHub(
      { apiUrl: at.server.apiUrl, token: 'token-root', userAgent: 'test', pace: false },
      { logger: nullLogger },
    )
    expect((await github.issue('octo/lib', old.number, signal)).title).toBe('Wanders')
    const { data: far } = await root.rest.repos.get({ owner: 'octo', repo: 'far' })
    await root.graphql(
      `mutation ($issueId: ID!, $repositoryId: ID!) {
        transferIssue(input: { issueId: $issueId, repositoryId: $repositoryId }) {
          issue { number url repository { nameWithOwner } }
        }
      }`,
      { issueId: old.node_id, repositoryId: far.node_id },
    )
    await expect(github.issue('octo/lib', old.number, signal)).rejects.toMatchObject({
      code: 'GITHUB_NOT_FOUND',
      data: { to: 'octo/far#1' },
    })
  } finally {
    await at.close()
  }
})
