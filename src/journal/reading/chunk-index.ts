/**
 * What stands where in a journal, for each chunk of 256 entries: the latest and earliest time, the
 * latest order, which types and which issues occur. A question about a task, a type or a time then
 * reads only the chunks that may answer it. About 1 byte for each entry, in memory and on disk.
 *
 * Times and orders are the latest *up to there*, so that they rise also when a clock was set back or a
 * peer lies, and can be searched.
 *
 * The index is a cache beside the store, never a source of truth: one file a journal, appended to as
 * chunks become full, each record with its checksum. It is thrown away and built again when the file
 * is of another version, belongs to another journal, covers more than there is, or when the records
 * of its last chunk and of another one taken at random are not those that the entries give (looked at
 * when the first question comes). Records behind a damaged one are dropped. Entries that are decoded
 * anyway are taken in on the way (`offer`); what was missed is read when a question comes (`grow`).
 */
import { appendFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { explain, type Logger } from '../../util/index.ts'
import {
  chunkEntries,
  decodeChunk,
  encodeChunk,
  summarize,
  typesMark,
  type Chunk,
  type ChunkFilter,
  type Entry,
} from './chunk.ts'

/** Chunks that wait to be written to the file. */
const maxUnsaved = 32
/** Largest index that is read: 64 million entries with 256 issues in every chunk, bytes. */
const maxFileBytes = 256 * 1024 * 1024
const version = 1

export interface ChunkIndexInit {
  path: string
  /** Public key of the journal, hex. */
  key: string
}

export interface ChunkIndexComponents {
  /**
   * Entries from `from` to before `to`; undefined those that do not decode. Undefined as a whole when
   * they cannot be read any more, since the journal was closed.
   */
  entries: (from: number, to: number) => Promise<readonly (Entry | undefined)[] | undefined>
  /** The first entry from `seq` on that was not dropped. */
  keptFrom: (seq: number) => number
  logger: Logger
  random?: () => number
}

export interface ChunkIndex {
  /** Entries from 0 on that it knows: a multiple of `chunkEntries`. */
  readonly covered: number
  /** Reads the file. Never rejects; idempotent. */
  load(): Promise<void>
  /** The entry at `seq` was decoded; taken in when it is the next one. */
  offer(seq: number, entry: Entry | undefined): void
  /** Checks what was loaded, once, and reads what is missing of `length` entries. */
  grow(length: number): Promise<void>
  /** First entry from `seq` on that may match, and the latest order before it (0 at the start). */
  next(seq: number, filter: ChunkFilter): { seq: number; order: number }
  chunk(at: number): Chunk | undefined
  /** Writes what waits. Never rejects. */
  close(): Promise<void>
}

export function createChunkIndex(
  { path, key }: ChunkIndexInit,
  { entries, keptFrom, logger, random = Math.random }: ChunkIndexComponents,
): ChunkIndex {
  const header = Buffer.alloc(48)
  header.write('BZIX', 'latin1')
  header.writeUInt32LE(version, 4)
  header.writeUInt32LE(typesMark, 8)
  header.write(key, 16, 'hex')

  const chunks: Chunk[] = []
  /** Entries of the chunk that is not full. */
  let open: (Entry | undefined)[] = []
  let saved = 0
  /** Chunks that came from the file. */
  let loaded = 0
  /** The file is to be written anew. */
  let isStale = true
  let loading: Promise<void> | undefined
  let isLoaded = false
  let isChecked = false
  let growing: Promise<void> = Promise.resolve()
  let saving: Promise<void> = Promise.resolve()

  async function load(): Promise<void> {
    try {
      const file = await readFile(path)
      if (file.byteLength > maxFileBytes || !file.subarray(0, 48).equals(header)) return
      const good = decode(file)
      isStale = good < file.byteLength
      saved = loaded = chunks.length
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
      logger.warn({ path, error: explain(error) }, 'an index of a journal cannot be read')
    } finally {
      isLoaded = true
    }
  }

  /** Bytes of the file that are good. */
  function decode(file: Buffer): number {
    let at = header.byteLength
    for (let next = decodeChunk(file, at); next !== undefined; next = decodeChunk(file, at)) {
      chunks.push(next.chunk)
      at = next.end
    }
    return at
  }

  function add(entry: Entry | undefined): void {
    open.push(entry)
    if (open.length < chunkEntries) return
    chunks.push(summarize(open, chunks.at(-1)))
    open = []
    if (chunks.length - saved >= maxUnsaved) save()
  }

  function save(): void {
    saving = saving.then(async () => {
      try {
        const from = isStale ? 0 : saved
        const to = chunks.length
        if (from === to) return
        const bytes = Buffer.concat(chunks.slice(from, to).map(encodeChunk))
        if (isStale) {
          await mkdir(dirname(path), { recursive: true, mode: 0o700 })
          await writeFile(path, Buffer.concat([header, bytes]), { mode: 0o600 })
        } else await appendFile(path, bytes)
        isStale = false
        saved = to
      } catch (error) {
        // Half of it may stand there.
        isStale = true
        logger.warn({ path, error: explain(error) }, 'an index of a journal was not saved')
      }
    })
  }

  async function check(length: number): Promise<void> {
    isChecked = true
    const count = loaded
    const wrong = async (at: number) => {
      const from = at * chunkEntries
      if (keptFrom(from) !== from) return false
      const page = await entries(from, from + chunkEntries)
      if (page === undefined) return false
      const now = summarize(page, chunks[at - 1])
      return !encodeChunk(now).equals(encodeChunk(chunks[at] ?? now))
    }
    const fits =
      count === 0 ||
      (count * chunkEntries <= length &&
        !(await wrong(count - 1)) &&
        !(await wrong(Math.floor(random() * count))))
    if (fits) return
    logger.warn({ path }, 'an index of a journal did not fit and is built again')
    chunks.length = 0
    open = []
    saved = 0
    isStale = true
    await rm(path, { force: true })
  }

  async function grow(length: number): Promise<void> {
    await (loading ??= load())
    if (!isChecked) await check(length)
    for (;;) {
      const from = chunks.length * chunkEntries + open.length
      const to = Math.min(from + chunkEntries - open.length, length)
      if (to <= from || to % chunkEntries !== 0) return
      const page = await entries(from, to)
      if (page === undefined) return
      // Others may have been offered meanwhile.
      const done = chunks.length * chunkEntries + open.length - from
      for (const entry of page.slice(Math.max(0, done))) add(entry)
    }
  }

  return {
    get covered() {
      return chunks.length * chunkEntries
    },
    load: () => (loading ??= load()),
    offer(seq, entry) {
      if (isLoaded && seq === chunks.length * chunkEntries + open.length) add(entry)
    },
    grow(length) {
      const turn = growing.then(() => grow(length))
      growing = turn.catch(() => undefined)
      return turn
    },
    next(seq, filter) {
      let at = Math.floor(seq / chunkEntries)
      if (at >= chunks.length || filter(chunks[at] as Chunk)) return { seq, order: 0 }
      do at += 1
      while (at < chunks.length && !filter(chunks[at] as Chunk))
      return { seq: at * chunkEntries, order: chunks[at - 1]?.order ?? 0 }
    },
    chunk: (at) => chunks[at],
    async close() {
      if (isLoaded) save()
      await saving
    },
  }
}
