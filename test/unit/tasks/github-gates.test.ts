/** What the gates ask of GitHub, with answers as its API gives them. */
import { describe, expect, it } from 'vitest'
import { TasksError } from '../../../src/tasks/errors.ts'
import { gateCalls } from '../../../src/tasks/github/gate-calls.ts'

const { signal } = new AbortController()
type Answer = { data: unknown; headers?: Record<string, unknown> }

function serve(answer: (route: string, parameters: Record<string, unknown>) => Answer) {
  const seen: Record<string, unknown>[] = []
  const calls = gateCalls(async (route, parameters, schema) => {
    seen.push(parameters)
    const { data, headers = {} } = answer(route, parameters)
    return { data: schema.parse(data) as never, headers }
  })
  return { calls, seen }
}
const change = (event: string, login: string, name = 'bzzz', type = 'User') => ({
  event,
  actor: { login, type },
  label: { name },
})

describe('labeledBy', () => {
  const ask = (events: unknown[]) =>
    serve(() => ({ data: events })).calls.labeledBy('octo/lib', 7, 'bzzz', signal)

  it('names who set the label last', async () => {
    const events = [
      change('labeled', 'old'),
      change('unlabeled', 'old'),
      change('labeled', 'ada', 'BZZZ'),
      change('labeled', 'bob', 'bug'),
      { event: 'closed', actor: null },
    ]
    expect(await ask(events)).toEqual({ login: 'ada', bot: false })
    expect(await ask([change('labeled', 'a[bot]', 'bzzz', 'Bot')])).toMatchObject({ bot: true })
  })

  it('names nobody for a label that was taken off, never set, or set by a deleted account', async () => {
    expect(await ask([change('labeled', 'ada'), change('unlabeled', 'ada')])).toBeUndefined()
    expect(await ask([change('labeled', 'ada', 'bug')])).toBeUndefined()
    expect(await ask([{ ...change('labeled', 'ada'), actor: null }])).toBeUndefined()
  })

  it('reads from the newest page back, a few pages at most', async () => {
    const pages = (at: number) =>
      serve((_, { page }) => ({
        data: page === at ? [change('labeled', `of page ${at}`)] : [],
        headers: {
          link: '<http://x/?page=2>; rel="next", <http://x/?per_page=1&page=9>; rel="last"',
        },
      }))
    const near = pages(8)
    expect(await near.calls.labeledBy('octo/lib', 7, 'bzzz', signal)).toMatchObject({
      login: 'of page 8',
    })
    expect(near.seen.map(({ page }) => page)).toEqual([1, 9, 8])
    const far = pages(1)
    expect(await far.calls.labeledBy('octo/lib', 7, 'bzzz', signal)).toBeUndefined()
    expect(far.seen).toHaveLength(6)
  })
})

describe('assignedAt', () => {
  it('tells when a login was assigned last', async () => {
    const event = (of: string, login: string, created_at: string) => ({
      event: of,
      actor: null,
      assignee: { login },
      created_at,
    })
    const data = [
      event('assigned', 'ada', '2026-01-01T00:00:00Z'),
      event('assigned', 'Ada', '2026-01-02T00:00:00Z'),
      event('unassigned', 'ada', '2026-01-03T00:00:00Z'),
      event('assigned', 'bob', 'whenever'),
    ]
    const ask = (login: string) =>
      serve(() => ({ data })).calls.assignedAt?.('octo/lib', 7, login, signal)
    expect(await ask('ada')).toBe(Date.parse('2026-01-02T00:00:00Z'))
    expect(await ask('bob')).toBeUndefined()
    expect(await ask('eve')).toBeUndefined()
  })
})

describe('mayTriage', () => {
  it.each([
    [{ permission: 'admin' }, true],
    [{ permission: 'write', role_name: 'write' }, true],
    [{ permission: 'read', role_name: 'triage' }, true],
    [{ permission: 'read', role_name: 'own', user: { permissions: { triage: true } } }, true],
    [{ permission: 'read', role_name: 'read', user: { permissions: { triage: false } } }, false],
    [{ permission: 'none', user: null }, false],
  ])('reads %j as %s', async (data, may) => {
    expect(await serve(() => ({ data })).calls.mayTriage('octo/lib', 'ada', signal)).toBe(may)
  })

  it('says no for a login that GitHub does not know, and fails when GitHub does', async () => {
    const fail = (code: 'GITHUB_NOT_FOUND' | 'GITHUB_UNREACHABLE') =>
      serve(() => {
        throw new TasksError(code, code)
      }).calls.mayTriage('octo/lib', 'ada', signal)
    expect(await fail('GITHUB_NOT_FOUND')).toBe(false)
    await expect(fail('GITHUB_UNREACHABLE')).rejects.toMatchObject({ code: 'GITHUB_UNREACHABLE' })
  })
})

describe('openBefore', () => {
  it('names what is open, and asks by ETag the next time', async () => {
    const data = [
      { number: 4, state: 'open', html_url: 'https://github.com/octo/lib/issues/4' },
      { number: 5, state: 'closed', html_url: 'https://github.com/octo/lib/issues/5' },
      { number: 6, state: 'open', html_url: 'https://github.com/octo/other/issues/6' },
    ]
    const { calls, seen } = serve((_, { headers }) => {
      if (headers !== undefined)
        throw new TasksError('GITHUB_REFUSED', '', { data: { status: 304 } })
      return { data, headers: { etag: '"1"' } }
    })
    const ask = () => calls.openBefore('octo/lib', 7, 'dependencies', signal)
    expect(await ask()).toEqual(['#4', 'octo/other#6'])
    expect(await ask()).toEqual(['#4', 'octo/other#6'])
    expect(seen[1]).toMatchObject({ headers: { 'if-none-match': '"1"' } })
  })
})
