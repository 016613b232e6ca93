/** Bad input gets a clear error and loses nothing: one agent, many kinds of trouble at once. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../../src/util/index.ts'
import { isPublished, noProcessOf, workflow, World, type RunningAgent } from './world.ts'

const chores = [
  `  touch: { run: [node, -e, "require('fs').appendFileSync('log.txt', 'done\\\\n')"] }`,
  `  flood: { run: [node, -e, "const b = 'x'.repeat(65536); (function go() { while (process.stdout.write(b)); process.stdout.once('drain', go) })()"] }`,
  `  daemon: { run: [node, -e, "require('child_process').spawn('sleep', ['600'], {detached: true, stdio: 'ignore'}).unref(); require('fs').appendFileSync('log.txt', 'd\\\\n')"] }`,
  `  nothing: { run: [node, -e, "0"] }`,
  `  release: { run: [node, -e, "0", "{{version}}"], arguments: { version: { type: string, pattern: '^\\\\d+$' } } }`,
].join('\n')
const chore = (text: string) => `\`\`\`bzzz\n${text}\n\`\`\`\n`

let world: World
let ada: RunningAgent
const repos = {
  good: 'octo/good',
  hanging: 'octo/hanging',
  empty: 'octo/empty',
  missing: 'octo/missing',
  readonly: 'octo/readonly',
  broken: 'octo/broken',
}

beforeAll(async () => {
  world = await World.make()
  await world.repository('good', { 'WORKFLOW.md': workflow(chores), 'log.txt': 'begin\n' })
  await world.repository('hanging', {
    'WORKFLOW.md': workflow(
      chores,
      `[{ name: stuck, run: [node, -e, "setInterval(() => {}, 1000)"], timeoutMs: 1500 }]`,
    ),
    'log.txt': '',
  })
  await world.repository('empty')
  await world.repository('broken', {
    'WORKFLOW.md': '---\nchecks:\n  - nome: x\n---\n',
    'log.txt': '',
  })
  await world.forge.createRepository({
    owner: 'octo',
    name: 'readonly',
    collaborators: { ada: 'read' },
  })
  ada = await world.agent({
    name: 'ada',
    repos: Object.values(repos),
    config: { work: { slots: 4, maxOutputBytes: 1_000_000 } },
  })
}, 120_000)
afterAll(async () => {
  await world.close()
  await noProcessOf(world.dir)
})

const row = async (repo: string, issue: number) =>
  (await ada.api.tasks()).find((one) => one.repo === repo && one.issue === issue)
async function ends(repo: string, issue: number, state: 'done' | 'failed' | 'waiting') {
  const isAt = (now: string | undefined) => (state === 'done' ? isPublished(now) : now === state)
  await until(
    `${repo}#${issue} ${state}`,
    120_000,
    async () => isAt((await row(repo, issue))?.state),
    { everyMs: 200 },
  )
}

async function failsWith(repo: string, body: string, pattern: RegExp): Promise<void> {
  const issue = await world.issue(repo, { title: 'Trouble', body })
  await ends(repo, issue, 'failed')
  const text = (await world.comments(repo, issue)).map((comment) => comment.body ?? '').join('\n')
  expect(text).toMatch(pattern)
  expect(text).toContain('Journal entry')
  const now = await world.issueNow(repo, issue)
  expect(now.labels.map((label) => (typeof label === 'string' ? label : label.name))).toContain(
    'bzzz:failed',
  )
  expect(now.assignees).toEqual([])
  expect(
    (await world.pulls(repo)).filter(({ head }) => head.ref === `bzzz/issue-${issue}`),
  ).toEqual([])
}

describe('repositories', () => {
  it('that cannot be worked are named with what to do, and the others go on', async () => {
    const status = await until(
      'errors of two repositories',
      30_000,
      async () => {
        const now = await ada.api.status()
        return now.github.repos.filter(({ error }) => error !== null).length >= 2 && now
      },
      { everyMs: 200 },
    )
    const error = (repo: string) =>
      status.github.repos.find((one) => one.repo === repo)?.error ?? ''
    expect(error(repos.missing)).toMatch(
      /octo\/missing was not found, or this token cannot see it.*github\.repos/,
    )
    expect(error(repos.readonly)).toMatch(/cannot push to octo\/readonly.*write access/)
    const issue = await world.issue(repos.good, { title: 'Touch', body: chore('chore: touch') })
    await ends(repos.good, issue, 'done')
    expect(ada.stderr()).toContain('octo/missing')
  })

  it('without a first commit wait for it', async () => {
    const issue = await world.issue(repos.empty, { title: 'Touch', body: chore('chore: touch') })
    await until(
      'the error',
      30_000,
      async () =>
        /no commit on its default branch/.test(
          (await ada.api.status()).github.repos.find(({ repo }) => repo === repos.empty)?.error ??
            '',
        ),
      { everyMs: 200 },
    )
    expect(await row(repos.empty, issue)).toBeUndefined()
  })

  it('with an unusable WORKFLOW.md say where', async () => {
    await world.issue(repos.broken, { title: 'Touch', body: chore('chore: touch') })
    await until(
      'the error',
      30_000,
      async () =>
        /WORKFLOW\.md/.test(
          (await ada.api.status()).github.repos.find(({ repo }) => repo === repos.broken)?.error ??
            '',
        ),
      { everyMs: 200 },
    )
  })
})

// Most of each is waiting, and the agent works four at once.
describe.concurrent('issues', () => {
  it('naming a chore that is not declared fail, and say which ones are', () =>
    failsWith(repos.good, chore('chore: deploy'), /deploy[\s\S]*touch/))
  it('with a bad argument fail, naming it', () =>
    failsWith(repos.good, chore('chore: release\narguments: {version: "1; rm"}'), /version/))
  it('with an unusable block fail, naming the key', () =>
    failsWith(repos.good, chore('chore: touch\nrun: x'), /run/))
  it('whose work changes nothing fail', () =>
    failsWith(repos.good, chore('chore: nothing'), /chang/i))
  it('whose check never ends fail within its limit', () =>
    failsWith(repos.hanging, chore('chore: touch'), /stuck: took too long/))
  it('whose executor floods its output fail within bounds', () =>
    failsWith(repos.good, chore('chore: flood'), /more than 1000000 bytes/))

  it('whose executor leaves a daemon behind end without it', async () => {
    const issue = await world.issue(repos.good, { title: 'Daemon', body: chore('chore: daemon') })
    await ends(repos.good, issue, 'done')
    const { readdir, readFile } = await import('node:fs/promises')
    for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
      const [line, env] = await Promise.all(
        ['cmdline', 'environ'].map((file) =>
          readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => ''),
        ),
      )
      expect(line === 'sleep\u0000600\u0000' && env?.includes(world.dir)).toBe(false)
    }
  })

  it('with an empty body, or with 60 kB, are no trouble', async () => {
    const empty = await world.issue(repos.good, { title: 'Empty', body: '' })
    const long = await world.issue(repos.good, {
      title: 'Long',
      body: `${'x'.repeat(60_000)}\n${chore('chore: touch')}`,
    })
    await ends(repos.good, long, 'done')
    await ends(repos.good, empty, 'waiting')
    expect((await ada.api.task({ repo: repos.good, issue: empty })).reason).toMatch(
      /names no chore/,
    )
  })
})

describe.concurrent('the command line', () => {
  it('refuses an unknown key with the line and the allowed form (exit 2)', async () => {
    const file = join(world.dir, 'bad.yaml')
    await writeFile(file, 'github:\n  repos: [octo/good]\n  pollMss: 5\n')
    const { code, stderr } = await world.bzzz(join(world.dir, 'x'), 'up', '--config', file)
    expect(code).toBe(2)
    expect(stderr).toMatch(/bad\.yaml:3/)
    expect(stderr).toMatch(/pollMs/)
  })

  it('says where to put a missing token (exit 4)', async () => {
    const file = join(world.dir, 'no-token.yaml')
    await writeFile(file, 'github:\n  repos: [octo/good]\n')
    const { code, stderr } = await world.bzzz(join(world.dir, 'y'), 'up', '--config', file)
    expect(code).toBe(4)
    expect(stderr).toMatch(/GITHUB_TOKEN/)
  })

  it('says that a token was refused, without showing it (exit 4)', async () => {
    const { home, file } = await world.configure({
      name: 'bo',
      repos: [repos.good],
      token: 'wrong-token-123',
    })
    const { code, stderr } = await world.bzzz(home, 'up', '--config', file)
    expect(code, stderr).toBe(4)
    expect(stderr).not.toContain('wrong-token-123')
  })

  it('names a port that is taken', async () => {
    const taken = (await ada.api.status()).mesh.addresses.find((address) =>
      address.includes('/ip4/127.0.0.1/'),
    )
    const listen = taken?.split('/p2p/')[0] ?? ''
    const { home, file } = await world.configure({
      name: 'cleo',
      repos: [repos.good],
      config: { mesh: { listen: [listen] } },
    })
    const { code, stderr } = await world.bzzz(home, 'up', '--config', file)
    expect(code).toBe(1)
    expect(stderr).toContain(listen.split('/').at(-1))
  })
})
