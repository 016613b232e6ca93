/** A repository's labels, and which issue carries which. */
import type { LabelRow } from './rows.ts'
import type { Sql } from './sql.ts'

export interface Labels {
  all(repoId: number): LabelRow[]
  byName(repoId: number, name: string): LabelRow | undefined
  create(
    repoId: number,
    label: { name: string; color: string; description: string | null },
  ): LabelRow
  update(id: number, label: { name: string; color: string; description: string | null }): void
  remove(id: number): void
  /** In the order in which they were set. */
  of(issueId: number): LabelRow[]
  add(issueId: number, labelId: number): boolean
  take(issueId: number, labelId: number): boolean
}

export function labelsStore(sql: Sql): Labels {
  const byName = (repoId: number, name: string) =>
    sql.get<LabelRow>('SELECT * FROM labels WHERE repo_id = ? AND name = ?', repoId, name)
  return {
    byName,
    all: (repoId) =>
      sql.all<LabelRow>('SELECT * FROM labels WHERE repo_id = ? ORDER BY name', repoId),
    create: (repoId, { name, color, description }) => {
      sql.run(
        'INSERT INTO labels (repo_id, name, color, description) VALUES (?, ?, ?, ?)',
        repoId,
        name,
        color,
        description,
      )
      return byName(repoId, name) as LabelRow
    },
    update: (id, { name, color, description }) => {
      sql.run(
        'UPDATE labels SET name = ?, color = ?, description = ? WHERE id = ?',
        name,
        color,
        description,
        id,
      )
    },
    remove: (id) => {
      sql.run('DELETE FROM labels WHERE id = ?', id)
    },
    of: (issueId) =>
      sql.all<LabelRow>(
        `SELECT labels.* FROM labels JOIN issue_labels ON label_id = labels.id
         WHERE issue_id = ? ORDER BY issue_labels.rowid`,
        issueId,
      ),
    add: (issueId, labelId) =>
      sql.run(
        'INSERT OR IGNORE INTO issue_labels (issue_id, label_id) VALUES (?, ?)',
        issueId,
        labelId,
      ).changes > 0,
    take: (issueId, labelId) =>
      sql.run('DELETE FROM issue_labels WHERE issue_id = ? AND label_id = ?', issueId, labelId)
        .changes > 0,
  }
}
