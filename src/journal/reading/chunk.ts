/** What is known of 256 entries in a row, made from them, and as bytes with a checksum (`chunk-index.ts`). */
import { crc32 } from 'node:zlib'
import { entryTypes, type JournalEntry, type UnknownEntry } from '../entries.ts'
import { orderOf } from './order.ts'
import type { Query } from '../types.ts'

export const chunkEntries = 256
const fixedBytes = 36

export type Entry = JournalEntry | UnknownEntry

/** Times and order count from the journal's beginning, but for `earliest`. */
export interface Chunk {
  latest: number
  /** Earliest time in this chunk alone. */
  earliest: number
  order: number
  /** One bit for each type. */
  types: number
  /** Numbers of the issues, sorted. */
  issues: Uint32Array
}

/** Whether something in a chunk may answer a question. */
export type ChunkFilter = (chunk: Chunk) => boolean

const bitOf = new Map<string, number>(entryTypes.map((type, at) => [type, 2 ** Math.min(at, 30)]))
/** Of types that this version does not know. */
const unknownBit = 2 ** 31
/** Bits mean something else after a type was added in the middle. */
export const typesMark = crc32(entryTypes.join()) >>> 0

/** Undefined when the query asks for nothing that chunks could answer. */
export function chunkFilter({ task, types, since, until }: Query): ChunkFilter | undefined {
  if (task === undefined && types === undefined && since === undefined && until === undefined) {
    return undefined
  }
  let mask = 0
  for (const type of types ?? []) mask = (mask | (bitOf.get(type) ?? unknownBit)) >>> 0
  return (chunk) =>
    (since === undefined || chunk.latest >= since) &&
    (until === undefined || chunk.earliest <= until) &&
    (types === undefined || (chunk.types & mask) !== 0) &&
    (task === undefined || includes(chunk.issues, task.issue >>> 0))
}

/** `before`: the chunk before these entries. */
export function summarize(page: readonly (Entry | undefined)[], before: Chunk | undefined): Chunk {
  const issues = new Set<number>()
  const chunk: Chunk = {
    latest: before?.latest ?? 0,
    earliest: Number.MAX_SAFE_INTEGER,
    order: before?.order ?? 0,
    types: 0,
    issues: new Uint32Array(),
  }
  for (const entry of page) {
    if (entry === undefined) continue
    chunk.latest = Math.max(chunk.latest, entry.time)
    chunk.earliest = Math.min(chunk.earliest, entry.time)
    chunk.order = Math.max(chunk.order, orderOf(entry))
    chunk.types = (chunk.types | (bitOf.get(entry.type) ?? unknownBit)) >>> 0
    if ('task' in entry) issues.add(entry.task.issue >>> 0)
  }
  chunk.issues = Uint32Array.from(issues).sort()
  return chunk
}

/** Checksum · issues · types · latest · earliest · order · the issues; little endian. */
export function encodeChunk({ latest, earliest, order, types, issues }: Chunk): Buffer {
  const record = Buffer.alloc(fixedBytes + 4 * issues.length)
  record.writeUInt32LE(issues.length, 4)
  record.writeUInt32LE(types, 8)
  record.writeDoubleLE(latest, 12)
  record.writeDoubleLE(earliest, 20)
  record.writeDoubleLE(order, 28)
  issues.forEach((issue, i) => record.writeUInt32LE(issue, fixedBytes + 4 * i))
  record.writeUInt32LE(crc32(record.subarray(4)) >>> 0, 0)
  return record
}

/** The record at `at` and where the next one begins; undefined when it is damaged. */
export function decodeChunk(file: Buffer, at: number): { chunk: Chunk; end: number } | undefined {
  if (at + fixedBytes > file.byteLength) return undefined
  const count = file.readUInt32LE(at + 4)
  const end = at + fixedBytes + 4 * count
  if (count > chunkEntries || end > file.byteLength) return undefined
  if (crc32(file.subarray(at + 4, end)) >>> 0 !== file.readUInt32LE(at)) return undefined
  const issues = new Uint32Array(count)
  for (let i = 0; i < count; i += 1) issues[i] = file.readUInt32LE(at + fixedBytes + 4 * i)
  const chunk = {
    types: file.readUInt32LE(at + 8),
    latest: file.readDoubleLE(at + 12),
    earliest: file.readDoubleLE(at + 20),
    order: file.readDoubleLE(at + 28),
    issues,
  }
  return { chunk, end }
}

function includes(sorted: Uint32Array, value: number): boolean {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((sorted[middle] ?? 0) < value) low = middle + 1
    else high = middle
  }
  return sorted[low] === value
}
