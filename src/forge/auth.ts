/**
 * Who asks, and what they may do. A token comes as `token X`, `Bearer X` or as the password of
 * HTTP Basic with any user name. What one may not see does not exist (404); what one may see but
 * not do is 403; an anonymous writer is asked to log in (401).
 */
import type { MiddlewareHandler } from 'hono'
import { badCredentials, forbidden, needsLogin, notFound } from './api-error.ts'
import { sha256 } from '../util/index.ts'
import { isJwt } from './apps/jwt.ts'
import { forApps } from './apps/apps.ts'
import type { Ctx, Deps, Env } from './context.ts'
import type { RepoRow, UserRow } from './store/rows.ts'
import type { ForgeRole } from './types.ts'

const RANK: Record<ForgeRole, number> = { none: 0, read: 1, triage: 2, push: 3, admin: 4 }

export const atLeast = (role: ForgeRole, need: ForgeRole): boolean => RANK[role] >= RANK[need]

/** The token of an Authorization header; undefined without one, '' when it is unreadable. */
export function tokenOf(header: string | undefined): string | undefined {
  if (header === undefined) return undefined
  const [scheme = '', rest = ''] = header.trim().split(/\s+/, 2)
  if (/^(token|bearer)$/i.test(scheme)) return rest
  if (/^basic$/i.test(scheme)) {
    const text = Buffer.from(rest, 'base64').toString('utf8')
    const password = text.slice(text.indexOf(':') + 1)
    return password === '' || password === 'x-oauth-basic' ? text.split(':')[0] : password
  }
  return ''
}

/** Errors: 401 for a token that nobody has, or that has expired. */
export function identify(
  { store, clock }: Pick<Deps, 'store' | 'clock'>,
  header: string | undefined,
): { user: UserRow | undefined; tokenKey: string } {
  const token = tokenOf(header)
  if (token === undefined) return { user: undefined, tokenKey: '' }
  const user = token === '' ? undefined : store.users.byToken(token, clock.now())
  if (user === undefined) throw badCredentials()
  return { user, tokenKey: sha256(token).slice(0, 16) }
}

/** A JWT stands for an App and opens only what is the App's; any other token is an account's. */
export function authenticate(deps: Deps): MiddlewareHandler<Env> {
  return async (c, next) => {
    const actor = c.env?.actor
    if (actor !== undefined) {
      c.set('app', undefined)
      c.set('user', actor)
      c.set('tokenKey', `page-${actor.id}`)
      return next()
    }
    const header = c.req.header('authorization')
    const token = tokenOf(header)
    const app = token !== undefined && isJwt(token) ? deps.apps.byJwt(token) : undefined
    if (app !== undefined && !forApps(c.req.path)) throw badCredentials()
    const { user, tokenKey } =
      app === undefined
        ? identify(deps, header)
        : { user: undefined, tokenKey: sha256(token ?? '').slice(0, 16) }
    c.set('app', app)
    c.set('user', user)
    c.set('tokenKey', tokenKey)
    await next()
  }
}

/** The caller. Errors: 401 when anonymous. */
export function caller(c: Ctx): UserRow {
  const user = c.get('user')
  if (user === undefined) throw needsLogin()
  return user
}

export interface Access {
  repo: RepoRow
  role: ForgeRole
}

/** The repository of the path. Errors: 404, 401, 403 as above. */
export function access(deps: Deps, c: Ctx, need: ForgeRole): Access {
  const { owner = '', repo: name = '' } = c.req.param() as { owner?: string; repo?: string }
  const repo = deps.store.repos.byName(owner, name)
  if (repo === undefined) throw notFound()
  const user = c.get('user')
  const role = deps.store.users.roleIn(user, repo)
  if (!atLeast(role, 'read')) throw notFound()
  if (atLeast(role, need)) return { repo, role }
  if (user === undefined) throw needsLogin()
  throw forbidden(need === 'admin' ? 'Must have admin rights to Repository.' : undefined)
}

/** As `access`, for what every signed-in reader may do: open an issue, comment, react. */
export function readerAccess(deps: Deps, c: Ctx): Access & { user: UserRow } {
  const found = access(deps, c, 'read')
  return { ...found, user: caller(c) }
}
