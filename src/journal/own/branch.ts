/**
 * A branch of the own journal that contradicts what peers hold: it was written after the home had been
 * set back.
 *
 * Found out by asking, it leaves the store before any peer meets it, since two histories of one key
 * end the replication of that key for ever: its blocks are copied to a file, and the core is deleted.
 * Then what the peers hold is downloaded in its place, and the entries that only the branch had are
 * written again into the new epoch, each with its origin.
 *
 * Found out by hypercore, it is too late for that: the key is frozen at whoever met both. The branch
 * stays, readable here; what this run wrote of it is copied to a file, and written again at once.
 *
 *   branches/<epoch>-<key>-<first entry>-<length that a peer holds, or `kept`>.blocks
 *   u32 size (big endian), block, u32 size, …
 *
 * A crash at any point repeats the step: the file appears by rename when it is complete, and the core
 * is deleted after that.
 */
import { createReadStream } from 'node:fs'
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type Corestore from 'corestore'
import { decodeEntry } from '../decode.ts'
import { syncDirectory } from './durable.ts'
import { maxEntryBytes, type EntryInput, type Origin } from '../entries.ts'
import { nameOf, readEpochFile, writeEpochFile } from './epoch.ts'
import type { Source } from '../replica/source.ts'
import { openStore } from './store.ts'

export interface Branch {
  path: string
  key: string
  epoch: number
  /** Index of the first block in the file. */
  from: number
  /** Entries that a peer holds; undefined when the core was kept. */
  witnessed: number | undefined
}

const directoryOf = (dir: string) => join(dir, 'branches')
const namePattern = /^(\d+)-([0-9a-f]{64})-(\d+)-(\d+|kept)\.blocks$/
/** A block cannot be larger; what is, is damage. */
const maxBlockBytes = 4 * maxEntryBytes

export async function branches(dir: string): Promise<Branch[]> {
  const names = await readdir(directoryOf(dir)).catch(() => [])
  return names.flatMap((name) => {
    const [, epoch, key, from, end] = namePattern.exec(name) ?? []
    if (epoch === undefined || key === undefined) return []
    const path = join(directoryOf(dir), name)
    const witnessed = end === 'kept' ? undefined : Number(end)
    return [{ path, key, epoch: Number(epoch), from: Number(from), witnessed }]
  })
}

/** Does what the epoch file asks for of a retired branch. Returns the store to use. */
export async function settleBranch(
  dir: string,
  peerId: string,
  store: Corestore,
): Promise<Corestore> {
  const file = await readEpochFile(dir)
  if (file?.retired === undefined || file.peerId !== peerId) return store
  const { cut, again, ...rest } = file
  if (cut !== 'asked' && again === undefined) return store
  const core = store.get({ name: nameOf(file) })
  await core.ready()
  const { corePointer, dataPointer } = core.state.storage.core
  const isOurs = core.key.toString('hex') === file.key
  const from = cut === 'asked' ? 0 : (again ?? 0)
  if (isOurs && core.contiguousLength > from) {
    const end = cut === 'asked' ? (file.witnessed?.length ?? 0) : 'kept'
    const path = join(directoryOf(dir), `${file.epoch}-${file.key}-${from}-${end}.blocks`)
    const block = (seq: number) => core.get(seq, { wait: false })
    await writeBlocks(path, { from, to: core.contiguousLength, block })
  }
  await core.close()
  if (cut !== 'asked') {
    await writeEpochFile(dir, rest)
    return store
  }
  // The core can be deleted only while nothing of it is in memory.
  await store.close()
  const reopened = await openStore(dir)
  if (isOurs) await reopened.storage.deleteCore({ corePointer, dataPointer })
  await writeEpochFile(dir, { ...rest, cut: 'done' })
  return reopened
}

async function writeBlocks(
  path: string,
  { from, to, block }: { from: number; to: number; block: (seq: number) => Promise<Buffer | null> },
): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const draft = `${path}.new`
  const file = await open(draft, 'w', 0o600)
  try {
    for (let seq = from; seq < to; seq += 1) {
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
  const { key, epoch, witnessed } = branch
  // How much of it there is to compare with.
  const length = witnessed === undefined ? 0 : (replica?.readable ?? 0)
  if (length < Math.max(1, witnessed ?? 0) && witnessed !== undefined) return false
  let done = -1
  for (let seq = 0; seq < own.readable; seq += 1) {
    const entry = await own.entry(seq)
    if (entry?.origin?.key === key) done = Math.max(done, entry.origin.seq)
  }
  let seq = branch.from - 1
  let differs = false
  for await (const block of blocksOf(branch.path)) {
    seq += 1
    if (!differs && seq < length) {
      const theirs = await replica?.core.get(seq, { wait: false })
      if (theirs === null || theirs === undefined) return false
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
