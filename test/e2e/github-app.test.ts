/**
 * A real agent that works as a GitHub App. Before the forge stands a server that checks the App's
 * JWT and lets only tokens through that have not ended; one lasts for seconds instead of an hour.
 */
import { createVerify, generateKeyPairSync } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { createServer, request as ask, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { until } from '../../src/util/index.ts'
import { noProcessOf, workflow, World } from './world.ts'

const lifeMs = 5_000
const appId = 4711
const chores = `  slow: { run: [node, -e, "setTimeout(() => require('fs').appendFileSync('log.txt', 'slow\\\\n'), 6000)"] }`
const pair = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
})

let world: World
let gate: Server
let url: string
/** Each token that was issued, and its end. */
const issued = new Map<string, number>()
/** Tokens with which the agent used REST and git. */
const used = { rest: new Set<string>(), git: new Set<string>() }

const tokenOf = ({ headers: { authorization = '' } }: IncomingMessage) =>
  /^Basic (.+)$/.test(authorization)
    ? Buffer.from(authorization.slice(6), 'base64').toString().split(':')[1]!
    : authorization.replace(/^token /, '')

function isApp({ headers: { authorization = '' } }: IncomingMessage): boolean {
  const [head = '', body = '', signature = ''] = authorization.replace(/^bearer /i, '').split('.')
  const { iss, exp } = JSON.parse(Buffer.from(body, 'base64url').toString() || '{}') as {
    iss?: unknown
    exp?: number
  }
  const good = createVerify('RSA-SHA256')
    .update(`${head}.${body}`)
    .verify(pair.publicKey, Buffer.from(signature, 'base64url'))
  return good && iss === appId && (exp ?? 0) * 1_000 > Date.now()
}

/** What GitHub answers to an App itself; undefined for what a token is for. */
function asApp(path: string): [number, object] | undefined {
  if (path === '/api/v3/app') return [200, { slug: 'bee-bot' }]
  if (path.endsWith('/installation')) return [200, { id: 7 }]
  if (path !== '/api/v3/app/installations/7/access_tokens') return undefined
  const token = `ghs_secret${issued.size + 1}`
  issued.set(token, Date.now() + lifeMs)
  return [
    201,
    {
      token,
      expires_at: new Date(Date.now() + lifeMs).toISOString(),
      permissions: { contents: 'write', issues: 'write', pull_requests: 'write' },
    },
  ]
}

beforeEach(async () => {
  world = await World.make()
  gate = createServer((request, response) => {
    const path = request.url ?? ''
    const own = asApp(path)
    const token = tokenOf(request)
    if (own === undefined ? (issued.get(token) ?? 0) < Date.now() : !isApp(request)) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="GitHub"' }).end('{}')
      return
    }
    if (own !== undefined) {
      response.writeHead(own[0], { 'content-type': 'application/json' })
      response.end(JSON.stringify(own[1]))
      return
    }
    used[path.startsWith('/api/') ? 'rest' : 'git'].add(token)
    const headers = { ...request.headers, authorization: 'token token-ada' }
    if (!path.startsWith('/api/'))
      headers.authorization = `Basic ${Buffer.from('x:token-ada').toString('base64')}`
    const onward = ask(
      `${world.forge.url}${path}`,
      { method: request.method, headers },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(response)
      },
    )
    onward.on('error', () => response.destroy())
    request.pipe(onward)
  })
  await new Promise<void>((resolve) => gate.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(gate.address() as AddressInfo).port}`
})
afterEach(async () => {
  await world.close()
  gate.closeAllConnections()
  await new Promise((resolve) => gate.close(resolve))
  await noProcessOf(world.dir)
})

it('an App works an issue for longer than its tokens last', async () => {
  const repo = await world.repository('app', {
    'WORKFLOW.md': workflow(chores),
    'log.txt': 'begin\n',
  })
  const issue = await world.issue(repo, { title: 'Slow', body: '```bzzz\nchore: slow\n```\n' })
  const key = join(world.dir, 'app.pem')
  await writeFile(key, pair.privateKey, { mode: 0o600 })
  const github = {
    apiUrl: `${url}/api/v3`,
    gitUrl: url,
    app: { id: appId, privateKey: { file: key } },
    claims: { leaseMs: 6_000 },
  }
  const config = { github }

  // The forge lets nobody assign a bot; the agent says so and claims nothing.
  const alone = await world.agent({ name: 'ada', repos: [repo], config })
  const said = await until('a word about it', 60_000, async () => {
    return (await alone.api.status()).github.repos[0]?.error
  })
  expect(said).toMatch(/bee-bot\[bot\].*github\.assignee: LOGIN/s)
  await alone.kill('SIGTERM')

  const agent = await world.agent({
    name: 'ada',
    repos: [repo],
    config: { github: { ...github, assignee: 'ada' } },
  })
  await until('a pull request', 60_000, async () => (await world.pulls(repo)).length > 0, {
    everyMs: 200,
  })
  expect((await world.issueNow(repo, issue)).assignees?.map(({ login }) => login)).toEqual(['ada'])
  const status = await agent.api.status()
  expect(status.github).toMatchObject({ login: 'ada', credential: { kind: 'app', error: null } })
  await agent.kill('SIGTERM')

  // Both went on with new tokens. (That they are renewed before their end is tested with a clock that
  // stands still; here a slow machine may use one too late, which is made good.)
  expect(used.rest.size).toBeGreaterThan(1)
  expect(used.git.size).toBeGreaterThan(1)
  const journal = (await readdir(agent.home, { recursive: true, withFileTypes: true })).filter(
    (entry) => entry.isFile(),
  )
  for (const entry of journal)
    expect(await readFile(join(entry.parentPath, entry.name), 'latin1')).not.toContain('ghs_secret')
  expect(agent.stderr()).not.toMatch(/ghs_secret|eyJ[A-Za-z0-9]|PRIVATE KEY/)
})
