/** The half of a pull request that an issue does not have, its reviews and review comments. */
import type { PullIssue, PullRow, ReviewCommentRow, ReviewRow, UserRow } from './rows.ts'
import type { Sql, Value } from './sql.ts'

export type PullFields = Partial<Omit<PullRow, 'issue_id'>>

export interface Pulls {
  byNumber(repoId: number, number: number): PullIssue | undefined
  byIssue(issueId: number): PullIssue | undefined
  all(repoId: number, state: 'open' | 'closed' | 'all'): PullIssue[]
  openFor(repoId: number, head: string, base: string): PullIssue | undefined
  create(
    issueId: number,
    pull: Omit<PullRow, 'issue_id' | 'merged_at' | 'merged_by' | 'merge_commit_sha'>,
  ): void
  update(issueId: number, fields: PullFields): void
  reviews(issueId: number): ReviewRow[]
  review(id: number): ReviewRow | undefined
  addReview(review: Omit<ReviewRow, 'id'>): ReviewRow
  updateReview(
    id: number,
    fields: Partial<Pick<ReviewRow, 'body' | 'state' | 'submitted_at'>>,
  ): void
  removeReview(id: number): void
  comments(issueId: number): ReviewCommentRow[]
  comment(id: number): ReviewCommentRow | undefined
  addComment(comment: Omit<ReviewCommentRow, 'id'>): ReviewCommentRow
  requested(issueId: number): UserRow[]
  request(issueId: number, userId: number): boolean
  unrequest(issueId: number, userId: number): boolean
}

const SELECT = 'SELECT issues.*, pulls.* FROM issues JOIN pulls ON pulls.issue_id = issues.id'

export function pullsStore(sql: Sql): Pulls {
  const insert = (table: string, row: object): number => {
    const entries = Object.entries(row) as [string, Value][]
    const names = entries.map(([name]) => name).join(', ')
    const marks = entries.map(() => '?').join(', ')
    return sql.run(
      `INSERT INTO ${table} (${names}) VALUES (${marks})`,
      ...entries.map(([, value]) => value),
    ).id
  }
  const change = (table: string, key: string, id: number, fields: object) => {
    const entries = Object.entries(fields) as [string, Value][]
    if (entries.length === 0) return
    const sets = entries.map(([name]) => `${name} = ?`).join(', ')
    sql.run(
      `UPDATE ${table} SET ${sets} WHERE ${key} = ?`,
      ...entries.map(([, value]) => value),
      id,
    )
  }
  const review = (id: number) => sql.get<ReviewRow>('SELECT * FROM reviews WHERE id = ?', id)
  const comment = (id: number) =>
    sql.get<ReviewCommentRow>('SELECT * FROM review_comments WHERE id = ?', id)

  return {
    byNumber: (repoId, number) =>
      sql.get<PullIssue>(`${SELECT} WHERE repo_id = ? AND number = ?`, repoId, number),
    byIssue: (issueId) => sql.get<PullIssue>(`${SELECT} WHERE issues.id = ?`, issueId),
    all: (repoId, state) =>
      state === 'all'
        ? sql.all<PullIssue>(`${SELECT} WHERE repo_id = ? ORDER BY number DESC`, repoId)
        : sql.all<PullIssue>(
            `${SELECT} WHERE repo_id = ? AND state = ? ORDER BY number DESC`,
            repoId,
            state,
          ),
    openFor: (repoId, head, base) =>
      sql.get<PullIssue>(
        `${SELECT} WHERE repo_id = ? AND state = 'open' AND head_ref = ? AND base_ref = ?`,
        repoId,
        head,
        base,
      ),
    create: (issueId, pull) => {
      insert('pulls', { issue_id: issueId, ...pull })
    },
    update: (issueId, fields) => change('pulls', 'issue_id', issueId, fields),
    review,
    reviews: (issueId) =>
      sql.all<ReviewRow>('SELECT * FROM reviews WHERE issue_id = ? ORDER BY id', issueId),
    addReview: (row) => review(insert('reviews', row)) as ReviewRow,
    updateReview: (id, fields) => change('reviews', 'id', id, fields),
    removeReview: (id) => {
      sql.run('DELETE FROM review_comments WHERE review_id = ?', id)
      sql.run('DELETE FROM reviews WHERE id = ?', id)
    },
    comment,
    comments: (issueId) =>
      sql.all<ReviewCommentRow>(
        'SELECT * FROM review_comments WHERE issue_id = ? ORDER BY id',
        issueId,
      ),
    addComment: (row) => comment(insert('review_comments', row)) as ReviewCommentRow,
    requested: (issueId) =>
      sql.all<UserRow>(
        `SELECT users.* FROM users JOIN review_requests ON user_id = users.id
         WHERE issue_id = ? ORDER BY review_requests.rowid`,
        issueId,
      ),
    request: (issueId, userId) =>
      sql.run(
        'INSERT OR IGNORE INTO review_requests (issue_id, user_id) VALUES (?, ?)',
        issueId,
        userId,
      ).changes > 0,
    unrequest: (issueId, userId) =>
      sql.run('DELETE FROM review_requests WHERE issue_id = ? AND user_id = ?', issueId, userId)
        .changes > 0,
  }
}
