/** What a person can do on the pages: sign in, choose an account, comment, review, merge. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LIB, commitFile, site, type Site } from './helper.ts'

let at: Site
let pull: number
beforeAll(async () => {
  at = await site()
  await commitFile(at.as('ada'), 'topic', 'new.txt', 'x\n')
  const { rest } = at.as('ada')
  const made = await rest.pulls.create({
    ...LIB,
    title: 'P',
    head: 'topic',
    base: 'main',
    draft: true,
  })
  pull = made.data.number
  await at.as('ada').rest.issues.addLabels({ ...LIB, issue_number: pull, labels: ['stop'] })
})
afterAll(() => at.close())

/** A browser: sends its origin and its cookie, and follows nothing. */
function browser() {
  let cookie = ''
  const go = async (path: string, form?: Record<string, string>, headers: object = {}) => {
    const answer = await fetch(`${at.server.url}${path}`, {
      redirect: 'manual',
      headers: { accept: 'text/html', cookie, origin: at.server.url, ...headers },
      ...(form === undefined ? {} : { method: 'POST', body: new URLSearchParams(form) }),
    })
    cookie = answer.headers.get('set-cookie')?.split(';')[0] ?? cookie
    return { status: answer.status, to: answer.headers.get('location'), text: await answer.text() }
  }
  const signIn = (token: string, to = '/') => go('/-/login', { token, to })
  return { go, signIn, cookie: () => cookie }
}
const page = () => `/octo/lib/pull/${pull}`
const acts = () => `/octo/lib/issues/${pull}`

describe('the pages', () => {
  it('let somebody with a token in, and lead back to where they came from; nowhere else', async () => {
    const one = browser()
    expect((await one.go(page())).text).toContain(`/-/login?to=${encodeURIComponent(page())}`)
    expect((await one.go('/-/login')).text).toContain('type="password"')
    expect((await one.signIn('wrong')).status).toBe(401)
    expect((await one.signIn('token-rob', page())).to).toBe(page())
    const { text } = await one.go(page())
    expect(text).toContain('<option value="rob" selected>')
    expect(text).not.toContain('<option value="ada"')
    expect(one.cookie()).not.toContain('token-rob')
    for (const to of ['//evil.example', 'https://evil.example', '/\\evil'])
      expect((await browser().signIn('token-rob', to)).to).toBe('/')
    await one.go('/-/logout', {})
    expect((await one.go(page())).text).toContain('Sign in with a token')
  })

  it('let nobody act as another one but the account that may do everything', async () => {
    const rob = browser()
    await rob.signIn('token-rob')
    const refused = await rob.go(acts(), { do: 'comment', as: 'ada', body: 'not me' })
    expect(refused.status).toBe(403)
    // What the API refuses, a page refuses.
    const merge = await rob.go(acts(), { do: 'merge', as: 'rob' })
    expect(merge.status).toBe(422)
    expect(merge.text).toContain('rob: ')
    expect((await browser().go(acts(), { do: 'comment', as: 'rob', body: 'x' })).status).toBe(403)
    const { data } = await at.as('ada').rest.issues.listComments({ ...LIB, issue_number: pull })
    expect(data).toEqual([])
  })

  it('take forms of their own only', async () => {
    const root = browser()
    await root.signIn('token-root')
    const form = { do: 'comment', as: 'root', body: 'x' }
    const foreign = await root.go(acts(), form, { origin: 'http://evil.example' })
    expect(foreign.status).toBe(403)
    expect((await root.go(acts(), { ...form, do: 'delete' })).status).toBe(400)
    const { data } = await at.as('ada').rest.issues.listComments({ ...LIB, issue_number: pull })
    expect(data).toEqual([])
  })

  it('comment, take labels off, make ready, review and merge, as whom one chose', async () => {
    const root = browser()
    await root.signIn('token-root')
    const act = async (form: Record<string, string>) =>
      expect(await root.go(acts(), form)).toMatchObject({ status: 303, to: page() })
    await act({ do: 'comment', as: 'bob', body: '/bzzz retry' })
    expect((await root.go(page())).text).toContain('<option value="bob" selected>')
    await act({ do: 'unlabel', as: 'tia', label: 'stop' })
    expect((await root.go(page())).text).toContain('Ready for review')
    await act({ do: 'ready', as: 'ada' })
    await act({ do: 'request', as: 'bob', body: 'Say hello.' })
    await act({ do: 'approve', as: 'bob', body: '' })
    const { rest } = at.as('ada')
    const on = { ...LIB, issue_number: pull }
    expect((await rest.issues.listComments(on)).data).toMatchObject([
      { body: '/bzzz retry', user: { login: 'bob' } },
    ])
    expect((await rest.issues.listLabelsOnIssue(on)).data).toEqual([])
    const reviews = (await rest.pulls.listReviews({ ...LIB, pull_number: pull })).data
    expect(reviews.map(({ state }) => state)).toEqual(['CHANGES_REQUESTED', 'APPROVED'])
    const own = await root.go(acts(), { do: 'approve', as: 'ada', body: '' })
    expect(own.text).toContain('approve your own pull request')
    const old = await root.go(acts(), { do: 'merge', as: 'bob', sha: 'a'.repeat(40) })
    expect(old.status).toBe(422)
    const { data } = await rest.pulls.get({ ...LIB, pull_number: pull })
    await act({ do: 'merge', as: 'bob', sha: data.head.sha })
    const after = (await rest.pulls.get({ ...LIB, pull_number: pull })).data
    expect(after).toMatchObject({ merged: true, merged_by: { login: 'bob' } })
  })
})
