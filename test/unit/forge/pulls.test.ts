import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LIB, commitFile, failure, site, type Site } from './helper.ts'

let at: Site
beforeAll(async () => {
  at = await site()
})
afterAll(() => at.close())

const pull = async (head: string, more: object = {}, login: 'ada' | 'bob' = 'ada') =>
  (
    await at
      .as(login)
      .rest.pulls.create({ ...LIB, title: `pull ${head}`, head, base: 'main', ...more })
  ).data
const number = (data: { number: number }) => ({ ...LIB, pull_number: data.number })

describe('pull requests', () => {
  it('opens a draft, shows its files and commits, and follows its branch', async () => {
    const first = await commitFile(at.as('ada'), 'follow', 'a.txt', 'a\n')
    const made = await pull('octo:follow', { draft: true, body: 'text' })
    expect(made).toMatchObject({
      draft: true,
      state: 'open',
      merged: false,
      commits: 1,
      additions: 1,
      changed_files: 1,
    })
    expect(made.head).toMatchObject({ ref: 'follow', sha: first, label: 'octo:follow' })
    expect(made.html_url).toBe(`${at.server.url}/octo/lib/pull/${made.number}`)
    const second = await commitFile(at.as('ada'), 'follow', 'b.txt', 'b\nb\n')
    const { rest } = at.as('ada')
    const now = (await rest.pulls.get(number(made))).data
    expect(now).toMatchObject({ commits: 2, additions: 3, mergeable: true, head: { sha: second } })
    expect((await rest.pulls.listFiles(number(made))).data.map(({ filename }) => filename)).toEqual(
      ['a.txt', 'b.txt'],
    )
    expect((await rest.pulls.listCommits(number(made))).data.map(({ sha }) => sha)).toEqual([
      first,
      second,
    ])
    const listed = (await rest.pulls.list({ ...LIB, head: 'octo:follow' })).data
    expect(listed.map((each) => each.number)).toEqual([made.number])
    const asIssue = await rest.issues.get({ ...LIB, issue_number: made.number })
    expect(asIssue.data.pull_request?.html_url).toBe(made.html_url)
    const diff = await rest.pulls.get({ ...number(made), mediaType: { format: 'diff' } })
    expect(String(diff.data)).toContain('+++ b/b.txt')
    const clone = await at.clone('bob')
    const fetched = await at.git(clone, 'fetch', '-q', 'origin', `pull/${made.number}/head`)
    expect(fetched.exitCode, fetched.tail).toBe(0)
    expect((await failure(rest.pulls.merge(number(made)))).message).toBe(
      'Pull Request is still a draft',
    )
  })

  it('refuses a missing head or base, no commits, a reader, and a second one for the same branches', async () => {
    const { rest } = at.as('ada')
    const open = (more: object) =>
      failure(rest.pulls.create({ ...LIB, title: 't', head: 'none', base: 'main', ...more }))
    expect(await open({})).toMatchObject({
      status: 422,
      errors: [{ field: 'head', code: 'invalid' }],
    })
    await commitFile(at.as('ada'), 'twice', 'twice.txt', '1\n')
    expect(await open({ head: 'twice', base: 'none' })).toMatchObject({
      errors: [{ field: 'base', code: 'invalid' }],
    })
    expect(await open({ head: 'else:twice' })).toMatchObject({ errors: [{ field: 'head' }] })
    const main = await rest.git.getRef({ ...LIB, ref: 'heads/main' })
    await rest.git.createRef({ ...LIB, ref: 'refs/heads/same', sha: main.data.object.sha })
    expect(await open({ head: 'same' })).toMatchObject({
      errors: [{ message: 'No commits between main and same' }],
    })
    await pull('twice')
    expect(await open({ head: 'twice' })).toMatchObject({
      status: 422,
      errors: [{ message: 'A pull request already exists for octo:twice.' }],
    })
    expect(
      (
        await failure(
          at.as('rob').rest.pulls.create({ ...LIB, title: 't', head: 'twice', base: 'main' }),
        )
      ).status,
    ).toBe(403)
  })

  it('lets exactly one of 6 concurrent creations win', async () => {
    await commitFile(at.as('ada'), 'race', 'race.txt', '1\n')
    const results = await Promise.allSettled(Array.from({ length: 6 }, () => pull('race')))
    expect(results.filter(({ status }) => status === 'fulfilled').length).toBe(1)
  })

  it('merges, and closes the issue that it names', async () => {
    const { rest } = at.as('ada')
    const issue = (await rest.issues.create({ ...LIB, title: 'to be closed' })).data
    const other = (await rest.issues.create({ ...LIB, title: 'only mentioned' })).data
    const sha = await commitFile(at.as('ada'), 'closing', 'closing.txt', '1\n')
    const made = await pull('closing', { body: `Closes #${issue.number}, see #${other.number}` })
    const stale = await failure(rest.pulls.merge({ ...number(made), sha: 'a'.repeat(40) }))
    expect(stale.status).toBe(409)
    const merged = await rest.pulls.merge({ ...number(made), sha })
    expect(merged.data.merged).toBe(true)
    const after = (await rest.pulls.get(number(made))).data
    expect(after).toMatchObject({
      state: 'closed',
      merged: true,
      merge_commit_sha: merged.data.sha,
      merged_by: { login: 'ada' },
      commits: 1,
    })
    expect((await rest.git.getRef({ ...LIB, ref: 'heads/main' })).data.object.sha).toBe(
      merged.data.sha,
    )
    const commit = await rest.git.getCommit({ ...LIB, commit_sha: merged.data.sha })
    expect(commit.data.parents[1]?.sha).toBe(sha)
    const closed = (await rest.issues.get({ ...LIB, issue_number: issue.number })).data
    expect(closed).toMatchObject({
      state: 'closed',
      state_reason: 'completed',
      closed_by: { login: 'ada' },
    })
    expect((await rest.issues.get({ ...LIB, issue_number: other.number })).data.state).toBe('open')
    const events = (await rest.issues.listEvents({ ...LIB, issue_number: issue.number })).data
    expect(events.map(({ event, commit_id: id }) => [event, id])).toEqual([
      ['referenced', merged.data.sha],
      ['closed', merged.data.sha],
    ])
    expect((await rest.pulls.checkIfMerged(number(made))).status).toBe(204)
    expect((await failure(rest.pulls.merge(number(made)))).status).toBe(405)
  })

  it('squashes to one commit, and rebases commit by commit', async () => {
    const { rest } = at.as('ada')
    for (const method of ['squash', 'rebase'] as const) {
      await commitFile(at.as('ada'), method, `${method}-1.txt`, '1\n')
      await commitFile(at.as('ada'), method, `${method}-2.txt`, '2\n')
      await commitFile(at.as('bob'), 'main', `${method}-meanwhile.txt`, '0\n')
      const made = await pull(method)
      const before = (await rest.git.getRef({ ...LIB, ref: 'heads/main' })).data.object.sha
      await rest.pulls.merge({ ...number(made), merge_method: method })
      const compared = await rest.repos.compareCommitsWithBasehead({
        ...LIB,
        basehead: `${before}...main`,
      })
      expect(compared.data.ahead_by).toBe(method === 'squash' ? 1 : 2)
      expect(compared.data.commits.every(({ parents }) => parents.length === 1)).toBe(true)
      expect(compared.data.files?.map(({ filename }) => filename)).toEqual([
        `${method}-1.txt`,
        `${method}-2.txt`,
      ])
    }
  })

  it('knows a conflict, and refuses to merge it', async () => {
    const { rest } = at.as('ada')
    await commitFile(at.as('ada'), 'conflict', 'same.txt', 'ours\n')
    await commitFile(at.as('bob'), 'main', 'same.txt', 'theirs\n')
    const made = await pull('conflict')
    expect(made).toMatchObject({ mergeable: false, mergeable_state: 'dirty' })
    for (const merge_method of ['merge', 'squash', 'rebase'] as const)
      expect((await failure(rest.pulls.merge({ ...number(made), merge_method }))).status).toBe(405)
  })

  it('closes, reopens, renames, and closes by itself when the branch goes', async () => {
    const { rest } = at.as('ada')
    await commitFile(at.as('ada'), 'states', 'states.txt', '1\n')
    const made = await pull('states')
    expect((await rest.pulls.update({ ...number(made), state: 'closed' })).data).toMatchObject({
      state: 'closed',
      merged: false,
    })
    expect(
      (await rest.pulls.update({ ...number(made), state: 'open', title: 'new', body: 'b' })).data,
    ).toMatchObject({ state: 'open', title: 'new', body: 'b' })
    expect(
      (await failure(at.as('rob').rest.pulls.update({ ...number(made), title: 'x' }))).status,
    ).toBe(403)
    await rest.git.deleteRef({ ...LIB, ref: 'heads/states' })
    const after = (await rest.pulls.get(number(made))).data
    expect(after).toMatchObject({ state: 'closed', merged: false, commits: 1 })
    expect((await failure(rest.pulls.update({ ...number(made), state: 'open' }))).status).toBe(422)
  })

  it('takes reviews, review comments and requests for review', async () => {
    await commitFile(at.as('ada'), 'review', 'review.txt', '1\n2\n')
    const made = await pull('review')
    const { rest } = at.as('bob')
    await at.as('ada').rest.pulls.requestReviewers({ ...number(made), reviewers: ['bob'] })
    expect(
      (await rest.pulls.listRequestedReviewers(number(made))).data.users.map(({ login }) => login),
    ).toEqual(['bob'])
    const own = await failure(
      at.as('ada').rest.pulls.createReview({ ...number(made), event: 'APPROVE' }),
    )
    expect(own.status).toBe(422)
    const pending = await rest.pulls.createReview({
      ...number(made),
      body: 'hm',
      comments: [{ path: 'review.txt', line: 2, body: 'why 2?' }],
    })
    expect(pending.data.state).toBe('PENDING')
    expect((await at.as('ada').rest.pulls.listReviews(number(made))).data).toEqual([])
    expect((await at.as('ada').rest.pulls.listReviewComments(number(made))).data).toEqual([])
    const review_id = pending.data.id
    const sent = await rest.pulls.submitReview({
      ...number(made),
      review_id,
      event: 'REQUEST_CHANGES',
      body: 'please',
    })
    expect(sent.data).toMatchObject({ state: 'CHANGES_REQUESTED', body: 'please' })
    const [comment] = (await rest.pulls.listReviewComments(number(made))).data
    expect(comment).toMatchObject({
      path: 'review.txt',
      line: 2,
      pull_request_review_id: review_id,
    })
    const answered = await at.as('ada').rest.pulls.createReplyForReviewComment({
      ...number(made),
      comment_id: comment?.id ?? 0,
      body: 'because',
    })
    expect(answered.data.in_reply_to_id).toBe(comment?.id)
    expect(
      (
        await failure(
          rest.pulls.createReviewComment({
            ...number(made),
            commit_id: made.head.sha,
            path: 'none.txt',
            line: 1,
            body: 'x',
          }),
        )
      ).status,
    ).toBe(422)
    expect((await rest.pulls.listReviews(number(made))).data.map(({ state }) => state)).toEqual([
      'CHANGES_REQUESTED',
    ])
    const timeline = await rest.issues.listEventsForTimeline({ ...LIB, issue_number: made.number })
    expect(timeline.data.map(({ event }) => event)).toEqual(
      expect.arrayContaining(['committed', 'review_requested', 'reviewed']),
    )
  })

  it('keeps check runs and statuses per commit', async () => {
    const sha = await commitFile(at.as('ada'), 'checks', 'checks.txt', '1\n')
    const { rest } = at.as('ada')
    const run = await rest.checks.create({
      ...LIB,
      name: 'test',
      head_sha: sha,
      status: 'in_progress',
    })
    expect(run.data).toMatchObject({ status: 'in_progress', conclusion: null })
    await rest.checks.update({
      ...LIB,
      check_run_id: run.data.id,
      conclusion: 'failure',
      output: { title: 't', summary: 's' },
    })
    const runs = (await rest.checks.listForRef({ ...LIB, ref: 'checks' })).data
    expect(runs).toMatchObject({
      total_count: 1,
      check_runs: [{ status: 'completed', conclusion: 'failure' }],
    })
    await rest.repos.createCommitStatus({ ...LIB, sha, state: 'failure', context: 'ci' })
    await rest.repos.createCommitStatus({ ...LIB, sha, state: 'success', context: 'ci' })
    await rest.repos.createCommitStatus({ ...LIB, sha, state: 'pending', context: 'other' })
    const combined = (await rest.repos.getCombinedStatusForRef({ ...LIB, ref: 'checks' })).data
    expect(combined).toMatchObject({ state: 'pending', total_count: 2, sha })
    expect((await rest.repos.listCommitStatusesForRef({ ...LIB, ref: 'checks' })).data.length).toBe(
      3,
    )
  })
})
