/** The forge's records: one database, one small store per kind. */
import { checksStore, type Checks } from './checks.ts'
import { hookStore, type HookStore } from './hooks.ts'
import { issuesStore, type Issues } from './issues.ts'
import { labelsStore, type Labels } from './labels.ts'
import { pullsStore, type Pulls } from './pulls.ts'
import { relationsStore, type Relations } from './relations.ts'
import { reposStore, type Repos } from './repos.ts'
import { SCHEMA } from './schema.ts'
import { openSql } from './sql.ts'
import { talkStore, type Talk } from './talk.ts'
import { usersStore, type Users } from './users.ts'

export interface Store {
  users: Users
  repos: Repos
  issues: Issues
  labels: Labels
  talk: Talk
  pulls: Pulls
  checks: Checks
  hooks: HookStore
  /** Undefined: this forge has neither dependencies nor sub-issues. */
  relations: Relations | undefined
  transaction<T>(work: () => T): T
  /** Runs `work` after the transaction in progress, or at once. */
  afterCommit(work: () => void): void
  close(): void
}

export function openStore(file: string, { relations }: { relations: boolean }): Store {
  const sql = openSql(file, SCHEMA)
  return {
    users: usersStore(sql),
    repos: reposStore(sql),
    issues: issuesStore(sql),
    labels: labelsStore(sql),
    talk: talkStore(sql),
    pulls: pullsStore(sql),
    checks: checksStore(sql),
    hooks: hookStore(sql),
    relations: relations ? relationsStore(sql) : undefined,
    transaction: (work) => sql.transaction(work),
    afterCommit: (work) => sql.afterCommit(work),
    close: () => sql.close(),
  }
}
