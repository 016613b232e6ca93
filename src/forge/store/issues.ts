/** Issues (pull requests are issues, too), their assignees and their filters. */
import type { IssueRow, UserRow } from './rows.ts'
import { moveTalk, removeIssue } from './gone.ts'
import type { Sql, Value } from './sql.ts'

export interface IssueFilter {
  repoId: number
  state: 'open' | 'closed' | 'all'
  /** Every one of them must be set. */
  labels?: string[]
  assignee?: string
  creator?: string
  mentioned?: string
  since?: string
  pulls?: 'with' | 'without' | 'only'
  sort: 'created' | 'updated' | 'comments'
  direction: 'asc' | 'desc'
  limit: number
  offset: number
}

export interface NewIssue {
  repoId: number
  number: number
  pull: boolean
  title: string
  body: string | null
  userId: number
  now: string
}

export type IssueFields = Partial<
  Pick<
    IssueRow,
    | 'title'
    | 'body'
    | 'state'
    | 'state_reason'
    | 'locked'
    | 'lock_reason'
    | 'closed_at'
    | 'closed_by'
  >
>

export interface Issues {
  byNumber(repoId: number, number: number): IssueRow | undefined
  byId(id: number): IssueRow | undefined
  list(filter: IssueFilter): { rows: IssueRow[]; total: number }
  create(init: NewIssue): IssueRow
  update(id: number, fields: IssueFields, now: string): void
  /** What became of an issue that is not there any more. */
  gone(repoId: number, number: number): { moved_to: number | null } | undefined
  /** Takes an issue out with all that hangs on it. */
  remove(row: IssueRow): void
  /** Puts an issue, under a new id and number, into another repository. */
  move(row: IssueRow, to: { repoId: number; number: number; now: string }): IssueRow
  assignees(id: number): UserRow[]
  assign(id: number, userId: number): boolean
  unassign(id: number, userId: number): boolean
}

function where(filter: IssueFilter): { text: string; values: Value[] } {
  const parts = ['issues.repo_id = ?']
  const values: Value[] = [filter.repoId]
  const add = (text: string, ...more: Value[]) => {
    parts.push(text)
    values.push(...more)
  }
  if (filter.state !== 'all') add('issues.state = ?', filter.state)
  if (filter.pulls === 'without') add('issues.is_pull = 0')
  if (filter.pulls === 'only') add('issues.is_pull = 1')
  if (filter.since !== undefined) add('issues.updated_at >= ?', filter.since)
  if (filter.creator !== undefined)
    add('issues.user_id IN (SELECT id FROM users WHERE login = ?)', filter.creator)
  if (filter.mentioned !== undefined)
    add('instr(lower(issues.body), ?) > 0', `@${filter.mentioned.toLowerCase()}`)
  const assigned =
    'EXISTS (SELECT 1 FROM assignees JOIN users ON users.id = assignees.user_id WHERE issue_id = issues.id'
  if (filter.assignee === 'none') add(`NOT ${assigned})`)
  else if (filter.assignee === '*') add(`${assigned})`)
  else if (filter.assignee !== undefined) add(`${assigned} AND users.login = ?)`, filter.assignee)
  for (const label of filter.labels ?? [])
    add(
      `EXISTS (SELECT 1 FROM issue_labels JOIN labels ON labels.id = label_id
        WHERE issue_id = issues.id AND labels.name = ?)`,
      label,
    )
  return { text: parts.join(' AND '), values }
}

const ORDER = {
  created: 'issues.number',
  updated: 'issues.updated_at',
  comments: '(SELECT count(*) FROM comments WHERE issue_id = issues.id)',
}

export function issuesStore(sql: Sql): Issues {
  const byId = (id: number) => sql.get<IssueRow>('SELECT * FROM issues WHERE id = ?', id)
  const bury = (row: IssueRow, movedTo: number | null) =>
    sql.run(
      'INSERT INTO gone_issues (repo_id, number, moved_to) VALUES (?, ?, ?)',
      row.repo_id,
      row.number,
      movedTo,
    )

  return {
    byId,
    byNumber: (repoId, number) =>
      sql.get<IssueRow>('SELECT * FROM issues WHERE repo_id = ? AND number = ?', repoId, number),
    list: (filter) => {
      const { text, values } = where(filter)
      const down = filter.direction === 'asc' ? 'ASC' : 'DESC'
      const rows = sql.all<IssueRow>(
        `SELECT issues.* FROM issues WHERE ${text}
         ORDER BY ${ORDER[filter.sort]} ${down}, issues.number ${down} LIMIT ? OFFSET ?`,
        ...values,
        filter.limit,
        filter.offset,
      )
      const all = sql.get<{ n: number }>(
        `SELECT count(*) AS n FROM issues WHERE ${text}`,
        ...values,
      )
      return { rows, total: all?.n ?? 0 }
    },
    create: ({ repoId, number, pull, title, body, userId, now }) => {
      const { id } = sql.run(
        `INSERT INTO issues (repo_id, number, is_pull, title, body, state, user_id, created_at,
           updated_at) VALUES (?, ?, ?, ?, ?, 'open', ?, ?, ?)`,
        repoId,
        number,
        pull ? 1 : 0,
        title,
        body,
        userId,
        now,
        now,
      )
      return byId(id) as IssueRow
    },
    update: (id, fields, now) => {
      const entries = Object.entries(fields).filter(([, value]) => value !== undefined)
      const sets = [...entries.map(([name]) => `${name} = ?`), 'updated_at = ?']
      sql.run(
        `UPDATE issues SET ${sets.join(', ')} WHERE id = ?`,
        ...entries.map(([, value]) => value),
        now,
        id,
      )
    },
    gone: (repoId, number) =>
      sql.get<{ moved_to: number | null }>(
        'SELECT moved_to FROM gone_issues WHERE repo_id = ? AND number = ?',
        repoId,
        number,
      ),
    remove: (row) => {
      removeIssue(sql, row)
      bury(row, null)
    },
    move: (row, { repoId, number, now }) => {
      const { id } = sql.run(
        `INSERT INTO issues (repo_id, number, is_pull, title, body, state, state_reason, user_id,
           locked, lock_reason, created_at, updated_at, closed_at, closed_by)
         SELECT ?, ?, is_pull, title, body, state, state_reason, user_id,
           locked, lock_reason, created_at, ?, closed_at, closed_by FROM issues WHERE id = ?`,
        repoId,
        number,
        now,
        row.id,
      )
      moveTalk(sql, row.id, id, repoId)
      sql.run('UPDATE gone_issues SET moved_to = ? WHERE moved_to = ?', id, row.id)
      removeIssue(sql, row)
      bury(row, id)
      return byId(id) as IssueRow
    },
    assignees: (id) =>
      sql.all<UserRow>(
        `SELECT users.* FROM users JOIN assignees ON assignees.user_id = users.id
         WHERE issue_id = ? ORDER BY assignees.rowid`,
        id,
      ),
    assign: (id, userId) =>
      sql.run('INSERT OR IGNORE INTO assignees (issue_id, user_id) VALUES (?, ?)', id, userId)
        .changes > 0,
    unassign: (id, userId) =>
      sql.run('DELETE FROM assignees WHERE issue_id = ? AND user_id = ?', id, userId).changes > 0,
  }
}
