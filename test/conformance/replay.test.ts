/** What was once asked of github.com is asked of the forge, and the answers are compared. */
import { readFileSync, readdirSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { site, type Site } from '../unit/forge/helper.ts'
import { FORM, HEADERS, NOT_REPLAYED, STATUS, type Recorded } from './recorded.ts'
import { bare, differences } from './shape.ts'

const OWNER = 'octokit-fixture-org'
const SCENARIOS = new URL(
  'scenarios/api.github.com/',
  import.meta.resolve('@octokit/fixtures/package.json'),
)
const names = readdirSync(SCENARIOS).sort()
const replayed = names.filter((name) => !Object.hasOwn(NOT_REPLAYED, name))
const recording = (name: string): Recorded[] =>
  JSON.parse(
    readFileSync(new URL(`${name}/normalized-fixture.json`, SCENARIOS), 'utf8'),
  ) as Recorded[]

let at: Site
beforeAll(async () => {
  at = await site({
    users: ['octokit-fixture-user-a', 'octokit-fixture-user-b'].map((login, index) => ({
      login,
      token: `token-${index}`,
      role: index === 0 ? ('admin' as const) : ('read' as const),
    })),
  })
})
afterAll(() => at.close())

const headers = { authorization: 'token token-0' }
const call = (method: string, path: string, body?: unknown, more = {}) =>
  fetch(`${at.server.apiUrl}${path}`, {
    method,
    headers: { ...headers, ...more },
    ...(body === undefined || body === '' ? {} : { body: JSON.stringify(body) }),
  })

/** The repository as it was before the recording; the values that stand for its own. */
async function prepare(name: string, repo: string): Promise<Record<string, string>> {
  const base = `/repos/${OWNER}/${repo}`
  const from = join(at.dir, `from-${name}`)
  await mkdir(from, { recursive: true })
  await writeFile(join(from, 'README.md'), '# hello-world')
  await at.server.createRepository({ owner: OWNER, name: repo, from })
  await rm(from, { recursive: true })
  const { id } = (await (await call('GET', base)).json()) as { id: number }
  const tip = async () => {
    const { object } = (await (await call('GET', `${base}/git/ref/heads/main`)).json()) as {
      object: { sha: string }
    }
    return object.sha
  }
  const first = await tip()
  if (name === 'git-refs')
    await call('PUT', `${base}/contents/next.txt`, { message: 'next', content: '' })
  const issues = name === 'paginate-issues' ? 13 : name === 'lock-issue' ? 1 : 0
  for (let count = 0; count < issues; count += 1)
    await call('POST', `${base}/issues`, { title: `issue ${count}`, body: 'text' })
  if (name === 'labels') await call('POST', `${base}/labels`, { name: 'bug', color: 'ee0701' })
  return {
    '0000000000000000000000000000000000000001': await tip(),
    '0000000000000000000000000000000000000002': first,
    '/repositories/1000': `/repositories/${id}`,
  }
}

const filled = (text: string, values: Record<string, string>): string =>
  Object.entries(values).reduce((now, [mark, value]) => now.replaceAll(mark, value), text)

const key = ({ method, path, status }: Recorded) =>
  `${method.toUpperCase()} ${path.replace(/^\/repos\/[^/]+\/[^/]+/, '')} ${status}`

describe('recordings of github.com', () => {
  it('are replayed, or it is said why not', () => {
    expect(Object.keys(NOT_REPLAYED).filter((name) => !names.includes(name))).toEqual([])
    expect(replayed).toHaveLength(12)
  })

  const usedStatus = new Set<string>()
  const usedForm = new Set<string>()

  it.each(replayed)('%s', async (name) => {
    const all = recording(name)
    const repo = /^\/repos\/[^/]+\/([^/]+)/.exec(all[0]!.path)?.[1] ?? 'hello-world'
    const values = await prepare(name, repo)
    const wrong: string[] = []
    for (const one of all) {
      const body =
        one.body === '' ? undefined : JSON.parse(filled(JSON.stringify(one.body), values))
      const accept = { accept: one.reqheaders.accept ?? '*/*' }
      const answer = await call(one.method.toUpperCase(), filled(one.path, values), body, accept)
      const text = await answer.text()
      const what = key(one)
      if (answer.status !== one.status) {
        if (Object.hasOwn(STATUS, what)) usedStatus.add(what)
        else wrong.push(`${what}: ${answer.status} here`)
        continue
      }
      for (const header of HEADERS) {
        if (one.headers[header] === undefined || answer.headers.has(header)) continue
        if (header === 'etag' && one.method !== 'get') continue
        wrong.push(`${what}: no ${header}`)
      }
      const json = /json/.test(answer.headers.get('content-type') ?? '')
      if (!json) {
        if (typeof one.response === 'string' && text !== '') expect(text).toBe(one.response)
        continue
      }
      for (const difference of differences(one.response, JSON.parse(text))) {
        const short = bare(difference)
        if (Object.hasOwn(FORM, short)) usedForm.add(short)
        else wrong.push(`${what}: ${difference}`)
      }
    }
    expect(wrong).toEqual([])
  })

  it('differ in nothing else, and in no less', () => {
    expect([...usedStatus].sort()).toEqual(Object.keys(STATUS).sort())
    expect([...usedForm].sort()).toEqual(Object.keys(FORM).sort())
  })
})
