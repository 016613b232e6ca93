/** Webhooks of a repository, and the newest deliveries of each. */
import type { DeliveryRow, HookRow } from './rows.ts'
import type { Sql, Value } from './sql.ts'

export type HookFields = Partial<
  Omit<HookRow, 'id' | 'repo_id' | 'created_at'> & { updated_at: string }
>

export interface HookStore {
  byId(id: number): HookRow | undefined
  of(repoId: number): HookRow[]
  /** Ids of repositories that have a webhook. */
  repositories(): number[]
  create(hook: Omit<HookRow, 'id' | 'last_code' | 'last_status' | 'last_message'>): HookRow
  update(id: number, fields: HookFields): void
  remove(id: number): void
  /** Newest first. */
  deliveries(hookId: number): DeliveryRow[]
  delivery(id: number): DeliveryRow | undefined
  addDelivery(row: Omit<DeliveryRow, 'id'>): DeliveryRow
}

/** Deliveries kept of one hook. */
const KEPT = 250

export function hookStore(sql: Sql): HookStore {
  const byId = (id: number) => sql.get<HookRow>('SELECT * FROM hooks WHERE id = ?', id)
  const delivery = (id: number) => sql.get<DeliveryRow>('SELECT * FROM deliveries WHERE id = ?', id)
  const insert = (table: string, row: object): number => {
    const entries = Object.entries(row) as [string, Value][]
    const names = entries.map(([name]) => name).join(', ')
    const marks = entries.map(() => '?').join(', ')
    return sql.run(
      `INSERT INTO ${table} (${names}) VALUES (${marks})`,
      ...entries.map(([, value]) => value),
    ).id
  }
  return {
    byId,
    delivery,
    of: (repoId) => sql.all<HookRow>('SELECT * FROM hooks WHERE repo_id = ? ORDER BY id', repoId),
    repositories: () =>
      sql.all<{ id: number }>('SELECT DISTINCT repo_id AS id FROM hooks').map(({ id }) => id),
    create: (hook) => byId(insert('hooks', { ...hook, last_status: 'unused' })) as HookRow,
    update: (id, fields) => {
      const entries = Object.entries(fields) as [string, Value][]
      if (entries.length === 0) return
      const sets = entries.map(([name]) => `${name} = ?`).join(', ')
      sql.run(`UPDATE hooks SET ${sets} WHERE id = ?`, ...entries.map(([, value]) => value), id)
    },
    remove: (id) => {
      sql.run('DELETE FROM hooks WHERE id = ?', id)
    },
    deliveries: (hookId) =>
      sql.all<DeliveryRow>('SELECT * FROM deliveries WHERE hook_id = ? ORDER BY id DESC', hookId),
    addDelivery: (row) => {
      const id = insert('deliveries', row)
      sql.run(
        `DELETE FROM deliveries WHERE hook_id = ? AND id NOT IN
           (SELECT id FROM deliveries WHERE hook_id = ? ORDER BY id DESC LIMIT ${KEPT})`,
        row.hook_id,
        row.hook_id,
      )
      return delivery(id) as DeliveryRow
    },
  }
}
