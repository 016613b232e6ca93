/** Check runs and commit statuses. */
import type { CheckRunRow, StatusRow } from './rows.ts'
import type { Sql, Value } from './sql.ts'

export interface Checks {
  run(id: number): CheckRunRow | undefined
  runs(repoId: number, sha: string): CheckRunRow[]
  saveRun(row: Omit<CheckRunRow, 'id'> & { id?: number }): CheckRunRow
  /** Newest first. */
  statuses(repoId: number, sha: string): StatusRow[]
  addStatus(row: Omit<StatusRow, 'id'>): StatusRow
}

export function checksStore(sql: Sql): Checks {
  const run = (id: number) => sql.get<CheckRunRow>('SELECT * FROM check_runs WHERE id = ?', id)
  const insert = (table: string, row: object, verb: string): number => {
    const entries = Object.entries(row) as [string, Value][]
    const names = entries.map(([name]) => name).join(', ')
    const marks = entries.map(() => '?').join(', ')
    return sql.run(
      `${verb} INTO ${table} (${names}) VALUES (${marks})`,
      ...entries.map(([, value]) => value),
    ).id
  }
  return {
    run,
    runs: (repoId, sha) =>
      sql.all<CheckRunRow>(
        'SELECT * FROM check_runs WHERE repo_id = ? AND head_sha = ? ORDER BY id',
        repoId,
        sha,
      ),
    saveRun: (row) => run(insert('check_runs', row, 'INSERT OR REPLACE')) as CheckRunRow,
    statuses: (repoId, sha) =>
      sql.all<StatusRow>(
        'SELECT * FROM statuses WHERE repo_id = ? AND sha = ? ORDER BY id DESC',
        repoId,
        sha,
      ),
    addStatus: (row) => {
      const id = insert('statuses', row, 'INSERT')
      return sql.get<StatusRow>('SELECT * FROM statuses WHERE id = ?', id) as StatusRow
    },
  }
}
