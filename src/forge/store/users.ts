/** Accounts, their tokens (kept as SHA-256), what limits a token, and the roles. */
import { sha256 } from '../../util/index.ts'
import type { ForgePermissions, ForgeRole, ForgeUser } from '../types.ts'
import type { Grant, RepoRow, UserRow } from './rows.ts'
import type { Sql } from './sql.ts'

export interface Users {
  byId(id: number): UserRow
  byLogin(login: string): UserRow | undefined
  /** The caller, with what limits the token. An expired token is nobody's. */
  byToken(token: string, nowMs: number): UserRow | undefined
  all(): UserRow[]
  save(user: ForgeUser, now: string): UserRow
  /** Of each account that is named, whatever tokens it had that are not named end; those of Apps stay. */
  endOthers(named: readonly Pick<ForgeUser, 'login' | 'token'>[]): void
  /** The account that owns a repository; made without a token and without rights when absent. */
  owner(login: string, now: string): UserRow
  /** The account that an App acts as. */
  bot(login: string, now: string): UserRow
  /** A token that lasts until `expiresMs`; what has expired by `nowMs` is forgotten. */
  issue(init: {
    userId: number
    token: string
    grant: Grant
    nowMs: number
    expiresMs: number
  }): void
  /** Whether a token is for `repo`. */
  covers(grant: Grant | undefined, repo: RepoRow): boolean
  /** A limited token has no role beyond reading where it is not for. */
  roleIn(user: UserRow | undefined, repo: RepoRow): ForgeRole
  setCollaborator(repo: RepoRow, user: UserRow, role: ForgeRole | undefined): void
}

const GHOST: UserRow = {
  id: 0,
  login: 'ghost',
  type: 'User',
  role: 'none',
  created_at: '2008-01-01T00:00:00Z',
}

interface GrantRow {
  hash: string
  permissions: string
  repositories: string | null
  installation: number | null
  expires_ms: number | null
}

const covers = (grant: Grant | undefined, repo: RepoRow): boolean => {
  if (grant === undefined || grant.repositories === null) return true
  const { repositories } = grant
  const owner = repo.owner.toLowerCase()
  const names = [`${owner}/${repo.name.toLowerCase()}`, `${owner}/*`]
  return names.some((name) => repositories.includes(name))
}

export function usersStore(sql: Sql): Users {
  const byLogin = (login: string) => sql.get<UserRow>('SELECT * FROM users WHERE login = ?', login)

  const insert = (login: string, type: string, role: string, now: string) =>
    sql.run(
      `INSERT INTO users (login, type, role, created_at) VALUES (?, ?, ?, ?)
       ON CONFLICT (login) DO UPDATE SET type = excluded.type, role = excluded.role`,
      login,
      type,
      role,
      now,
    )

  function saveToken(userId: number, token: string, grant: Grant | undefined, until?: number) {
    const hash = sha256(token)
    sql.run(
      `INSERT INTO tokens (hash, user_id) VALUES (?, ?)
       ON CONFLICT (hash) DO UPDATE SET user_id = excluded.user_id`,
      hash,
      userId,
    )
    sql.run('DELETE FROM grants WHERE hash = ?', hash)
    if (grant === undefined) return
    sql.run(
      `INSERT INTO grants (hash, permissions, repositories, installation, expires_ms)
       VALUES (?, ?, ?, ?, ?)`,
      hash,
      JSON.stringify(grant.permissions),
      grant.repositories === null ? null : JSON.stringify(grant.repositories),
      grant.installation,
      until ?? null,
    )
  }

  const grantOf = (row: GrantRow): Grant => ({
    permissions: JSON.parse(row.permissions) as ForgePermissions | null,
    repositories: row.repositories === null ? null : (JSON.parse(row.repositories) as string[]),
    installation: row.installation,
  })

  return {
    byLogin,
    byId: (id) => sql.get<UserRow>('SELECT * FROM users WHERE id = ?', id) ?? GHOST,
    byToken: (token, nowMs) => {
      const hash = sha256(token)
      const user = sql.get<UserRow>(
        'SELECT users.* FROM users JOIN tokens ON tokens.user_id = users.id WHERE hash = ?',
        hash,
      )
      const row = sql.get<GrantRow>('SELECT * FROM grants WHERE hash = ?', hash)
      if (user === undefined || row === undefined) return user
      if (row.expires_ms !== null && row.expires_ms <= nowMs) return undefined
      return { ...user, grant: grantOf(row) }
    },
    all: () => sql.all<UserRow>('SELECT * FROM users ORDER BY login'),
    save: (user, now) =>
      sql.transaction(() => {
        insert(user.login, user.type ?? 'User', user.role, now)
        const row = byLogin(user.login) ?? GHOST
        const { permissions, repositories } = user
        const limited = permissions !== undefined || repositories !== undefined
        const grant = {
          permissions: permissions ?? null,
          repositories: repositories?.map((name) => name.toLowerCase()) ?? null,
          installation: null,
        }
        saveToken(row.id, user.token, limited ? grant : undefined)
        return row
      }),
    endOthers: (named) =>
      sql.transaction(() => {
        const kept = new Set(named.map(({ token }) => sha256(token)))
        for (const login of new Set(named.map((user) => user.login))) {
          const rows = sql.all<{ hash: string }>(
            `SELECT tokens.hash FROM tokens JOIN users ON users.id = tokens.user_id
             LEFT JOIN grants ON grants.hash = tokens.hash
             WHERE users.login = ? AND grants.installation IS NULL`,
            login,
          )
          for (const { hash } of rows)
            if (!kept.has(hash)) sql.run('DELETE FROM tokens WHERE hash = ?', hash)
        }
      }),
    owner: (login, now) => {
      if (byLogin(login) === undefined) insert(login, 'Organization', 'none', now)
      return byLogin(login) ?? GHOST
    },
    bot: (login, now) => {
      insert(login, 'Bot', 'push', now)
      return byLogin(login) ?? GHOST
    },
    issue: ({ userId, token, grant, nowMs, expiresMs }) =>
      sql.transaction(() => {
        sql.run(
          'DELETE FROM tokens WHERE hash IN (SELECT hash FROM grants WHERE expires_ms <= ?)',
          nowMs,
        )
        saveToken(userId, token, grant, expiresMs)
      }),
    covers,
    roleIn: (user, repo) => {
      const floor: ForgeRole = repo.private === 1 ? 'none' : 'read'
      if (user === undefined) return floor
      if (!covers(user.grant, repo)) return floor
      if (user.id === repo.owner_id) return 'admin'
      const row = sql.get<{ role: ForgeRole }>(
        'SELECT role FROM collaborators WHERE repo_id = ? AND user_id = ?',
        repo.id,
        user.id,
      )
      const role = row?.role ?? user.role
      return role === 'none' ? floor : role
    },
    setCollaborator: (repo, user, role) => {
      sql.run('DELETE FROM collaborators WHERE repo_id = ? AND user_id = ?', repo.id, user.id)
      if (role === undefined) return
      sql.run(
        'INSERT INTO collaborators (repo_id, user_id, role) VALUES (?, ?, ?)',
        repo.id,
        user.id,
        role,
      )
    },
  }
}
