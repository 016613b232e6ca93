/** Repositories, and the one sequence of numbers that issues and pull requests share. */
import type { RepoRow } from './rows.ts'
import type { Sql } from './sql.ts'

export interface Repos {
  byName(owner: string, name: string): RepoRow | undefined
  byId(id: number): RepoRow | undefined
  all(): RepoRow[]
  create(init: {
    ownerId: number
    name: string
    private: boolean
    description: string | null
    now: string
  }): void
  nextNumber(repoId: number): number
  touch(repoId: number, now: string, pushed: boolean): void
  openIssues(repoId: number): { issues: number; pulls: number }
}

const SELECT = `SELECT repos.*, users.login AS owner FROM repos
  JOIN users ON users.id = repos.owner_id`

export function reposStore(sql: Sql): Repos {
  return {
    byName: (owner, name) =>
      sql.get<RepoRow>(`${SELECT} WHERE users.login = ? AND repos.name = ?`, owner, name),
    byId: (id) => sql.get<RepoRow>(`${SELECT} WHERE repos.id = ?`, id),
    all: () => sql.all<RepoRow>(`${SELECT} ORDER BY users.login, repos.name`),
    create: ({ ownerId, name, private: hidden, description, now }) => {
      sql.run(
        `INSERT INTO repos (owner_id, name, private, description, default_branch,
           created_at, updated_at, pushed_at) VALUES (?, ?, ?, ?, 'main', ?, ?, ?)`,
        ownerId,
        name,
        hidden ? 1 : 0,
        description,
        now,
        now,
        now,
      )
    },
    nextNumber: (repoId) => {
      const row = sql.get<{ last_number: number }>(
        'UPDATE repos SET last_number = last_number + 1 WHERE id = ? RETURNING last_number',
        repoId,
      )
      return row?.last_number ?? 1
    },
    touch: (repoId, now, pushed) => {
      sql.run('UPDATE repos SET updated_at = ? WHERE id = ?', now, repoId)
      if (pushed) sql.run('UPDATE repos SET pushed_at = ? WHERE id = ?', now, repoId)
    },
    openIssues: (repoId) => {
      const rows = sql.all<{ is_pull: number; count: number }>(
        `SELECT is_pull, count(*) AS count FROM issues WHERE repo_id = ? AND state = 'open'
         GROUP BY is_pull`,
        repoId,
      )
      const count = (pull: number) => rows.find((row) => row.is_pull === pull)?.count ?? 0
      return { issues: count(0), pulls: count(1) }
    },
  }
}
