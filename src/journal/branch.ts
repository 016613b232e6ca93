/**
 * A branch of the own journal that contradicts what peers hold: it was written after the home had been
 * set back. It must leave the store before any peer meets it, since two histories of one key end the
 * replication of that key for ever. So its blocks are copied to a file, and the core is deleted; then
 * what the peers hold is downloaded in its place, and the entries that only the branch had are written
 * again into the new epoch, each with its origin.
 *
 *   branches/<epoch>-<key>-<length that a peer holds>.blocks     u32 size (big endian), block, …
 *
 * A crash at any point repeats the step: the file appears by rename when it is complete, and the core
 * is deleted after that.
 */
import { createReadStream } from 'node:fs'
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type Corestore from 'corestore'
import { decodeEntry } from './decode.ts'
import { syncDirectory } from './durable.ts'
import { maxEntryBytes, type EntryInput, type Origin } from './entries.ts'
import { nameOf, readEpochFile, writeEpochFile } from './epoch.ts'
import type { Source } from './source.ts'
import { openStore } from './store.ts'

export interface Branch {
  path: string
  key: string
  epoch: number
  /** Entries that a peer holds. */
  witnessed: number
}

const directoryOf = (dir: string) => join(dir, 'branches')
const namePattern = /^(\d+)-([0-9a-f]{64})-(\d+)\.blocks$/
/** A block cannot be larger; what is, is damage. */
const maxBlockBytes = 4 * maxEntryBytes

export async function branches(dir: string): Promise<Branch[]> {
  const names = await readdir(directoryOf(dir)).catch(() => [])
  return names.flatMap((name) => {
    const [, epoch, key, witnessed] = namePattern.exec(name) ?? []
    if (epoch === undefined || key === undefined) return []
    const path = join(directoryOf(dir), name)
    return [{ path, key, epoch: Number(epoch), witnessed: Number(witnessed) }]
  })
}

/** Takes the retired branch out of the store when the epoch file asks for it. Returns the store to use. */
export async function cutBranch(dir: string, peerId: string, store: Corestore): Promise<Corestore> {
  const file = await readEpochFile(dir)
  if (file?.cut !== 'asked' || file.retired === undefined || file.peerId !== peerId) return store
  const core = store.get({ name: nameOf(file) })
  await core.ready()
  const { corePointer, dataPointer } = core.state.storage.core
  const isOurs = core.key.toString('hex') === file.key
  if (isOurs && core.length > 0) {
    const name = `${file.epoch}-${file.key}-${file.witnessed?.length ?? 0}.blocks`
    await writeBlocks(join(directoryOf(dir), name), core.contiguousLength, (seq) =>
      core.get(seq, { wait: false }),
    )
  }
  await core.close()
  // The core can be deleted only while nothing of it is in memory.
  await store.close()
  const again = await openStore(dir)
  if (isOurs) await again.storage.deleteCore({ corePointer, dataPointer })
  await writeEpochFile(dir, { ...file, cut: 'done' })
  return again
}

async function writeBlocks(
  path: string,
  length: number,
  block: (seq: number) => Promise<Buffer | null>,
): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const draft = `${path}.new`
  const file = await open(draft, 'w', 0o600)
  try {
    for (let seq = 0; seq < length; seq += 1) {
      const bytes = await block(seq)
      if (bytes === null) break
      const size = Buffer.alloc(4)
      size.writeUInt32BE(bytes.byteLength)
      await file.writev([size, bytes])
    }
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(draft, path)
  await syncDirectory(dirname(path))
}

/** The blocks in order; ends at the first that is damaged. */
async function* blocksOf(path: string): AsyncGenerator<Buffer> {
  let rest = Buffer.alloc(0)
  for await (const chunk of createReadStream(path)) {
    rest = Buffer.concat([rest, chunk as Buffer])
    for (;;) {
      if (rest.byteLength < 4) break
      const size = rest.readUInt32BE(0)
      if (size > maxBlockBytes) return
      if (rest.byteLength < 4 + size) break
      yield rest.subarray(4, 4 + size)
      rest = rest.subarray(4 + size)
    }
  }
}

/**
 * Writes again what only the branch had, once, and removes its file. False when `replica` has not
 * arrived yet. `own`: the journal that is written now; its entries tell what was written again before
 * a crash.
 */
export async function mendBranch(
  branch: Branch,
  {
    replica,
    own,
    append,
  }: {
    replica: Source | undefined
    own: Source
    append: (entry: EntryInput, origin: Origin) => Promise<unknown>
  },
): Promise<boolean> {
  if (replica === undefined || replica.readable < Math.max(1, branch.witnessed)) return false
  const length = replica.readable
  const { key, epoch } = branch
  let done = -1
  for (let seq = 0; seq < own.readable; seq += 1) {
    const entry = await own.entry(seq)
    if (entry?.origin?.key === key) done = Math.max(done, entry.origin.seq)
  }
  let seq = -1
  let differs = false
  for await (const block of blocksOf(branch.path)) {
    seq += 1
    if (!differs && seq < length) {
      const theirs = await replica.core.get(seq, { wait: false })
      if (theirs === null) return false
      differs = !theirs.equals(block)
    }
    if ((!differs && seq < length) || seq <= done) continue
    const decoded = decodeEntry(block, { epoch, seq })
    if (!decoded.ok || decoded.entry.type === 'unknown') continue
    // These two speak of a process and of the old key.
    if (decoded.entry.type === 'agent.started' || decoded.entry.type === 'agent.stopped') continue
    const { v: _v, epoch: _epoch, seq: _seq, time, origin, ...input } = decoded.entry
    await append(input, origin ?? { key, epoch, seq, time })
  }
  await rm(branch.path, { force: true })
  return true
}
