import { createSign, generateKeyPairSync } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { App } from 'octokit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock, type Clock } from '../../../src/util/index.ts'
import { LIB, client, failure, site, type Site } from './helper.ts'

const pair = () =>
  generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })
const keys = pair()
const SECRET = { owner: 'octo', repo: 'secret' }
const APP = {
  id: 7,
  slug: 'bzzz-worker',
  key: keys.publicKey,
  permissions: { contents: 'write', issues: 'write', pull_requests: 'read' },
  installations: [
    { id: 70, account: 'octo', repositories: ['lib', 'secret'] },
    { id: 71, account: 'other' },
  ],
} as const

/** The machine's clock, ahead by as much as a test says. */
let aheadMs = 0
const clock: Clock = { ...systemClock, now: () => systemClock.now() + aheadMs }
let at: Site
beforeAll(async () => {
  at = await site(
    {
      apps: [APP],
      users: [
        { login: 'root', token: 'token-root', role: 'admin' },
        { login: 'ada', token: 'token-ada', role: 'push' },
        {
          login: 'ada',
          token: 'fine',
          role: 'push',
          permissions: { issues: 'read', contents: 'write' },
          repositories: ['octo/lib'],
        },
      ],
    },
    { clock },
  )
  for (const name of ['secret', 'hidden'])
    await at.server.createRepository({
      owner: 'octo',
      name,
      private: true,
      from: join(at.dir, 'from'),
    })
  await at.server.createRepository({ owner: 'other', name: 'far', private: true })
})
afterAll(() => at.close())

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
function jwt(claims: object = {}, { alg = 'RS256', key = keys.privateKey } = {}): string {
  const now = Math.floor(clock.now() / 1_000)
  const body = `${encode({ alg, typ: 'JWT' })}.${encode({ iat: now - 30, exp: now + 570, iss: 7, ...claims })}`
  return `${body}.${createSign('sha256').update(body).sign(key).toString('base64url')}`
}
const asApp = (token = jwt()) => client(at.server.apiUrl, token)
const token = async (options: object = {}, installation_id = 70) =>
  (await asApp().rest.apps.createInstallationAccessToken({ installation_id, ...options })).data
const withToken = async (options: object = {}) =>
  client(at.server.apiUrl, (await token(options)).token).rest
const jwtRest = (claims: object, with_ = {}) =>
  failure(asApp(jwt(claims, with_)).rest.apps.getAuthenticated())

describe('the JWT of an App', () => {
  it('opens what is the App’s, and nothing else', async () => {
    const { apps, repos } = asApp().rest
    expect((await apps.getAuthenticated()).data).toMatchObject({
      id: 7,
      slug: 'bzzz-worker',
      permissions: { contents: 'write', metadata: 'read' },
    })
    const installed = await apps.listInstallations()
    expect(installed.data.map(({ id }) => id)).toEqual([70, 71])
    expect((await apps.getRepoInstallation(LIB)).data.id).toBe(70)
    const hidden = apps.getRepoInstallation({ owner: 'octo', repo: 'hidden' })
    expect((await failure(hidden)).status).toBe(404)
    expect((await apps.getUserInstallation({ username: 'octo' })).data.id).toBe(70)
    expect((await failure(repos.get(LIB))).status).toBe(401)
    const client_id = asApp(jwt({ iss: 'Iv1.7' })).rest.apps
    expect((await client_id.getAuthenticated()).data?.client_id).toBe('Iv1.7')
  })

  it('is refused when it is not the App’s own, of now, and for ten minutes at most', async () => {
    const now = Math.floor(clock.now() / 1_000)
    const cases: [object, string][] = [
      [{ exp: now + 700 }, 'too far in the future'],
      [{ exp: now - 61 }, 'must be a numeric value representing the future time'],
      [{ iat: now + 90 }, "'Issued at' claim ('iat') must be an Integer"],
      [{ iat: 'now' }, 'could not be decoded'],
    ]
    for (const [claims, words] of cases) {
      const refused = await jwtRest(claims)
      expect(refused.status, words).toBe(401)
      expect(refused.message).toContain(words)
    }
    expect((await jwtRest({ iss: 8 })).status).toBe(404)
    expect((await jwtRest({}, { key: pair().privateKey })).status).toBe(401)
    expect((await jwtRest({}, { alg: 'none' })).status).toBe(401)
    // Clocks may differ by a minute.
    for (const claims of [{ exp: now + 650 }, { exp: now - 30, iat: now - 600 }, { iat: now + 50 }])
      expect((await asApp(jwt(claims)).rest.apps.getAuthenticated()).status).toBe(200)
  })
})

describe('the token of an installation', () => {
  it('is what an unmodified App of octokit works with, as a bot', async () => {
    const app = new App({
      appId: 7,
      privateKey: keys.privateKey,
      Octokit: (await import('octokit')).Octokit.defaults({
        baseUrl: at.server.apiUrl,
        throttle: { enabled: false },
      }),
    })
    const octokit = await app.getInstallationOctokit(70)
    const { data } = await octokit.rest.issues.create({ ...LIB, title: 'by a bot' })
    expect(data.user).toMatchObject({ login: 'bzzz-worker[bot]', type: 'Bot' })
    const repos = await octokit.rest.apps.listReposAccessibleToInstallation()
    expect(repos.data.repositories.map(({ name }) => name)).toEqual(['lib', 'secret'])
    const self = failure(octokit.rest.users.getAuthenticated())
    expect(await self).toMatchObject({
      status: 403,
      message: 'Resource not accessible by integration',
    })
    const assigned = await octokit.rest.issues.addAssignees({
      ...LIB,
      issue_number: data.number,
      assignees: ['bzzz-worker[bot]', 'ada'],
    })
    expect(assigned.data.assignees?.map(({ login }) => login)).toEqual(['ada'])
  })

  it('lasts an hour on the clock of the forge', async () => {
    const { token: text, expires_at: until } = await token()
    expect(new Date(until).getTime() - clock.now()).toBeGreaterThan(3_590_000)
    const { repos } = client(at.server.apiUrl, text).rest
    expect((await repos.get(SECRET)).status).toBe(200)
    aheadMs += 3_601_000
    expect((await failure(repos.get(SECRET))).status).toBe(401)
    const answer = await fetch(`${at.server.apiUrl}/meta`)
    expect(Math.abs(Date.parse(answer.headers.get('date') ?? '') - clock.now())).toBeLessThan(5_000)
  })

  it('is for the repositories and permissions that were asked for, and no more', async () => {
    const made = await token({ repositories: ['lib'], permissions: { issues: 'write' } })
    expect(made).toMatchObject({
      permissions: { issues: 'write', metadata: 'read' },
      repository_selection: 'selected',
      repositories: [{ full_name: 'octo/lib' }],
    })
    const { repos, git, issues } = client(at.server.apiUrl, made.token).rest
    expect((await failure(repos.get(SECRET))).status).toBe(404)
    const { data } = await issues.create({ ...LIB, title: 'allowed' })
    expect(data.number).toBeGreaterThan(0)
    const sha = (await git.getRef({ ...LIB, ref: 'heads/main' })).data.object.sha
    const refused = await failure(git.createRef({ ...LIB, ref: 'refs/heads/no', sha }))
    expect(refused).toMatchObject({
      status: 403,
      message: 'Resource not accessible by integration',
    })
    for (const bad of [
      { repositories: ['hidden'] },
      { permissions: { workflows: 'write' } },
      { permissions: { pull_requests: 'write' } },
    ])
      expect((await failure(token(bad))).status).toBe(422)
    expect((await failure(token({}, 99))).status).toBe(404)
  })

  it('reads and writes a pull request only as far as its permission goes', async () => {
    const { pulls } = await withToken()
    expect((await pulls.list(SECRET)).data).toEqual([])
    const made = { ...LIB, title: 'x', head: 'x', base: 'main' }
    expect((await failure(pulls.create(made))).status).toBe(403)
  })
})

describe('limited tokens over git', () => {
  const remote = (password: string, name: string) =>
    at.server.url.replace('http://', `http://x-access-token:${password}@`) + `/octo/${name}.git`
  const cloned = async (password: string, name: string) => {
    const dir = join(at.dir, `by-${password.slice(0, 8)}-${name}`)
    const exit = await at.git(at.dir, 'clone', '-q', remote(password, name), dir)
    return { dir, ok: exit.exitCode === 0, tail: exit.tail }
  }
  const commit = async (dir: string, path: string) => {
    await mkdir(join(dir, path, '..'), { recursive: true })
    await writeFile(join(dir, path), 'x\n')
    await at.git(dir, 'add', '.')
    await at.git(dir, 'commit', '-q', '-m', path)
  }

  it('clones and pushes where the token is for, workflows apart', async () => {
    const { token: text } = await token()
    const { dir, ok } = await cloned(text, 'secret')
    expect(ok).toBe(true)
    await commit(dir, 'a.txt')
    expect((await at.git(dir, 'push', '-q', 'origin', 'HEAD:refs/heads/a')).exitCode).toBe(0)
    await commit(dir, '.github/workflows/ci.yml')
    const refused = await at.git(
      dir,
      'push',
      '--atomic',
      'origin',
      'HEAD:refs/heads/w',
      'HEAD~1:refs/heads/b',
    )
    expect(refused.exitCode).not.toBe(0)
    expect(refused.tail).toContain('without "workflows" permission')
    const { git } = at.as('root').rest
    const refs = await git.listMatchingRefs({ ...SECRET, ref: 'heads/' })
    expect(refs.data.map(({ ref }) => ref)).toEqual(['refs/heads/a', 'refs/heads/main'])
    expect((await cloned(text, 'hidden')).ok).toBe(false)
    const readOnly = (await token({ permissions: { contents: 'read' } })).token
    const clone = await cloned(readOnly, 'secret')
    expect(clone.ok).toBe(true)
    expect(
      (await at.git(clone.dir, 'push', '-q', 'origin', 'HEAD:refs/heads/c')).exitCode,
    ).not.toBe(0)
  })

  it('holds a workflow back over REST and GraphQL, too', async () => {
    const limited = client(at.server.apiUrl, (await token()).token)
    const file = { ...LIB, message: 'w', content: '', path: '.github/workflows/ci.yml' }
    expect((await failure(limited.rest.repos.createOrUpdateFileContents(file))).status).toBe(403)
    const { git } = limited.rest
    const tree = await git.createTree({
      ...LIB,
      tree: [{ path: '.github/workflows/x.yml', mode: '100644', type: 'blob', content: 'x' }],
    })
    const made = await git.createCommit({ ...LIB, message: 'w', tree: tree.data.sha, parents: [] })
    const sha = made.data.sha
    const ref = { ...LIB, ref: 'refs/heads/w', sha }
    expect((await failure(git.createRef(ref))).message).toContain('workflows')
    const { data: repo } = await limited.rest.repos.get(LIB)
    const mutation = `mutation($input: UpdateRefsInput!) { updateRefs(input: $input) { clientMutationId } }`
    const input = {
      repositoryId: repo.node_id,
      refUpdates: [{ name: 'refs/heads/w', afterOid: sha, beforeOid: '0'.repeat(40) }],
    }
    await expect(limited.graphql(mutation, { input })).rejects.toThrow('workflows')
    await at.as('ada').rest.git.createRef(ref)
  })
})

describe('a fine-grained token of a person', () => {
  it('does what its permissions say, in its own words', async () => {
    const { issues, git, repos, users } = client(at.server.apiUrl, 'fine').rest
    expect((await users.getAuthenticated()).data.login).toBe('ada')
    expect((await issues.listForRepo(LIB)).status).toBe(200)
    const refused = await failure(issues.create({ ...LIB, title: 'no' }))
    expect(refused).toMatchObject({
      status: 403,
      message: 'Resource not accessible by personal access token',
    })
    const sha = (await git.getRef({ ...LIB, ref: 'heads/main' })).data.object.sha
    expect((await git.createRef({ ...LIB, ref: 'refs/heads/fine', sha })).status).toBe(201)
    expect((await failure(repos.get(SECRET))).status).toBe(404)
    expect((await at.as('ada').rest.repos.get(SECRET)).status).toBe(200)
  })

  it('names the permission that was missing', async () => {
    const answer = await fetch(`${at.server.apiUrl}/repos/octo/lib/issues`, {
      method: 'POST',
      headers: { authorization: 'Bearer fine' },
      body: JSON.stringify({ title: 'no' }),
    })
    expect(answer.headers.get('x-accepted-github-permissions')).toBe('issues=write')
  })
})
