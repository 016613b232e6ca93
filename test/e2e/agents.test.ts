/** Real agent processes on a forge: races, restarts, hand-over, people who interfere, and the client commands. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { until } from '../../src/util/index.ts'
import {
  isPublished,
  noProcessOf,
  processesOf,
  workflow,
  World,
  type RunningAgent,
} from './world.ts'

const chores = [
  `  touch: { run: [node, -e, "require('fs').appendFileSync('log.txt', 'done\\\\n')"] }`,
  `  slow: { run: [node, -e, "setTimeout(() => require('fs').appendFileSync('log.txt', 'slow\\\\n'), 6000)"] }`,
  `  hang: { run: [node, -e, "setInterval(() => {}, 1000)"] }`,
].join('\n')
const files = { 'WORKFLOW.md': workflow(chores), 'log.txt': 'begin\n' }
const chore = (name: string) => `\`\`\`bzzz\nchore: ${name}\n\`\`\`\n`

let world: World
beforeEach(async () => {
  world = await World.make()
})
afterEach(async () => {
  await world.close()
  await noProcessOf(world.dir)
})

const state = async ({ api }: RunningAgent, issue: number) =>
  (await api.tasks()).find((row) => row.issue === issue)?.state

describe('a race', () => {
  it('has one winner for every issue, and its losers go on', async () => {
    const repo = await world.repository('race', files)
    const issues: number[] = []
    for (let n = 0; n < 6; n += 1)
      issues.push(await world.issue(repo, { title: `Touch ${n}`, body: chore('touch') }))
    const config = { github: { claims: { staggerMs: 0 }, pollMs: 200 } }
    const agents = await Promise.all(
      ['ada', 'bo', 'cleo'].map((name) => world.agent({ name, repos: [repo], config })),
    )
    await until(
      'all pull requests',
      90_000,
      async () => (await world.pulls(repo)).length >= issues.length,
      { everyMs: 500 },
    )
    await until(
      'all journals at one agent',
      60_000,
      async () => {
        const rows = await agents[0]!.api.tasks()
        return rows.length === issues.length && rows.every((row) => isPublished(row.state))
      },
      { everyMs: 200 },
    )

    const pulls = await world.pulls(repo)
    expect(pulls).toHaveLength(issues.length)
    expect(new Set(pulls.map(({ head }) => head.ref))).toEqual(
      new Set(issues.map((n) => `bzzz/issue-${n}`)),
    )
    for (const issue of issues)
      expect((await world.issueNow(repo, issue)).assignees).toHaveLength(1)

    const won = new Map<number, string[]>()
    for await (const entry of agents[1]!.api.logs({ types: ['claim.won'] })) {
      if (entry.type === 'claim.won')
        won.set(entry.task.issue, [...(won.get(entry.task.issue) ?? []), entry.agent])
    }
    expect([...won.keys()].sort((a, b) => a - b)).toEqual(issues)
    for (const winners of won.values()) expect(winners).toHaveLength(1)
    const verified = await world.bzzz(agents[2]!.home, 'logs', 'verify', '--json')
    expect(verified.code, verified.stderr).toBe(0)
  })
})

describe('an agent that is killed in the middle of a task', () => {
  it('goes on after its restart: one pull request, nothing twice, no child left', async () => {
    const repo = await world.repository('crash', files)
    const issue = await world.issue(repo, { title: 'Slow', body: chore('slow') })
    const first = await world.agent({ name: 'ada', repos: [repo] })
    await until('work', 30_000, async () => (await state(first, issue)) === 'working', {
      everyMs: 100,
    })
    await first.kill('SIGKILL')
    await until(
      'no child of the killed agent',
      10_000,
      async () => (await processesOf(first.home)).length === 0,
      { everyMs: 200 },
    )
    expect(await world.pulls(repo)).toHaveLength(0)

    const again = await world.agent({ name: 'ada', repos: [repo] })
    await until('done', 60_000, async () => isPublished(await state(again, issue)), {
      everyMs: 200,
    })
    // A busy machine may need longer than the usual wait for an answer.
    const listed = await world.bzzz(again.home, '--timeout', '30', 'task', 'ls', '--json')
    expect(listed.code, listed.stderr).toBe(0)
    expect(JSON.parse(listed.stdout)).toMatchObject([{ issue, state: expect.any(String) }])
    expect(await world.pulls(repo)).toHaveLength(1)
    expect(await world.file(repo, `bzzz/issue-${issue}`, 'log.txt')).toBe('begin\nslow\n')
    const detail = await again.api.task({ repo, issue })
    expect(detail.attempt).toBe(2)
    const verified = await world.bzzz(again.home, 'logs', 'verify')
    expect(verified.code, verified.stdout + verified.stderr).toBe(0)
  })
})

describe('an agent that is stopped', () => {
  it('hands its work back, and another one takes it at once', async () => {
    const repo = await world.repository('handover', files)
    const issue = await world.issue(repo, { title: 'Slow', body: chore('slow') })
    const ada = await world.agent({ name: 'ada', repos: [repo] })
    await until('work', 30_000, async () => (await state(ada, issue)) === 'working', {
      everyMs: 100,
    })
    expect(await ada.kill('SIGINT')).toBe(130)
    expect((await world.issueNow(repo, issue)).assignees).toEqual([])
    expect(await processesOf(ada.home)).toEqual([])
    const bo = await world.agent({ name: 'bo', repos: [repo] })
    await until('done', 60_000, async () => isPublished(await state(bo, issue)), {
      everyMs: 200,
    })
    expect((await world.issueNow(repo, issue)).assignees?.map(({ login }) => login)).toEqual(['bo'])
    expect(await world.pulls(repo)).toHaveLength(1)
  })

  it('refuses a second agent in its home, naming its process', async () => {
    const repo = await world.repository('home', files)
    const ada = await world.agent({ name: 'ada', repos: [repo] })
    const { file } = await world.configure({ name: 'ada', repos: [repo] })
    const second = await world.bzzz(ada.home, 'up', '--config', file)
    expect(second.code).toBe(1)
    expect(second.stderr).toContain(String(ada.child.pid))
    const down = await world.bzzz(ada.home, 'down')
    expect(down.code, down.stderr).toBe(0)
    expect(await ada.ended).toBe(0)
    expect((await world.bzzz(ada.home, 'status')).code).toBe(3)
  })
})

describe('people', () => {
  it('win: an issue that a person has is left alone, and one that a person takes or closes is let go', async () => {
    const repo = await world.repository('people', files)
    const theirs = await world.issue(repo, { title: 'Hers', body: chore('touch') })
    await world.octokit.rest.issues.addAssignees({
      owner: 'octo',
      repo: 'people',
      issue_number: theirs,
      assignees: ['grace'],
    })
    const taken = await world.issue(repo, { title: 'Taken', body: chore('slow') })
    const closed = await world.issue(repo, { title: 'Closed', body: chore('hang') })
    const ada = await world.agent({ name: 'ada', repos: [repo], config: { work: { slots: 3 } } })
    for (const issue of [taken, closed]) {
      await until(`work on ${issue}`, 30_000, async () => (await state(ada, issue)) === 'working', {
        everyMs: 100,
      })
    }
    await world.octokit.rest.issues.addAssignees({
      owner: 'octo',
      repo: 'people',
      issue_number: taken,
      assignees: ['grace'],
    })
    await world.octokit.rest.issues.update({
      owner: 'octo',
      repo: 'people',
      issue_number: closed,
      state: 'closed',
    })
    for (const issue of [taken, closed]) {
      await until(
        `end of ${issue}`,
        30_000,
        async () => /cancelled|released/.test((await state(ada, issue)) ?? ''),
        { everyMs: 200 },
      )
    }
    expect(await world.pulls(repo)).toHaveLength(0)
    expect((await world.issueNow(repo, theirs)).assignees?.map(({ login }) => login)).toEqual([
      'grace',
    ])
    expect((await world.issueNow(repo, taken)).assignees?.map(({ login }) => login)).toEqual([
      'grace',
    ])
    expect(await state(ada, theirs)).toBeUndefined()
  })

  it('who take the assignment away stop the work, and are told how to have it again', async () => {
    const repo = await world.repository('unassign', files)
    const issue = await world.issue(repo, { title: 'Slow', body: chore('slow') })
    const ada = await world.agent({ name: 'ada', repos: [repo] })
    await until('work', 30_000, async () => (await state(ada, issue)) === 'working', {
      everyMs: 100,
    })
    await world.octokit.rest.issues.removeAssignees({
      owner: 'octo',
      repo: 'unassign',
      issue_number: issue,
      assignees: ['ada'],
    })
    await until('cancelled', 40_000, async () => (await state(ada, issue)) === 'cancelled', {
      everyMs: 200,
    })
    expect(await world.pulls(repo)).toHaveLength(0)
    expect((await world.comments(repo, issue)).map(({ body }) => body).join()).toContain(
      'bzzz:stopped',
    )

    await world.octokit.rest.issues.removeLabel({
      owner: 'octo',
      repo: 'unassign',
      issue_number: issue,
      name: 'bzzz:stopped',
    })
    await until('done after all', 40_000, async () => isPublished(await state(ada, issue)), {
      everyMs: 200,
    })
    expect(await world.pulls(repo)).toHaveLength(1)
  })
})

describe('a needed capability', () => {
  it('is waited for, and the peer that has it gets the task', async () => {
    const repo = await world.repository('needs', files)
    const issue = await world.issue(repo, {
      title: 'Special',
      body: chore('touch'),
      labels: ['bzzz', 'needs:kiln'],
    })
    const ada = await world.agent({ name: 'ada', repos: [repo] })
    await until('waiting', 30_000, async () => (await state(ada, issue)) === 'waiting', {
      everyMs: 200,
    })
    const shown = await world.bzzz(ada.home, 'task', 'show', `${repo}#${issue}`)
    expect(shown.stdout).toContain('kiln')
    await world.agent({ name: 'bo', repos: [repo], config: { work: { tags: ['kiln'] } } })
    await until('done', 40_000, async () => isPublished(await state(ada, issue)), {
      everyMs: 200,
    })
    expect((await ada.api.task({ repo, issue })).agent).toBe('bo')
  })
})
