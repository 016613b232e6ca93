/**
 * Who looks at the pages. A browser signs in with a token once and gets a cookie of its own; the token
 * itself is not kept there. The account that may do everything may act as any other one, so that one person
 * can try what several would do. Forgotten when the forge stops.
 */
import { randomBytes } from 'node:crypto'
import { getCookie, setCookie } from 'hono/cookie'
import type { Ctx, Deps } from '../context.ts'
import type { UserRow } from '../store/rows.ts'

const lastsMs = 12 * 60 * 60_000
/** The oldest go first. */
const maxSessions = 200

interface Session {
  /** With what limits the token that was given. */
  user: UserRow
  /** Login that was chosen last. */
  as: string
  /** By the forge's clock, ms. */
  until: number
}

export interface Sessions {
  of(c: Ctx): Session | undefined
  /** Undefined for a token that nobody has. */
  begin(c: Ctx, token: string): Session | undefined
  end(c: Ctx): void
}

/** Cookies do not tell ports apart, and several forges may run on one machine. */
const nameOf = (c: Ctx) => `forge_${new URL(c.req.url).port || 'default'}`

export function createSessions({ store, clock }: Pick<Deps, 'store' | 'clock'>): Sessions {
  const sessions = new Map<string, Session>()
  const idOf = (c: Ctx) => getCookie(c, nameOf(c)) ?? ''
  const options = { path: '/', httpOnly: true, sameSite: 'Strict' } as const
  return {
    of(c) {
      const session = sessions.get(idOf(c))
      if (session === undefined || session.until > clock.now()) return session
      sessions.delete(idOf(c))
      return undefined
    },
    begin(c, token) {
      const user = token === '' ? undefined : store.users.byToken(token, clock.now())
      if (user === undefined) return undefined
      const id = randomBytes(24).toString('base64url')
      const session = { user, as: user.login, until: clock.now() + lastsMs }
      sessions.set(id, session)
      const [oldest] = sessions.keys()
      if (sessions.size > maxSessions && oldest !== undefined) sessions.delete(oldest)
      setCookie(c, nameOf(c), id, { ...options, maxAge: lastsMs / 1_000 })
      return session
    },
    end(c) {
      sessions.delete(idOf(c))
      setCookie(c, nameOf(c), '', { ...options, maxAge: 0 })
    },
  }
}

/** Accounts that a signed-in one may act as, itself among them. */
export function mayActAs({ store }: Pick<Deps, 'store'>, { user }: Session): UserRow[] {
  const isFree = user.role === 'admin' && user.grant === undefined
  if (!isFree) return [user]
  return store.users
    .all()
    .filter(({ type, role, id }) => id === user.id || (type === 'User' && role !== 'none'))
}
