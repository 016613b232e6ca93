/** What is said and what happens on an issue: comments, reactions, events. */
import type { CommentRow, EventData, EventRow, ReactionRow } from './rows.ts'
import type { Sql } from './sql.ts'

export interface Talk {
  comment(id: number): CommentRow | undefined
  comments(issueId: number, since?: string): CommentRow[]
  commentsOfRepo(repoId: number, since?: string): CommentRow[]
  countComments(issueId: number): number
  addComment(issueId: number, userId: number, body: string, now: string): CommentRow
  editComment(id: number, body: string, now: string): void
  removeComment(id: number): void
  reactions(subject: ReactionRow['subject'], id: number): ReactionRow[]
  /** The reaction, and whether it is new. */
  react(
    subject: ReactionRow['subject'],
    id: number,
    userId: number,
    content: string,
    now: string,
  ): { row: ReactionRow; fresh: boolean }
  unreact(id: number): void
  record(init: {
    repoId: number
    issueId: number
    actorId: number
    event: string
    commitId?: string
    data?: EventData
    now: string
  }): void
  events(issueId: number): EventRow[]
  event(id: number): EventRow | undefined
  eventsOfRepo(repoId: number): EventRow[]
}

export function talkStore(sql: Sql): Talk {
  const comment = (id: number) => sql.get<CommentRow>('SELECT * FROM comments WHERE id = ?', id)
  return {
    comment,
    comments: (issueId, since = '') =>
      sql.all<CommentRow>(
        'SELECT * FROM comments WHERE issue_id = ? AND updated_at >= ? ORDER BY id',
        issueId,
        since,
      ),
    commentsOfRepo: (repoId, since = '') =>
      sql.all<CommentRow>(
        `SELECT comments.* FROM comments JOIN issues ON issues.id = issue_id
         WHERE repo_id = ? AND comments.updated_at >= ? ORDER BY comments.id`,
        repoId,
        since,
      ),
    countComments: (issueId) =>
      sql.get<{ n: number }>('SELECT count(*) AS n FROM comments WHERE issue_id = ?', issueId)?.n ??
      0,
    addComment: (issueId, userId, body, now) => {
      const { id } = sql.run(
        `INSERT INTO comments (issue_id, user_id, body, created_at, updated_at)
         VALUES (?, ?, ?, ?, ?)`,
        issueId,
        userId,
        body,
        now,
        now,
      )
      return comment(id) as CommentRow
    },
    editComment: (id, body, now) => {
      sql.run('UPDATE comments SET body = ?, updated_at = ? WHERE id = ?', body, now, id)
    },
    removeComment: (id) => {
      sql.run("DELETE FROM reactions WHERE subject = 'comment' AND subject_id = ?", id)
      sql.run('DELETE FROM comments WHERE id = ?', id)
    },
    reactions: (subject, id) =>
      sql.all<ReactionRow>(
        'SELECT * FROM reactions WHERE subject = ? AND subject_id = ? ORDER BY id',
        subject,
        id,
      ),
    react: (subject, id, userId, content, now) => {
      const { changes } = sql.run(
        `INSERT OR IGNORE INTO reactions (subject, subject_id, user_id, content, created_at)
         VALUES (?, ?, ?, ?, ?)`,
        subject,
        id,
        userId,
        content,
        now,
      )
      const row = sql.get<ReactionRow>(
        `SELECT * FROM reactions
         WHERE subject = ? AND subject_id = ? AND user_id = ? AND content = ?`,
        subject,
        id,
        userId,
        content,
      )
      return { row: row as ReactionRow, fresh: changes > 0 }
    },
    unreact: (id) => {
      sql.run('DELETE FROM reactions WHERE id = ?', id)
    },
    record: ({ repoId, issueId, actorId, event, commitId, data, now }) => {
      sql.run(
        `INSERT INTO events (repo_id, issue_id, actor_id, event, commit_id, data, created_at)
         VALUES (?, ?, ?, ?, ?, ?, ?)`,
        repoId,
        issueId,
        actorId,
        event,
        commitId ?? null,
        JSON.stringify(data ?? {}),
        now,
      )
    },
    events: (issueId) =>
      sql.all<EventRow>('SELECT * FROM events WHERE issue_id = ? ORDER BY id', issueId),
    event: (id) => sql.get<EventRow>('SELECT * FROM events WHERE id = ?', id),
    eventsOfRepo: (repoId) =>
      sql.all<EventRow>('SELECT * FROM events WHERE repo_id = ? ORDER BY id DESC', repoId),
  }
}
