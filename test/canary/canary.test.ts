/**
 * A secret of its own is planted in every place that has one. Then issues are worked whose executor
 * gives away what it is given, with failures at every step, and afterwards none of the secrets may be
 * found in anything that leaves, is kept or is shown.
 */
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { readFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startModelServer, type ModelServer } from '../../examples/scripted-model/server.ts'
import { until } from '../../src/util/index.ts'
import { root, workflow, World, type RunningAgent } from '../e2e/world.ts'
import { forms, foundBelow, foundIn, foundInArguments, foundInGit, type Planted } from './look.ts'

const secret = (prefix: string) => `${prefix}${randomBytes(18).toString('base64url')}+/`
const planted: Planted[] = []
const plant = (name: string, value = secret('cnry-')) => {
  planted.push({ name, value })
  return value
}

const token = plant('GitHub token', `ghx_${randomBytes(18).toString('hex')}`)
const chatKey = plant('chat API key')
const modelKey = plant('key of the model endpoint', `sk-${randomBytes(24).toString('hex')}`)
const hookSecret = plant('webhook secret')
const loginFile = plant('a login in the home')
const foreignVariable = plant('a variable of the agent')

/** A model whose error repeats the key, and which has the file read that holds it; the last answer for ever. */
const repeats = { error: { message: `slow down, holder of ${modelKey}` } }
const answers = [
  { trouble: { status: 503, headers: { 'retry-after': '0' }, body: repeats } },
  {
    calls: [
      { name: 'read', arguments: { path: '../../../model-key' } },
      { name: 'edit', arguments: { path: 'README.md', old: 'hello', new: 'good day' } },
      { name: 'finish', arguments: { summary: 'It greets.' } },
    ],
    times: 0,
  },
]

let world: World
let model: ModelServer
const agents: RunningAgent[] = []
beforeAll(async () => {
  world = await World.make({ ada: token })
  model = await startModelServer({ key: modelKey, answers })
})
afterAll(async () => {
  await model.close()
  await world.close()
})

it('finds a planted value in every form, and nothing else', () => {
  const one = [{ name: 'x', value: chatKey }]
  for (const form of forms(chatKey)) expect(foundIn(`a ${form} b`, one)).toEqual(['x'])
  const basic = Buffer.from(`x-access-token:${chatKey}`).toString('base64')
  expect(foundIn(basic, one)).toEqual(['x'])
  expect(foundIn(`cnry- ${Buffer.from('nothing').toString('base64')}`, one)).toEqual([])
})

/** All share the compiled code of the client commands, which belongs to no agent's home. */
const cache = () => ({ XDG_CACHE_HOME: join(world.dir, '.cache') })

/** The keys of a home are secrets, too. */
async function plantKeys(home: string): Promise<void> {
  for (const name of (await readdir(home)).filter((one) => one.endsWith('.key'))) {
    const pem = await readFile(join(home, name), 'utf8')
    const body = pem.split('\n').find((line) => line.length >= 40 && !line.includes('---')) ?? ''
    plant(`${name} of ${home}`, body)
    plant(`raw ${name} of ${home}`, Buffer.from(body, 'base64').subarray(-32).toString('hex'))
  }
}

/** A second agent: joins with a token from a file, and has an App that nobody knows. */
async function joinAndSignInInVain(repo: string, joinToken: string): Promise<RunningAgent> {
  const { privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  })
  plant('App key', privateKey.split('\n')[5])
  const key = join(world.dir, 'app.pem')
  await writeFile(key, privateKey, { mode: 0o600 })
  const joinFile = join(world.dir, 'mesh-join')
  await writeFile(joinFile, joinToken, { mode: 0o600 })
  const app = { id: 7, privateKey: { file: key } }
  const { home, file } = await world.configure({
    name: 'bo',
    repos: [repo],
    joins: true,
    config: { github: { app }, mesh: { join: { file: joinFile } } },
  })
  const agent = world.spawn('bo', home, ['up', '--config', file, '--lease-stdin'], cache())
  await until('a word about the App', 60_000, () => /App|app/.test(agent.stderr()))
  await until('its membership', 60_000, () => agent.stderr().includes('joined the mesh'))
  await plantKeys(home)
  await agent.kill('SIGTERM')
  return agent
}

const steal = `const fs = require('fs'); const found = []
for (const path of ['/proc/self/environ', process.env.HOME + '/../../../token', process.env.HOME + '/.netrc', ...(fs.existsSync('/proc/' + process.ppid + '/environ') ? ['/proc/' + process.ppid + '/environ'] : [])])
  try { found.push(fs.readFileSync(path, 'latin1')) } catch (error) { found.push(path + ' ' + error.code) }
fs.writeFileSync('stolen.txt', found.join('\\n')); console.log(found.join('\\n'))`

/** A new issue for the leaky agent; each way of leaking ends in its own way. */
const leaks = ['file', 'name', 'error', 'words', 'prompt'] as const

it('no secret leaves, is kept or is shown, whatever fails', async ({ skip }) => {
  const { kind, why } = await world.processes.prepare()
  if (kind === 'none') return skip(why)
  const files = {
    'README.md': 'hello\n',
    'WORKFLOW.md': workflow(`  steal: { run: [node, -e, ${JSON.stringify(steal)}] }`),
  }
  const repo = await world.repository('app', files)
  for (const way of leaks)
    await world.issue(repo, { title: `Leak by ${way}`, body: '```bzzz\nexecutor: leaky\n```\n' })
  await world.issue(repo, { title: 'Steal', body: '```bzzz\nchore: steal\n```\n' })
  await world.issue(repo, { title: 'Chat', body: '```bzzz\nexecutor: local\n```\n' })
  const issues = leaks.length + 2

  const roles = ['worker', 'signer'] as const
  const { home } = await world.configure({ name: 'ada', repos: [repo], token, roles })
  await plantKeys(home)
  await writeFile(join(home, '.netrc'), `password ${loginFile}\n`, { mode: 0o600 })
  await writeFile(join(home, 'hook-secret'), hookSecret, { mode: 0o600 })
  await writeFile(join(home, 'model-key'), modelKey, { mode: 0o600 })
  const leaky = join(import.meta.dirname, 'fixtures/leaky-agent.ts')
  const config = {
    log: { level: 'debug' },
    github: {
      maxAttempts: 3,
      claims: { leaseMs: 20_000 },
      webhooks: { listen: '127.0.0.1:0', secret: { file: join(home, 'hook-secret') } },
    },
    work: {
      use: ['command', 'leaky', 'local'],
      readable: [root],
      slots: 2,
      executors: [
        {
          name: 'leaky',
          kind: 'acp',
          command: [process.execPath, leaky],
          passEnv: ['CHAT_API_KEY'],
        },
        {
          name: 'local',
          kind: 'chat',
          url: model.url,
          model: 'scripted',
          apiKey: { file: join(home, 'model-key') },
        },
      ],
    },
  }
  const env = { CHAT_API_KEY: chatKey, UNRELATED_PASSWORD: foreignVariable, ...cache() }
  for (const rule of [
    {
      path: /git-receive-pack$/,
      fault: { kind: 'drop', when: 'after' } as const,
      skip: 2,
      count: 1,
    },
    {
      path: /\/comments$/,
      method: 'POST',
      fault: { kind: 'error', when: 'before', status: 502 } as const,
      count: 1,
    },
    {
      path: /\/pulls$/,
      method: 'POST',
      fault: { kind: 'error', when: 'after', status: 500 } as const,
      count: 1,
    },
    {
      path: /\/labels$/,
      method: 'POST',
      fault: { kind: 'drop', when: 'before' } as const,
      count: 1,
    },
  ])
    world.forge.faults.add(rule)

  const options = { name: 'ada', repos: [repo], token, config, env }
  let agent = await world.agent(options)
  agents.push(agent)
  const shown: string[] = [JSON.stringify(await agent.api.status())]
  const inArguments: string[] = []
  const kept = async () => {
    inArguments.push(...(await foundInArguments(planted)))
    const rows = await agent.api.tasks()
    return rows.filter(({ state }) => ['review', 'failed'].includes(state))
  }
  await until('the first end', 120_000, async () => (await kept()).length >= 2, { everyMs: 100 })
  await agent.kill('SIGKILL')
  agent = await world.agent(options)
  agents.push(agent)
  await until('all ends', 200_000, async () => (await kept()).length >= issues, { everyMs: 100 })

  const rows = await agent.api.tasks()
  const byTitle = Object.fromEntries(rows.map((row) => [row.title, row.state]))
  const expected = { 'Leak by file': 'failed', 'Leak by name': 'failed', 'Leak by error': 'failed' }
  expect(byTitle).toMatchObject({
    ...expected,
    'Leak by words': 'failed',
    'Leak by prompt': 'review',
    Steal: 'review',
    Chat: 'review',
  })
  expect(model.problems).toEqual([])
  const details = await Promise.all(
    rows.map(({ repo: of, issue }) => agent.api.task({ repo: of, issue })),
  )
  shown.push(JSON.stringify(details))
  const leaked = details.filter(({ reason }) => reason?.includes('would publish a secret'))
  expect(leaked).toHaveLength(3)

  const about = [
    'status',
    'task ls --json',
    'peers ls',
    'logs --json',
    'logs verify',
    'config show',
    'doctor',
  ]
  const bundle = join(world.dir, 'bundle')
  const ofError = rows.find(({ title }) => title === 'Leak by error')?.issue
  const commands = [
    ...about.map((command) => command.split(' ')),
    ['logs', 'export', '--task', String(ofError), '-o', bundle],
    ...rows
      .filter(({ title }) => ['Leak by error', 'Leak by words'].includes(title))
      .map(({ issue }) => ['task', 'show', String(issue)]),
  ]
  const lane = async () => {
    for (let command = commands.shift(); command !== undefined; command = commands.shift()) {
      const { stdout, stderr } = await world.bzzz(agent.home, ...command)
      shown.push(stdout, stderr)
    }
  }
  await Promise.all([lane(), lane()])
  shown.push(await readFile(bundle, 'latin1'))
  for (const { issue } of rows)
    shown.push(
      JSON.stringify([await world.issueNow(repo, issue), await world.comments(repo, issue)]),
    )
  shown.push(JSON.stringify(await world.pulls(repo)))
  const invited = await world.bzzz(agent.home, 'invite', '--json')
  const joinToken = /bzzz1\.[A-Za-z0-9_-]+/.exec(invited.stdout)?.[0] ?? ''
  expect(joinToken, invited.stderr).not.toBe('')
  plant('join token', joinToken)
  const second = await joinAndSignInInVain(repo, joinToken)
  const { github } = await agent.api.status()
  const wrong = await fetch(github.webhooks?.url ?? '', {
    method: 'POST',
    headers: { 'x-github-event': 'issues', 'x-hub-signature-256': `sha256=${'0'.repeat(64)}` },
    body: JSON.stringify({ secret: 'x' }),
  })
  expect(wrong.status).toBe(401)
  shown.push(await wrong.text())
  await agent.kill('SIGTERM')
  agents.push(second)
  shown.push(JSON.stringify(model.requests))
  shown.push(...agents.map(({ stderr }) => stderr()))

  const text = shown.join('\n')
  expect(text.includes('[secret]')).toBe(true)
  expect(foundIn(text, planted)).toEqual([])
  expect(inArguments).toEqual([])
  const isSource = (path: string) =>
    /^(?:token|hook-secret|model-key|\.netrc|[\w-]+\.key)$/.test(path)
  for (const at of [agent.home, second.home])
    expect(await foundBelow(at, planted, isSource)).toEqual([])
  const stores = (await readdir(world.dir, { recursive: true, withFileTypes: true }))
    .filter((one) => one.isDirectory() && one.name.endsWith('.git'))
    .map((one) => join(one.parentPath, one.name))
  expect(stores.length).toBeGreaterThan(1)
  for (const gitDir of stores) expect(foundInGit(gitDir, planted)).toEqual([])
})
