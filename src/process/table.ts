/**
 * The process table on disk: one file per child, written when it starts and removed when nothing
 * of it is left, so that a restarted agent (or the reaper of a dead one) finds what remains. Pid,
 * start and boot together are one process; a pid alone is never trusted.
 */
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { decodeJson } from '../util/index.ts'

const MAX_RECORD_BYTES = 16 * 1024
/** More files than children ever run at once; what is beyond waits for the next sweep. */
const MAX_RECORDS = 4_096

const Identity = { pid: z.int().min(2), start: z.string().max(32) }

const RecordSchema = z.object({
  /** "<owner>.<n>", also in the child's mark. */
  id: z.string().regex(/^[0-9a-f]{16}\.\d+$/),
  ...Identity,
  boot: z.string().max(64),
  owner: z.object({ id: z.string().regex(/^[0-9a-f]{16}$/), ...Identity, pid: z.int().min(1) }),
  purpose: z.string().max(1_024),
  startedAt: z.number(),
})

export type ProcessRecord = z.infer<typeof RecordSchema>

export interface ProcessTable {
  write(record: ProcessRecord): void
  remove(id: string): void
  /** Every readable record; unreadable ones are dropped and counted. */
  read(): { records: ProcessRecord[]; dropped: number }
}

export function processTable(stateDir: string): ProcessTable {
  const folder = join(stateDir, 'processes')
  const fileOf = (id: string) => join(folder, `${id}.json`)

  function readOne(file: string): ProcessRecord | undefined {
    try {
      if (statSync(file).size > MAX_RECORD_BYTES) return undefined
      const what = 'process record'
      return decodeJson(readFileSync(file), {
        what,
        schema: RecordSchema,
        maxBytes: MAX_RECORD_BYTES,
      })
    } catch {
      return undefined
    }
  }

  return {
    write(record) {
      mkdirSync(folder, { recursive: true, mode: 0o700 })
      const temporary = `${fileOf(record.id)}.tmp`
      writeFileSync(temporary, JSON.stringify(record), { mode: 0o600 })
      renameSync(temporary, fileOf(record.id))
    },
    remove(id) {
      rmSync(fileOf(id), { force: true })
    },
    read() {
      mkdirSync(folder, { recursive: true, mode: 0o700 })
      const all = readdirSync(folder)
      for (const name of all) if (name.endsWith('.tmp')) rmSync(join(folder, name), { force: true })
      const names = all.filter((name) => name.endsWith('.json'))
      const records: ProcessRecord[] = []
      let dropped = 0
      for (const name of names.slice(0, MAX_RECORDS)) {
        const record = readOne(join(folder, name))
        if (record !== undefined && `${record.id}.json` === name) records.push(record)
        else {
          rmSync(join(folder, name), { force: true })
          dropped += 1
        }
      }
      return { records, dropped }
    },
  }
}
