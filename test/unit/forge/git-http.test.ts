import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../../../src/util/index.ts'
import { LIB, site, type Site } from './helper.ts'

let at: Site
beforeAll(async () => {
  at = await site()
})
afterAll(() => at.close())

let count = 0
async function change(clone: string, message = 'change'): Promise<string> {
  count += 1
  await writeFile(join(clone, `file-${count}.txt`), `${count}\n`)
  await at.git(clone, 'add', '.')
  await at.git(clone, 'commit', '-q', '-m', message)
  return (await at.git(clone, 'rev-parse', 'HEAD')).stdout.trim()
}
const tip = async (ref: string) =>
  (await at.as('ada').rest.git.listMatchingRefs({ ...LIB, ref })).data[0]?.object.sha

describe('git over HTTP', () => {
  it('clones a public repository without an account, with protocol versions 0 and 2', async () => {
    for (const version of ['0', '2']) {
      const url = `${at.server.url}/octo/lib.git`
      const exit = await at.git(
        at.dir,
        '-c',
        `protocol.version=${version}`,
        'clone',
        '-q',
        url,
        `anonymous-${version}`,
      )
      expect(exit.exitCode, exit.tail).toBe(0)
      const shown = await at.git(join(at.dir, `anonymous-${version}`), 'log', '--format=%s')
      expect(shown.stdout).toBe('Initial commit\n')
    }
  })

  it('uses protocol version 2 when asked, and needs no .git at the end', async () => {
    const url = `${at.server.url}/octo/lib/info/refs?service=git-upload-pack`
    const answer = await fetch(url, { headers: { 'git-protocol': 'version=2' } })
    expect(await answer.text()).toMatch(/^000eversion 2\n/)
    expect(answer.headers.get('content-type')).toBe('application/x-git-upload-pack-advertisement')
  })

  it('pushes branches and custom refs, forced and not, and REST sees them at once', async () => {
    const clone = await at.clone('ada')
    const sha = await change(clone)
    const first = await at.git(
      clone,
      'push',
      'origin',
      'HEAD:refs/heads/topic',
      'HEAD:refs/bzzz/claims/12',
    )
    expect(first.exitCode, first.tail).toBe(0)
    expect(await tip('heads/topic')).toBe(sha)
    expect(await tip('bzzz/claims/12')).toBe(sha)
    await at.git(clone, 'commit', '-q', '--amend', '-m', 'rewritten')
    expect((await at.git(clone, 'push', 'origin', 'HEAD:refs/heads/topic')).exitCode).not.toBe(0)
    const forced = await at.git(clone, 'push', '--force', 'origin', 'HEAD:refs/heads/topic')
    expect(forced.exitCode, forced.tail).toBe(0)
    expect((await at.git(clone, 'fetch', '-q', 'origin', sha)).exitCode).toBe(0)
    expect((await at.git(clone, 'push', 'origin', ':refs/heads/main')).exitCode).not.toBe(0)
  })

  it('pushes atomically with leases: all or nothing', async () => {
    const clone = await at.clone('ada')
    const one = await change(clone)
    const lease = (ref: string, seen: string) => `--force-with-lease=${ref}:${seen}`
    const both = ['HEAD:refs/bzzz/claims/13', 'HEAD:refs/heads/bzzz/issue-13']
    const made = await at.git(
      clone,
      'push',
      '--atomic',
      lease('refs/bzzz/claims/13', ''),
      lease('refs/heads/bzzz/issue-13', ''),
      'origin',
      ...both,
    )
    expect(made.exitCode, made.tail).toBe(0)
    const two = await change(clone)
    const stale = await at.git(
      clone,
      'push',
      '--atomic',
      lease('refs/bzzz/claims/13', 'f'.repeat(40)),
      lease('refs/heads/bzzz/issue-13', one),
      'origin',
      ...both,
    )
    expect(stale.exitCode).not.toBe(0)
    expect([await tip('bzzz/claims/13'), await tip('heads/bzzz/issue-13')]).toEqual([one, one])
    const fresh = await at.git(
      clone,
      'push',
      '--atomic',
      lease('refs/bzzz/claims/13', one),
      lease('refs/heads/bzzz/issue-13', one),
      'origin',
      ...both,
    )
    expect(fresh.exitCode, fresh.tail).toBe(0)
    expect(await tip('bzzz/claims/13')).toBe(two)
  })

  it('lets exactly one of 20 concurrent pushes to a new ref win', async () => {
    const clone = await at.clone('ada')
    const shas: string[] = []
    for (let nonce = 0; nonce < 20; nonce += 1) {
      const made = await at.git(clone, 'commit-tree', 'HEAD^{tree}', '-m', `record ${nonce}`)
      shas.push(made.stdout.trim())
    }
    const ref = 'refs/bzzz/claims/14'
    const pushes = await Promise.all(
      shas.map((sha) =>
        at.git(clone, 'push', `--force-with-lease=${ref}:`, 'origin', `${sha}:${ref}`),
      ),
    )
    const won = shas.filter((_, index) => pushes[index]?.exitCode === 0)
    expect(won).toEqual([await tip('bzzz/claims/14')])
  })

  it('takes a compressed request', async () => {
    const packet = (text: string) => `${(text.length + 4).toString(16).padStart(4, '0')}${text}`
    const request = `${packet('command=ls-refs\n')}0001${packet('ref-prefix refs/heads/main\n')}0000`
    const answer = await fetch(`${at.server.url}/octo/lib.git/git-upload-pack`, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-git-upload-pack-request',
        'content-encoding': 'gzip',
        'git-protocol': 'version=2',
      },
      body: gzipSync(request),
    })
    expect(answer.status).toBe(200)
    expect(await answer.text()).toContain(`${await tip('heads/main')} refs/heads/main`)
  })

  it('answers what is not git with an error and survives it', async () => {
    for (const body of [Buffer.from('zzzz'), gzipSync('0000zzzz'), Buffer.alloc(0)]) {
      const answer = await fetch(`${at.server.url}/octo/lib.git/git-receive-pack`, {
        method: 'POST',
        headers: {
          authorization: 'token token-ada',
          'content-type': 'application/x-git-receive-pack-request',
          'content-encoding': body[0] === 0x1f ? 'gzip' : 'identity',
        },
        body,
      })
      await answer.arrayBuffer()
    }
    const odd = await fetch(`${at.server.url}/octo/lib.git/git-upload-pack`, {
      method: 'POST',
      body: 'x',
    })
    expect(odd.status).toBe(400)
    expect((await fetch(`${at.server.url}/octo/lib`)).status).toBe(200)
  })

  it('takes a large push in chunks and gives it back', async () => {
    const clone = await at.clone('ada')
    await writeFile(join(clone, 'large.bin'), randomBytes(6 * 1024 * 1024))
    const sha = await change(clone)
    const pushed = await at.git(
      clone,
      '-c',
      'http.postBuffer=65536',
      'push',
      'origin',
      'HEAD:refs/heads/large',
    )
    expect(pushed.exitCode, pushed.tail).toBe(0)
    const other = await at.clone('bob')
    expect((await at.git(other, 'rev-parse', 'origin/large')).stdout.trim()).toBe(sha)
    expect((await at.git(other, 'fsck')).exitCode).toBe(0)
  })

  it('refuses wrong tokens, readers who push, and hides private repositories', async () => {
    await at.server.createRepository({
      owner: 'octo',
      name: 'secret',
      private: true,
      collaborators: { rob: 'none' },
    })
    const status = async (path: string, user?: string) => {
      const authorization = `Basic ${Buffer.from(`x:${user ?? ''}`).toString('base64')}`
      const answer = await fetch(
        `${at.server.url}/${path}`,
        user === undefined ? {} : { headers: { authorization } },
      )
      await answer.body?.cancel()
      return answer.status
    }
    const read = 'info/refs?service=git-upload-pack'
    const write = 'info/refs?service=git-receive-pack'
    expect(await status(`octo/lib.git/${read}`, 'wrong')).toBe(401)
    expect(await status(`octo/lib.git/${write}`)).toBe(401)
    expect(await status(`octo/lib.git/${write}`, 'token-rob')).toBe(403)
    expect(await status(`octo/lib.git/${write}`, 'token-ada')).toBe(200)
    expect(await status(`octo/secret.git/${read}`)).toBe(401)
    expect(await status(`octo/secret.git/${read}`, 'token-rob')).toBe(404)
    expect(await status(`octo/secret.git/${read}`, 'token-tia')).toBe(200)
    expect(await status(`octo/none.git/${read}`, 'token-ada')).toBe(404)
    expect(await status('octo/lib.git/info/refs', 'token-ada')).toBe(403)
    const bearer = await fetch(`${at.server.url}/octo/lib.git/${write}`, {
      headers: { authorization: 'Bearer token-ada' },
    })
    expect(bearer.status).toBe(200)
    await bearer.body?.cancel()
  })

  it('leaves no git child behind', async () => {
    const hanging = new AbortController()
    const request = fetch(`${at.server.url}/octo/lib.git/git-upload-pack`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-git-upload-pack-request' },
      body: new ReadableStream({ start: (open) => open.enqueue(Buffer.from('0032')) }),
      duplex: 'half',
      signal: hanging.signal,
    }).catch(() => undefined)
    await until('a child waits', 5_000, () => at.processes.list().length > 0)
    hanging.abort()
    await request
    await until('no child is left', 5_000, () => at.processes.list().length === 0)
  })
})
