/** Pull requests: what is refused, what a merge does, and what it closes. */
import assert from 'node:assert/strict'
import { branchWith, group, newIssue, refused, unique, type ProbeSite } from './site.ts'

const open = async (site: ProbeSite, head: string, more: { base?: string; body?: string } = {}) => {
  const { octokit, owner, repo } = site
  const wanted = { owner, repo, title: head, head, base: 'main', ...more }
  const { data } = await octokit.rest.pulls.create(wanted)
  return { ...data, on: { owner, repo, pull_number: data.number } }
}
const stateOf = async (site: ProbeSite, issue_number: number) =>
  (await site.octokit.rest.issues.get({ owner: site.owner, repo: site.repo, issue_number })).data
    .state

export const pullProbes = group('pulls', {
  'are opened with 201, and are issues, too': async (site) => {
    const pull = await open(site, await branchWith(site))
    assert.deepEqual([pull.state, pull.merged, pull.base.ref], ['open', false, 'main'])
    const { owner, repo, octokit } = site
    const { data } = await octokit.rest.issues.get({ owner, repo, issue_number: pull.number })
    assert.ok(data.pull_request)
  },
  'of the same head and base are refused with 422': async (site) => {
    const head = await branchWith(site)
    await open(site, head)
    const { data } = await refused(open(site, head), 422)
    assert.match(data.errors?.[0]?.message ?? '', /A pull request already exists/)
  },
  'without a commit of their own are refused with 422': async (site) => {
    const { octokit, owner, repo } = site
    const head = unique('empty')
    const main = await octokit.rest.git.getRef({ owner, repo, ref: 'heads/main' })
    const { sha } = main.data.object
    await octokit.rest.git.createRef({ owner, repo, ref: `refs/heads/${head}`, sha })
    const { data } = await refused(open(site, head), 422)
    assert.match(data.errors?.[0]?.message ?? '', /No commits between/)
  },
  'of a branch that is not there are refused with 422': async (site) => {
    const { data } = await refused(open(site, unique('nowhere')), 422)
    assert.deepEqual([data.errors?.[0]?.field, data.errors?.[0]?.code], ['head', 'invalid'])
    const base = await refused(open(site, await branchWith(site), { base: unique('none') }), 422)
    assert.deepEqual(
      [base.data.errors?.[0]?.field, base.data.errors?.[0]?.code],
      ['base', 'invalid'],
    )
  },
  'follow their branch': async (site) => {
    const { octokit, owner, repo } = site
    const branch = await branchWith(site)
    const pull = await open(site, branch)
    const made = await octokit.rest.repos.createOrUpdateFileContents({
      owner,
      repo,
      branch,
      path: `${branch}-more.txt`,
      message: 'more',
      content: '',
    })
    const { data } = await octokit.rest.pulls.get(pull.on)
    assert.deepEqual([data.head.sha, data.commits], [made.data.commit.sha, 2])
  },
  'are found by their head': async (site) => {
    const { octokit, owner, repo } = site
    const head = await branchWith(site)
    const pull = await open(site, head)
    const { data } = await octokit.rest.pulls.list({ owner, repo, head: `${owner}:${head}` })
    assert.deepEqual(
      data.map(({ number }) => number),
      [pull.number],
    )
  },
  'close what their text says when they are merged into the default branch': async (site) => {
    const { octokit } = site
    const [one, two] = [await newIssue(site), await newIssue(site)]
    const body = `Fixes #${one.number}, and mentions #${two.number}`
    const pull = await open(site, await branchWith(site), { body })
    const { data } = await octokit.rest.pulls.merge(pull.on)
    assert.equal(data.merged, true)
    assert.deepEqual(
      [await stateOf(site, one.number), await stateOf(site, two.number)],
      ['closed', 'open'],
    )
    const { data: after } = await octokit.rest.pulls.get(pull.on)
    assert.deepEqual(
      [after.state, after.merged, after.merged_by?.login],
      ['closed', true, site.people[0]],
    )
  },
  'close nothing when they are merged into another branch': async (site) => {
    const { octokit } = site
    const issue = await newIssue(site)
    const base = await branchWith(site)
    const head = await branchWith(site, base)
    const pull = await open(site, head, { base, body: `Fixes #${issue.number}` })
    await octokit.rest.pulls.merge(pull.on)
    assert.equal(await stateOf(site, issue.number), 'open')
  },
  'are merged once: 405 afterwards': async (site) => {
    const pull = await open(site, await branchWith(site))
    await site.octokit.rest.pulls.merge(pull.on)
    await refused(site.octokit.rest.pulls.merge(pull.on), 405)
  },
  'are not merged from a head that moved: 409': async (site) => {
    const pull = await open(site, await branchWith(site))
    const sha = pull.base.sha
    await refused(site.octokit.rest.pulls.merge({ ...pull.on, sha }), 409)
  },
  'take no approval of their own author': async (site) => {
    const pull = await open(site, await branchWith(site))
    const review = { ...pull.on, event: 'APPROVE' } as const
    await refused(site.octokit.rest.pulls.createReview(review), 422)
    const { data } = await site.other.rest.pulls.createReview(review)
    assert.equal(data.state, 'APPROVED')
  },
})
