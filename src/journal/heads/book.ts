/**
 * What is remembered for others and about them, across restarts: the longest head of each journal as
 * its owner announced it (what is replicated here is asked for in the store itself), and who was
 * connected last. One small JSON file, written now and then, and when it matters at once.
 */
import { rename } from 'node:fs/promises'
import { z } from 'zod'
import { explain, type Clock, type Logger } from '../../util/index.ts'
import { readJsonFile, writeJsonFile } from '../file.ts'
import type { Head } from '../types.ts'

const hex = (bytes: number) => z.string().regex(new RegExp(`^[0-9a-f]{${bytes * 2}}$`))
const count = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER)
const headSchema = z.object({
  key: hex(32),
  epoch: count,
  length: count,
  fork: count,
  treeHash: hex(32),
  signature: z.string().regex(/^([0-9a-f]{2}){64,128}$/),
})
const noteSchema = headSchema.extend({ peerId: z.string().min(1).max(256) })
type Note = z.infer<typeof noteSchema>
const maxCompany = 64
const companySchema = z.array(z.string().min(1).max(256)).max(maxCompany)
const fileSchema = z.object({ v: z.literal(1), company: companySchema, heads: z.array(noteSchema) })

/** Pause between a change and its writing, ms: heads change all the time, and the store has most. */
const saveAfterMs = 10_000

export interface Book {
  /** Reads the file; a damaged one is put aside. */
  load(): Promise<void>
  /** A head as the owner announced it. Unsigned ones and shorter ones are left. */
  note(peerId: string, head: Head): void
  /** The longest noted heads of a peer's journals, by key. */
  headsOf(peerId: string): Map<string, Head>
  /** Who is connected; the last ones when more than fit. */
  readonly company: readonly string[]
  joined(peerId: string): void
  left(peerId: string): void
  /** Writes what changed; a failure is logged. */
  flush(): Promise<void>
}

export function createBook(
  { path, maxHeads }: { path: string; maxHeads: number },
  { logger, clock }: { logger: Logger; clock: Clock },
): Book {
  const notes = new Map<string, Note>()
  let company: string[] = []
  let isDirty = false
  let saving: Promise<void> | undefined
  let cancel: (() => void) | undefined

  async function save(): Promise<void> {
    while (isDirty) {
      isDirty = false
      try {
        await writeJsonFile(path, { v: 1, company, heads: [...notes.values()] })
      } catch (error) {
        logger.error({ error: explain(error) }, 'the heads of journals were not saved')
      }
    }
    saving = undefined
  }

  function flush(): Promise<void> {
    cancel?.()
    cancel = undefined
    return (saving ??= Promise.resolve().then(save))
  }

  function changed(): void {
    isDirty = true
    cancel ??= clock.after(saveAfterMs, () => void flush())
  }

  return {
    async load() {
      try {
        const file = await readJsonFile(path, {
          what: 'The heads of journals',
          schema: fileSchema,
          maxBytes: 1_024 * (maxHeads + 64),
        })
        company = file?.company ?? []
        for (const note of file?.heads.slice(-maxHeads) ?? []) notes.set(note.key, note)
      } catch (error) {
        logger.error({ error: explain(error) }, 'the heads of journals are put aside')
        await rename(path, `${path}.damaged`)
      }
    },
    note(peerId, head) {
      const parsed = noteSchema.safeParse({ ...head, peerId })
      if (!parsed.success) return
      const known = notes.get(head.key)
      if (known?.peerId === peerId && known.length >= head.length) return
      notes.delete(head.key)
      notes.set(head.key, parsed.data)
      if (notes.size > maxHeads) {
        const [oldest] = notes.keys()
        if (oldest !== undefined) notes.delete(oldest)
      }
      changed()
    },
    headsOf(peerId) {
      const own = [...notes.values()].filter((note) => note.peerId === peerId)
      return new Map(own.map((note) => [note.key, note]))
    },
    get company() {
      return company
    },
    joined(peerId) {
      if (company.includes(peerId)) return
      company = [...company, peerId].slice(-maxCompany)
      changed()
    },
    left(peerId) {
      if (!company.includes(peerId)) return
      company = company.filter((one) => one !== peerId)
      changed()
    },
    async flush() {
      if (isDirty) await flush()
      else await saving
      cancel?.()
      cancel = undefined
    },
  }
}
