/**
 * Plain pages for people: rendered here, no script, nothing from elsewhere. The policy allows the
 * one style sheet and forms of these pages, and nothing more; all text of users is escaped by the template.
 * A form is taken from these pages only, and acts for who has signed in (`sessions.ts`).
 */
import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { csrf } from 'hono/csrf'
import { html } from 'hono/html'
import { HTTPException } from 'hono/http-exception'
import { explain } from '../../util/index.ts'
import { ApiError, notFound } from '../api-error.ts'
import { authenticate } from '../auth.ts'
import type { Deps, Env } from '../context.ts'
import { actingPages } from './acting.ts'
import { codePages } from './code-pages.ts'
import { issuePages } from './issue-pages.ts'
import { STYLE_PATH, layout } from './layout.ts'
import { pullPages } from './pull-pages.ts'
import { createSessions } from './sessions.ts'
import { STYLE } from './style.ts'

const POLICY =
  "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

/** Longest form, bytes. */
const FORM_BYTES = 512 * 1024

/** `api`: what the forms call. */
export function pagesApp(deps: Deps, api: Hono<Env>): Hono<Env> {
  const app = new Hono<Env>()
  const sessions = createSessions(deps)

  app.use('*', async (c, next) => {
    await next()
    c.res.headers.set('content-security-policy', POLICY)
    c.res.headers.set('x-content-type-options', 'nosniff')
    c.res.headers.set('referrer-policy', 'same-origin')
    c.res.headers.set('cache-control', 'no-cache')
  })
  app.get(STYLE_PATH, (c) => c.body(STYLE, 200, { 'content-type': 'text/css; charset=utf-8' }))
  app.use('*', csrf())
  app.use('*', bodyLimit({ maxSize: FORM_BYTES }))
  app.use('*', authenticate(deps))
  app.use('*', async (c, next) => {
    if (c.get('user') === undefined) c.set('user', sessions.of(c)?.user)
    await next()
  })

  /** Of this forge only. */
  const placeOf = (to: string | undefined) =>
    to !== undefined && /^\/(?![/\\])[^\s\\]{0,500}$/.test(to) ? to : '/'
  const signIn = (to: string, why = '') =>
    layout(deps, {
      title: 'Sign in',
      body: html`<h1>Sign in</h1>
        <p class="mute">${why === '' ? 'With a token of this forge.' : why}</p>
        <form method="post" action="/-/login">
          <input type="hidden" name="to" value="${to}" />
          <input type="password" name="token" aria-label="Token" autocomplete="off" autofocus />
          <button>Sign in</button>
        </form>`,
    })
  app.post('/-/login', async (c) => {
    const { token, to } = await c.req.parseBody()
    const place = placeOf(typeof to === 'string' ? to : undefined)
    const session = sessions.begin(c, typeof token === 'string' ? token.trim() : '')
    if (session === undefined) return c.html(signIn(place, 'Nobody has this token.'), 401)
    return c.redirect(place, 303)
  })
  app.post('/-/logout', (c) => {
    sessions.end(c)
    return c.redirect('/', 303)
  })
  app.get('/-/login', (c) => {
    const place = placeOf(c.req.query('to'))
    if (c.get('user') !== undefined) return c.redirect(place)
    if (/\btext\/html\b/.test(c.req.header('accept') ?? '')) return c.html(signIn(place))
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
  issuePages(app, deps, sessions)
  pullPages(app, deps, sessions)
  actingPages(app, deps, { api, sessions })
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
    // A form of another site, or one that is too long.
    if (error instanceof HTTPException && error.status < 500) return error.getResponse()
    deps.logger.error({ path: c.req.path, error: explain(error) }, 'a page failed')
    const body = html`<h1>Something went wrong</h1>
      <p class="mute">The forge's log says more.</p>`
    return c.html(layout(deps, { title: 'Error', body }), 500)
  })
  return app
}
