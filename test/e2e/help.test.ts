/** Real agents that help each other: a patch, advice, and three requests in vain. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import { until } from '../../src/util/index.ts'
import { noProcessOf, workflow, World } from './world.ts'

/** Each is another one to its helper, which is told the question. */
const script = (here: string, helper: string) =>
  `  run: [node, -e, ${JSON.stringify(
    `const fs = require('fs'); const ask = (text) => { console.log('bzzz-ask: ' + text); process.exit(75) }; if (process.env.BZZZ_QUESTION) { ${helper} } else { ${here} }`,
  )}]`
const chores = [
  '  patched:',
  `  ${script("fs.writeFileSync('half.txt', 'half\\n'); ask('What is the answer?')", "fs.writeFileSync('answer.txt', fs.readFileSync('half.txt', 'utf8') + '42\\n')")}`,
  '  advised:',
  `  ${script("if (!process.env.BZZZ_ADVICE) ask('What is the answer?'); fs.writeFileSync('advised.txt', fs.readFileSync(process.env.BZZZ_ADVICE))", "console.log('It is 42.')")}`,
  '  hopeless:',
  `  ${script("ask('Who can do this?')", "ask('I cannot, either.')")}`,
].join('\n')
const check = '[{ name: has-answer, run: [node, -e, "0"] }]'
const chore = (name: string) => `\`\`\`bzzz\nchore: ${name}\n\`\`\`\n`

let world: World
beforeEach(async () => {
  world = await World.make()
})
afterEach(async () => {
  await world.close()
  await noProcessOf(world.dir)
})

it('who is stuck asks, and its peers help as far as they can', async () => {
  const repo = await world.repository('help', { 'WORKFLOW.md': workflow(chores, check) })
  const settings = { work: { slots: 3 }, help: { pauseMs: 200 } }
  // They take nothing themselves.
  const paused = { ...settings, github: { paused: [repo] } }
  await world.agent({ name: 'bo', repos: [repo], config: paused })
  const ada = await world.agent({ name: 'ada', repos: [repo], config: settings })
  await until('a peer', 60_000, async () => (await ada.api.status()).mesh.connected > 0, {
    everyMs: 200,
  })
  const ask = (name: string) => world.issue(repo, { title: `Do ${name}`, body: chore(name) })
  const [patched, advised, hopeless] = [
    await ask('patched'),
    await ask('advised'),
    await ask('hopeless'),
  ]
  const labels = async (issue: number) =>
    (await world.issueNow(repo, issue)).labels.map((label) =>
      typeof label === 'string' ? label : label.name,
    )
  await until(
    'two pull requests, and one failure',
    150_000,
    async () =>
      (await world.pulls(repo)).length === 2 &&
      (await labels(hopeless)).includes('bzzz:failed') &&
      (await world.comments(repo, hopeless)).length > 0,
    { everyMs: 500 },
  ).catch((error: unknown) => {
    throw new Error(ada.stderr().slice(-8_000), { cause: error })
  })

  expect(await world.file(repo, `bzzz/issue-${patched}`, 'answer.txt')).toBe('half\n42\n')
  expect(await world.file(repo, `bzzz/issue-${advised}`, 'advised.txt')).toContain('It is 42.')
  const { data } = await world.octokit.rest.repos.getCommit({
    owner: 'octo',
    repo: 'help',
    ref: `bzzz/issue-${patched}`,
  })
  expect(data.commit.message).toContain('Co-authored-by: bo <bo@users.noreply.github.com>')
  const [comment] = await world.comments(repo, hopeless)
  expect(comment?.body?.match(/bzzz ask show/g)).toHaveLength(3)

  const outcomes = new Map<number, string[]>()
  for await (const entry of ada.api.logs({ types: ['help.result'] }))
    if (entry.type === 'help.result' && entry.agent === 'ada')
      outcomes.set(entry.task.issue, [...(outcomes.get(entry.task.issue) ?? []), entry.outcome])
  expect(outcomes.get(patched)).toEqual(['used'])
  expect(outcomes.get(advised)).toEqual(['used'])
  expect(outcomes.get(hopeless)).toEqual(['lost', 'lost', 'lost'])
  expect((await ada.api.status()).help?.open).toEqual([])
})
