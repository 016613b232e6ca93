/**
 * Plain pages for people: rendered here, no script, nothing from elsewhere. The policy allows the
 * one style sheet and nothing more, and all text of users is escaped by the template.
 */
import { Hono } from 'hono'
import { html } from 'hono/html'
import { explain } from '../../util/index.ts'
import { ApiError, notFound } from '../api-error.ts'
import { authenticate } from '../auth.ts'
import type { Deps, Env } from '../context.ts'
import { codePages } from './code-pages.ts'
import { issuePages } from './issue-pages.ts'
import { STYLE_PATH, layout } from './layout.ts'
import { pullPages } from './pull-pages.ts'
import { STYLE } from './style.ts'

const POLICY =
  "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

export function pagesApp(deps: Deps): Hono<Env> {
  const app = new Hono<Env>()

  app.use('*', async (c, next) => {
    await next()
    c.res.headers.set('content-security-policy', POLICY)
    c.res.headers.set('x-content-type-options', 'nosniff')
    c.res.headers.set('referrer-policy', 'no-referrer')
    c.res.headers.set('cache-control', 'no-cache')
  })
  app.get(STYLE_PATH, (c) => c.body(STYLE, 200, { 'content-type': 'text/css; charset=utf-8' }))
  app.use('*', authenticate(deps))

  app.get('/-/login', (c) => {
    if (c.get('user') !== undefined) return c.redirect('/')
    return c.text('Any user name, and a token as password.\n', 401, {
      'www-authenticate': 'Basic realm="Forge"',
    })
  })
  app.get('/-/avatar/:id{[0-9]{1,9}}', (c) => {
    const { login } = deps.store.users.byId(Number(c.req.param('id')))
    const letter = (/[a-z0-9]/i.exec(login)?.[0] ?? '?').toUpperCase()
    const hue = Buffer.from(login).reduce((sum, byte) => (sum * 31 + byte) % 360, 7)
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 40"><rect width="40" height="40" rx="8" fill="hsl(${hue} 45% 45%)"/><text x="20" y="27" font-family="sans-serif" font-size="20" fill="#fff" text-anchor="middle">${letter}</text></svg>`
    return c.body(svg, 200, { 'content-type': 'image/svg+xml' })
  })
  issuePages(app, deps)
  pullPages(app, deps)
  codePages(app, deps)

  const missing = () =>
    layout(deps, {
      title: 'Not found',
      body: html`<h1>Not found</h1>
        <p class="mute">There is no such page, or it needs a <a href="/-/login">token</a>.</p>`,
    })
  app.notFound((c) => c.html(missing(), 404))
  app.onError((error, c) => {
    if (error instanceof ApiError && error.status === 404)
      return c.html(missing(), notFound().status)
    if (error instanceof ApiError && error.status === 401)
      return c.text('Bad credentials\n', 401, { 'www-authenticate': 'Basic realm="Forge"' })
    deps.logger.error({ path: c.req.path, error: explain(error) }, 'a page failed')
    const body = html`<h1>Something went wrong</h1>
      <p class="mute">The forge's log says more.</p>`
    return c.html(layout(deps, { title: 'Error', body }), 500)
  })
  return app
}
