/** `bzzz up --dry-run`: everything is read and told, and nothing on the forge changes. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { until } from '../../src/util/index.ts'
import { noProcessOf, workflow, World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await World.make()
})
afterAll(async () => {
  await world.close()
  await noProcessOf(world.dir)
})

it('tells every write of an issue, and makes none', async () => {
  const files = { 'README.md': 'x\n', 'WORKFLOW.md': workflow('  go: { run: [touch, done.txt] }') }
  const repo = await world.repository('app', files)
  const good = await world.issue(repo, { title: 'Do it', body: '```bzzz\nchore: go\n```\n' })
  const bad = await world.issue(repo, { title: 'Odd', body: '```bzzz\nchore: 7\nx: y\n```\n' })
  const before = [await world.issueNow(repo, good), await world.issueNow(repo, bad)]
  const agent = await world.agent({ name: 'ada', repos: [repo], flags: ['--dry-run'] })
  const plannedFor = async (issue: number) =>
    (await agent.api.task({ repo, issue }).catch(() => undefined))?.planned ?? []
  await until('both plans', 60_000, async () => {
    return (await plannedFor(good)).length > 0 && (await plannedFor(bad)).length > 0
  })
  expect((await plannedFor(good)).join('\n')).toMatch(
    /push a claim[^]*assign ada[^]*refs\/heads\/bzzz\/issue-1[^]*open a pull request "Do it \(#1\)"/,
  )
  expect((await plannedFor(bad)).join('\n')).toContain(`add the label bzzz:failed to #${bad}`)
  const shown = await world.bzzz(agent.home, 'task', 'show', String(good))
  expect(shown.stdout).toContain('DRY RUN: this agent would\n 1. push a claim')
  expect(agent.stderr()).toContain('dry run, #1: would assign ada')
  await agent.kill('SIGTERM')
  expect([await world.issueNow(repo, good), await world.issueNow(repo, bad)]).toEqual(before)
  expect(await world.pulls(repo)).toEqual([])
  const refs = async (ref: string) =>
    (await world.octokit.rest.git.listMatchingRefs({ owner: 'octo', repo: 'app', ref })).data
  expect((await refs('heads')).map(({ ref }) => ref)).toEqual(['refs/heads/main'])
  expect(await refs('bzzz')).toEqual([])
})
