/** What an issue leaves behind when it goes, and what it takes along to another repository. */
import type { IssueRow } from './rows.ts'
import type { Sql } from './sql.ts'

/** Comments, events, reactions, assignees and relations; labels belong to a repository and stay. */
export function moveTalk(sql: Sql, from: number, to: number, repoId: number): void {
  sql.run('UPDATE comments SET issue_id = ? WHERE issue_id = ?', to, from)
  sql.run('UPDATE events SET issue_id = ?, repo_id = ? WHERE issue_id = ?', to, repoId, from)
  sql.run(
    "UPDATE reactions SET subject_id = ? WHERE subject = 'issue' AND subject_id = ?",
    to,
    from,
  )
  sql.run('UPDATE assignees SET issue_id = ? WHERE issue_id = ?', to, from)
  sql.run('UPDATE issue_links SET from_id = ? WHERE from_id = ?', to, from)
  sql.run('UPDATE issue_links SET to_id = ? WHERE to_id = ?', to, from)
}

export function removeIssue(sql: Sql, { id }: IssueRow): void {
  sql.run(
    `DELETE FROM reactions WHERE (subject = 'issue' AND subject_id = ?) OR (subject = 'comment'
       AND subject_id IN (SELECT id FROM comments WHERE issue_id = ?))`,
    id,
    id,
  )
  for (const table of ['comments', 'events', 'assignees', 'issue_labels'])
    sql.run(`DELETE FROM ${table} WHERE issue_id = ?`, id)
  sql.run('DELETE FROM issue_links WHERE from_id = ? OR to_id = ?', id, id)
  sql.run('DELETE FROM issues WHERE id = ?', id)
}
