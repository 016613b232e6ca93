/**
 * node:sqlite with typed rows and prepared statements kept. Everything is synchronous: a
 * transaction cannot interleave with another request, so invariants (numbers without gaps, one
 * open pull request per head and base) hold without locks of their own.
 */
import { DatabaseSync, type StatementSync } from 'node:sqlite'

export type Value = string | number | null

export interface Sql {
  all<Row>(text: string, ...values: Value[]): Row[]
  get<Row>(text: string, ...values: Value[]): Row | undefined
  run(text: string, ...values: Value[]): { changes: number; id: number }
  transaction<T>(work: () => T): T
  /** Runs `work` once the transaction in progress is committed, at once without one; a rollback forgets it. */
  afterCommit(work: () => void): void
  close(): void
}

/** Statements kept ready; filters make new texts, so there is a bound. */
const PREPARED = 256

export function openSql(file: string, schema: string): Sql {
  const db = new DatabaseSync(file)
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON')
  db.exec(schema)
  const prepared = new Map<string, StatementSync>()
  let depth = 0
  let later: (() => void)[] = []

  function statement(text: string): StatementSync {
    const known = prepared.get(text)
    if (known !== undefined) return known
    if (prepared.size >= PREPARED) prepared.clear()
    const made = db.prepare(text)
    prepared.set(text, made)
    return made
  }

  return {
    all: <Row>(text: string, ...values: Value[]) => statement(text).all(...values) as Row[],
    get: <Row>(text: string, ...values: Value[]) =>
      statement(text).get(...values) as Row | undefined,
    run: (text, ...values) => {
      const { changes, lastInsertRowid } = statement(text).run(...values)
      return { changes: Number(changes), id: Number(lastInsertRowid) }
    },
    transaction: (work) => {
      if (depth > 0) return work()
      db.exec('BEGIN IMMEDIATE')
      depth += 1
      let result: ReturnType<typeof work>
      try {
        result = work()
        db.exec('COMMIT')
      } catch (error) {
        later = []
        db.exec('ROLLBACK')
        throw error
      } finally {
        depth -= 1
      }
      const waiting = later
      later = []
      for (const each of waiting) each()
      return result
    },
    afterCommit: (work) => {
      if (depth > 0) later.push(work)
      else work()
    },
    close: () => db.close(),
  }
}
