/** How issues stand to each other: which blocks which, and which is part of which. */
import type { IssueRow } from './rows.ts'
import type { Sql } from './sql.ts'

export interface Relations {
  /** What blocks the issue. */
  blockers(id: number): IssueRow[]
  /** What the issue blocks. */
  blocked(id: number): IssueRow[]
  block(blocker: number, blocked: number): boolean
  unblock(blocker: number, blocked: number): boolean
  /** Parts of the issue, the most urgent first. */
  parts(id: number): IssueRow[]
  parent(id: number): IssueRow | undefined
  /** At the end of the parent's parts; leaves a former parent. */
  addPart(parent: number, part: number): void
  removePart(parent: number, part: number): boolean
  /** Ids of all parts, in their new order. */
  orderParts(parent: number, parts: readonly number[]): void
}

export function relationsStore(sql: Sql): Relations {
  const insert = (kind: string, from: number, to: number) =>
    sql.run(
      'INSERT OR IGNORE INTO issue_links (kind, from_id, to_id) VALUES (?, ?, ?)',
      kind,
      from,
      to,
    )
  const remove = (kind: string, from: number, to: number) =>
    sql.run('DELETE FROM issue_links WHERE kind = ? AND from_id = ? AND to_id = ?', kind, from, to)
      .changes > 0
  const targets = (kind: string, from: number) =>
    sql.all<IssueRow>(
      `SELECT issues.* FROM issues JOIN issue_links ON issues.id = to_id
       WHERE kind = ? AND from_id = ? ORDER BY place, issue_links.id`,
      kind,
      from,
    )
  const sources = (kind: string, to: number) =>
    sql.all<IssueRow>(
      `SELECT issues.* FROM issues JOIN issue_links ON issues.id = from_id
       WHERE kind = ? AND to_id = ? ORDER BY issue_links.id`,
      kind,
      to,
    )
  return {
    blockers: (id) => sources('blocks', id),
    blocked: (id) => targets('blocks', id),
    block: (blocker, blocked) => insert('blocks', blocker, blocked).changes > 0,
    unblock: (blocker, blocked) => remove('blocks', blocker, blocked),
    parts: (id) => targets('part', id),
    parent: (id) => sources('part', id)[0],
    addPart: (parent, part) => {
      sql.run("DELETE FROM issue_links WHERE kind = 'part' AND to_id = ?", part)
      insert('part', parent, part)
    },
    removePart: (parent, part) => remove('part', parent, part),
    orderParts: (parent, parts) => {
      parts.forEach((part, place) =>
        sql.run(
          "UPDATE issue_links SET place = ? WHERE kind = 'part' AND from_id = ? AND to_id = ?",
          place,
          parent,
          part,
        ),
      )
    },
  }
}
