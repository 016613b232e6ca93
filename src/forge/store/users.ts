/** Accounts, their tokens (kept as SHA-256) and their roles. */
import { sha256 } from '../../util/index.ts'
import type { ForgeRole, ForgeUser } from '../types.ts'
import type { RepoRow, UserRow } from './rows.ts'
import type { Sql } from './sql.ts'

export interface Users {
  byId(id: number): UserRow
  byLogin(login: string): UserRow | undefined
  byToken(token: string): UserRow | undefined
  all(): UserRow[]
  save(user: ForgeUser, now: string): UserRow
  /** The account that owns a repository; made without a token and without rights when absent. */
  owner(login: string, now: string): UserRow
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

  return {
    byLogin,
    byId: (id) => sql.get<UserRow>('SELECT * FROM users WHERE id = ?', id) ?? GHOST,
    byToken: (token) =>
      sql.get<UserRow>(
        'SELECT users.* FROM users JOIN tokens ON tokens.user_id = users.id WHERE hash = ?',
        sha256(token),
      ),
    all: () => sql.all<UserRow>('SELECT * FROM users ORDER BY login'),
    save: (user, now) =>
      sql.transaction(() => {
        insert(user.login, user.type ?? 'User', user.role, now)
        const row = byLogin(user.login) ?? GHOST
        sql.run(
          `INSERT INTO tokens (hash, user_id) VALUES (?, ?)
           ON CONFLICT (hash) DO UPDATE SET user_id = excluded.user_id`,
          sha256(user.token),
          row.id,
        )
        return row
      }),
    owner: (login, now) => {
      if (byLogin(login) === undefined) insert(login, 'Organization', 'none', now)
      return byLogin(login) ?? GHOST
    },
    roleIn: (user, repo) => {
      const floor: ForgeRole = repo.private === 1 ? 'none' : 'read'
      if (user === undefined) return floor
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
