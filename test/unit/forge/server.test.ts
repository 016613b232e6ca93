import { mkdtemp, rm } from 'node:fs/promises'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { forge } from '../../../src/forge/index.ts'
import { createProcesses } from '../../../src/process/index.ts'
import { nullLogger, systemClock, until } from '../../../src/util/index.ts'
import { onResponse } from '../../compliance/observer.ts'
import { LIB, USERS, client, failure, site, type Site } from './helper.ts'

let at: Site
beforeAll(async () => {
  at = await site()
  await at.server.createRepository({
    owner: 'octo',
    name: 'secret',
    private: true,
    collaborators: { rob: 'none', tia: 'admin' },
  })
})
afterAll(() => at.close())

const SECRET = { owner: 'octo', repo: 'secret' }
const get = (path: string, headers: Record<string, string> = {}) =>
  fetch(`${at.server.apiUrl}${path}`, { headers })
const ada = { authorization: 'Bearer token-ada' }

describe('who may do what', () => {
  it("refuses an unknown token with GitHub's body", async () => {
    const answer = await get('/user', { authorization: 'token wrong' })
    expect(answer.status).toBe(401)
    expect(await answer.json()).toEqual({
      message: 'Bad credentials',
      documentation_url: 'https://docs.github.com/rest',
      status: '401',
    })
    expect((await get('/user')).status).toBe(401)
  })

  it('hides what one may not see, and tells what one may see but not do', async () => {
    expect((await failure(at.as('rob').rest.repos.get(SECRET))).status).toBe(404)
    expect((await failure(at.anonymous.rest.repos.get(SECRET))).status).toBe(404)
    expect((await failure(at.as('rob').rest.issues.create({ ...SECRET, title: 'x' }))).status).toBe(
      404,
    )
    expect((await at.as('tia').rest.repos.get(SECRET)).data.permissions).toMatchObject({
      admin: true,
    })
    expect(
      (await failure(at.as('rob').rest.issues.createLabel({ ...LIB, name: 'x' }))).status,
    ).toBe(403)
    expect((await failure(at.anonymous.rest.issues.create({ ...LIB, title: 'x' }))).status).toBe(
      401,
    )
    const own = await at.as('rob').rest.repos.listForAuthenticatedUser()
    expect(own.data.map(({ full_name: name }) => name)).toEqual(['octo/lib'])
  })

  it('describes the repository and its people for the caller', async () => {
    const { data } = await at.as('ada').rest.repos.get(LIB)
    expect(data).toMatchObject({
      default_branch: 'main',
      clone_url: `${at.server.url}/octo/lib.git`,
      html_url: `${at.server.url}/octo/lib`,
      permissions: { admin: false, push: true, triage: true, pull: true },
    })
    const role = async (username: string) =>
      (await at.as('ada').rest.repos.getCollaboratorPermissionLevel({ ...LIB, username })).data
    expect(await role('rob')).toMatchObject({ permission: 'read', role_name: 'read' })
    expect(await role('tia')).toMatchObject({ permission: 'read', role_name: 'triage' })
    expect(await role('ada')).toMatchObject({ permission: 'write', user: { login: 'ada' } })
    expect((await at.as('ada').rest.users.getAuthenticated()).data.login).toBe('ada')
    expect((await at.as('ada').rest.users.getByUsername({ username: 'BOB' })).data.login).toBe(
      'bob',
    )
    expect(
      (await failure(at.as('ada').rest.users.getByUsername({ username: 'none' }))).status,
    ).toBe(404)
  })

  it('works without the prefix of an enterprise server, too', async () => {
    const plain = client(at.server.url, 'token-ada')
    expect((await plain.rest.repos.get(LIB)).data.full_name).toBe('octo/lib')
    expect((await plain.rest.meta.root()).data.current_user_url).toBe(`${at.server.apiUrl}/user`)
    expect((await fetch(`${at.server.apiUrl}/nowhere`)).status).toBe(404)
  })
})

describe('limits and ETags', () => {
  it('answers 304 to the own ETag, not to that of another token, and charges nothing for it', async () => {
    const first = await get('/repos/octo/lib', ada)
    const etag = first.headers.get('etag') ?? ''
    const left = Number(first.headers.get('x-ratelimit-remaining'))
    const again = await get('/repos/octo/lib', { ...ada, 'if-none-match': etag })
    expect(again.status).toBe(304)
    expect(again.headers.get('x-ratelimit-remaining')).toBe(String(left))
    const other = await get('/repos/octo/lib', {
      authorization: 'token token-bob',
      'if-none-match': etag,
    })
    expect(other.status).toBe(200)
    await at.as('bob').rest.issues.create({ ...LIB, title: 'changes the count' })
    const changed = await get('/repos/octo/lib', { ...ada, 'if-none-match': etag })
    expect(changed.status).toBe(200)
    expect(changed.headers.get('x-ratelimit-remaining')).toBe(String(left - 1))
    expect(changed.headers.get('x-github-request-id')).toMatch(/\S/)
  })

  it('counts per user and refuses with 403 when nothing is left', async () => {
    const small = await site({ rateLimit: 3 })
    try {
      const { rest } = small.as('ada')
      await small.server.addUser({ login: 'ada', token: 'second', role: 'push' })
      for (let count = 0; count < 2; count += 1) await rest.repos.get(LIB)
      await client(small.server.apiUrl, 'second').rest.repos.get(LIB)
      const refused = await failure(rest.repos.get(LIB))
      expect(refused.status).toBe(403)
      expect(refused.message).toContain('API rate limit exceeded')
      expect((await small.as('bob').rest.repos.get(LIB)).status).toBe(200)
      expect((await rest.rateLimit.get()).data.rate).toMatchObject({
        limit: 3,
        remaining: 0,
        used: 3,
      })
    } finally {
      await small.close()
    }
  })
})

describe('start and stop', () => {
  it('keeps everything over a restart', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'forge-restart-'))
    const processes = createProcesses({ stateDir: join(dir, 'state'), logger: nullLogger })
    const init = { dir: join(dir, 'forge'), users: [...USERS] }
    try {
      const first = forge(init, { processes, onResponse })
      await first.start()
      await first.createRepository({ owner: 'octo', name: 'lib', from: join(import.meta.dirname) })
      const before = client(first.apiUrl, 'token-ada').rest
      const issue = await before.issues.create({
        ...LIB,
        title: 'lasting',
        labels: ['keep'],
        assignees: ['bob'],
      })
      const head = (await before.git.getRef({ ...LIB, ref: 'heads/main' })).data.object.sha
      await first.stop()
      await first.stop()
      const second = forge({ dir: init.dir }, { processes, onResponse })
      await second.start()
      await second.createRepository({ owner: 'octo', name: 'lib' })
      const after = client(second.apiUrl, 'token-ada').rest
      const read = await after.issues.get({ ...LIB, issue_number: issue.data.number })
      expect(read.data).toMatchObject({
        title: 'lasting',
        assignees: [{ login: 'bob' }],
        labels: [{ name: 'keep' }],
      })
      expect((await after.git.getRef({ ...LIB, ref: 'heads/main' })).data.object.sha).toBe(head)
      expect((await after.issues.create({ ...LIB, title: 'next' })).data.number).toBe(
        issue.data.number + 1,
      )
      await second.stop()
      const users = ['one', 'two'].map((token) => ({ login: 'ada', token, role: 'push' as const }))
      const third = forge({ dir: init.dir, users }, { processes, onResponse })
      await third.start()
      const status = (token: string) =>
        client(third.apiUrl, token)
          .rest.users.getAuthenticated()
          .then(
            ({ data }) => data.login,
            (error: { status: number }) => error.status,
          )
      const tokens = ['one', 'two', 'token-ada', 'token-bob']
      expect(await Promise.all(tokens.map(status))).toEqual(['ada', 'ada', 401, 'bob'])
      await third.stop()
    } finally {
      await processes.stop()
      await rm(dir, { recursive: true, force: true })
    }
  })

  it('says when the port is taken, and lets go of its own', async () => {
    const taken = createServer()
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
    const port = (taken.address() as { port: number }).port
    const second = forge(
      { dir: join(at.dir, 'second'), port },
      { processes: at.processes, onResponse },
    )
    await expect(second.start()).rejects.toMatchObject({ code: 'FORGE_PORT_TAKEN', data: { port } })
    await new Promise((resolve) => taken.close(resolve))
    await second.start()
    expect(second.url).toBe(`http://127.0.0.1:${port}`)
    // A kept-alive connection must not hold the stop up.
    await (await fetch(second.url)).text()
    const silent = connect(port, '127.0.0.1')
    await once(silent, 'connect')
    const ended = once(silent, 'close')
    const began = systemClock.monotonic()
    await second.stop()
    await ended
    // Well below the time that requests in progress get.
    expect(systemClock.monotonic() - began).toBeLessThan(1_500)
    await expect(fetch(`http://127.0.0.1:${port}`)).rejects.toThrow()
    expect(() => second.url).toThrow(expect.objectContaining({ code: 'FORGE_NOT_STARTED' }))
  })

  it('ends transfers that hang when it stops', async () => {
    const small = await site()
    const request = fetch(`${small.server.url}/octo/lib.git/git-upload-pack`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-git-upload-pack-request' },
      body: new ReadableStream({ start: (open) => open.enqueue(Buffer.from('0032')) }),
      duplex: 'half',
    }).then(
      (answer) => answer.arrayBuffer().catch(() => 'broken'),
      () => 'broken',
    )
    await until('a child waits', 5_000, () => small.processes.list().length > 0)
    await small.server.stop()
    expect(small.processes.list()).toEqual([])
    await request
    await small.close()
  })

  it('refuses names that are none, and makes a repository once however often it is asked', async () => {
    for (const bad of [
      { owner: 'octo', name: '..' },
      { owner: 'a/b', name: 'x' },
      { owner: 'repos', name: 'x' },
      { owner: 'octo', name: 'x.git' },
    ])
      await expect(at.server.createRepository(bad)).rejects.toMatchObject({
        code: 'FORGE_REPOSITORY_INVALID',
      })
    await expect(at.server.addUser({ login: '-', token: 'x', role: 'push' })).rejects.toMatchObject(
      { code: 'FORGE_USER_INVALID' },
    )
    await Promise.all(
      Array.from({ length: 5 }, () => at.server.createRepository({ owner: 'Octo', name: 'Once' })),
    )
    const repos = await at.as('root').rest.repos.listForAuthenticatedUser()
    expect(repos.data.filter(({ name }) => name.toLowerCase() === 'once').length).toBe(1)
  })

  it('lets a signed-in user make a repository of their own', async () => {
    const made = await at
      .as('ada')
      .rest.repos.createForAuthenticatedUser({ name: 'mine', private: true })
    expect(made.data).toMatchObject({ full_name: 'ada/mine', private: true })
    const twice = await failure(
      at.as('ada').rest.repos.createForAuthenticatedUser({ name: 'mine' }),
    )
    expect(twice.errors[0]?.message).toBe('name already exists on this account')
  })
})
