/** What every answer has: tags, limits, pages, and the refusals of strangers. */
import assert from 'node:assert/strict'
import { Octokit } from 'octokit'
import { group, newIssue, refused, unique, type ProbeSite } from './site.ts'

const read = ({ owner, repo }: ProbeSite, number: number) =>
  ({ owner, repo, issue_number: number }) as const

export const httpProbes = group('http', {
  'an unchanged answer is 304 to its tag, and costs nothing': async (site) => {
    const { number } = await newIssue(site)
    const get = (tag?: string) =>
      site.octokit.rest.issues.get({
        ...read(site, number),
        ...(tag === undefined ? {} : { headers: { 'if-none-match': tag } }),
      })
    const first = await get()
    const tag = first.headers.etag ?? ''
    assert.notEqual(tag, '')
    const same = (await get(tag).catch((error: unknown) => error)) as {
      status: number
      response?: { headers: Record<string, string> }
    }
    assert.equal(same.status, 304)
    const left = first.headers['x-ratelimit-remaining']
    assert.equal(same.response?.headers['x-ratelimit-remaining'], left)
    await site.octokit.rest.issues.createComment({ ...read(site, number), body: 'changed' })
    assert.equal((await get(tag)).status, 200)
  },
  'a tag is worth nothing with another token': async (site) => {
    const { number } = await newIssue(site)
    const first = await site.octokit.rest.issues.get(read(site, number))
    const tag = first.headers.etag ?? ''
    assert.notEqual(tag, '')
    const headers = { 'if-none-match': tag }
    const other = await site.other.rest.issues.get({ ...read(site, number), headers })
    assert.equal(other.status, 200)
  },
  'the limits are in the headers': async ({ octokit, owner, repo }) => {
    const { headers } = await octokit.rest.repos.get({ owner, repo })
    for (const name of ['limit', 'remaining', 'used', 'reset', 'resource'])
      assert.ok(headers[`x-ratelimit-${name}`] !== undefined, name)
  },
  'a long list comes in pages with links': async (site) => {
    const { octokit, owner, repo } = site
    const labels = unique('page')
    for (let count = 0; count < 3; count += 1) await newIssue(site, { labels: [labels] })
    const first = await octokit.rest.issues.listForRepo({ owner, repo, labels, per_page: 2 })
    assert.match(first.headers.link ?? '', /rel="next".*rel="last"/)
    const all = await octokit.paginate(octokit.rest.issues.listForRepo, {
      owner,
      repo,
      labels,
      per_page: 2,
    })
    assert.equal(all.length, 3)
  },
  'a wrong token is refused with 401': async ({ octokit, owner, repo }) => {
    const stranger = new Octokit({
      baseUrl: octokit.request.endpoint.DEFAULTS.baseUrl,
      auth: 'nobody',
      throttle: { enabled: false },
      retry: { enabled: false },
      log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
    })
    const { data } = await refused(stranger.rest.repos.get({ owner, repo }), 401)
    assert.equal(data.message, 'Bad credentials')
  },
  'a body that is no JSON is refused with 400': async ({ octokit, owner, repo }) => {
    const { baseUrl } = octokit.request.endpoint.DEFAULTS
    const { headers } = await octokit.request('GET /user')
    assert.ok(headers)
    const { token } = (await octokit.auth()) as { token: string }
    const answer = await fetch(`${baseUrl}/repos/${owner}/${repo}/issues`, {
      method: 'POST',
      headers: { authorization: `token ${token}` },
      body: '{',
    })
    assert.equal(answer.status, 400)
  },
})
