/**
 * Makes a bundle (`bundle.ts`) from the journals that are here, line by line: nothing is held but a
 * page of entries. Later epochs come before earlier ones, so that a reader knows which of the earlier
 * one's hashes the link names when it gets there.
 */
import crypto from 'hypercore-crypto'
import { explain } from '../../util/index.ts'
import type { BundleHeader, BundleLine } from './bundle.ts'
import { chunkFilter } from '../reading/chunk.ts'
import { pieces, type Piece } from './proof.ts'
import { isOf, matches } from '../reading/read.ts'
import type { Source } from '../replica/source.ts'
import type { BundleQuery } from '../types.ts'

/** Entries that are read at once to find those of a task. */
const pageSize = 256
/** Reason of an absent journal, characters. */
const maxReason = 256

export interface BundleInit {
  by: BundleHeader['by']
  nowMs: number
  query: BundleQuery
}

export async function* writeBundle(
  { by, nowMs, query }: BundleInit,
  sources: readonly Source[],
): AsyncGenerator<BundleLine> {
  const { agent, task } = query
  yield {
    bzzz: 'bundle',
    v: 1,
    createdMs: nowMs,
    by,
    ...(agent === undefined ? {} : { agent }),
    ...(task === undefined ? {} : { task }),
  }
  let journals = 0
  let entries = 0
  const chosen = sources
    .filter((source) => isOf(source, agent))
    .sort((a, b) => compare(a.peerId, b.peerId) || b.epoch - a.epoch)
  const borders = await bordersOf(chosen)
  for (const source of chosen) {
    const { peerId, key, epoch, core } = source
    if (source.readable === 0) {
      if (core.length > 0) yield absent(source, 'Whose it is, is not proven here.')
      continue
    }
    if (task !== undefined && !(await has(source, query))) continue
    const signed = core.state.createTreeBatch()
    const { signature, fork } = core.state
    const { length } = signed
    const manifest = core.getManifest({ raw: true })
    const readable = source.readable
    const lacks = readable < length ? await lackOf(source, readable, length) : undefined
    if (manifest === null || signature === null || lacks !== undefined) {
      yield absent(source, lacks ?? 'Its signature has not arrived yet.')
      continue
    }
    yield {
      journal: {
        peerId,
        key,
        epoch,
        length,
        fork,
        manifest: manifest.toString('base64'),
        signature: signature.toString('base64'),
      },
    }
    journals += 1
    const wanted = wantedOf(source, Math.min(readable, length), query)
    const inside = (borders.get(key) ?? []).filter((border) => border < length)
    for await (const piece of pieces({ core, length, wanted, borders: inside })) {
      if (piece.is === 'block') entries += 1
      yield lineOf(piece)
    }
  }
  yield { end: { journals, entries } }
}

function lineOf(piece: Piece): BundleLine {
  if (piece.is === 'subtree') return { s: [piece.depth, piece.size, piece.hash.toString('hex')] }
  const { block } = piece
  return { b: block.toString('base64'), h: crypto.data(block).toString('hex').slice(0, 8) }
}

function absent({ peerId, key, epoch }: Source, reason: string): BundleLine {
  return { absent: { peerId, key, epoch, reason: reason.slice(0, maxReason) } }
}

/** Lengths of journals that the first entries of later epochs name. */
async function bordersOf(sources: readonly Source[]): Promise<Map<string, number[]>> {
  const borders = new Map<string, number[]>()
  for (const source of sources) {
    const first = source.readable > 0 ? await source.entry(0) : undefined
    if (first?.type !== 'agent.started' || first.previous?.length === undefined) continue
    const { key, length } = first.previous
    const all = [...(borders.get(key) ?? []), length]
    borders.set(
      key,
      all.sort((a, b) => a - b),
    )
  }
  return borders
}

/** Why the hashes of what has not arrived are not here; undefined when they are. */
async function lackOf({ core }: Source, from: number, length: number): Promise<string | undefined> {
  try {
    for await (const _ of pieces({ core, length, wanted: from === 0 ? [] : [from - 1] })) void _
    return undefined
  } catch (error) {
    return `Only ${from} of ${length} entries have arrived: ${explain(error)}`
  }
}

async function has(source: Source, query: BundleQuery): Promise<boolean> {
  for await (const seq of wantedOf(source, source.readable, query)) if (seq > 0) return true
  return false
}

/** The first entry, and those that match; without a task, all that are kept here. */
async function* wantedOf(
  source: Source,
  length: number,
  query: BundleQuery,
): AsyncGenerator<number> {
  yield 0
  let seq = source.keptFrom(1)
  if (query.task === undefined) {
    for (; seq < length; seq += 1) yield seq
    return
  }
  const { task } = query
  const filter = chunkFilter({ task })
  await source.index.grow(length)
  while (seq < length) {
    if (filter !== undefined) seq = Math.max(seq, source.index.next(seq, filter).seq)
    const to = Math.min(length, seq + pageSize)
    for (const entry of await source.entries(seq, to)) {
      if (entry !== undefined && matches(entry, { task })) yield entry.seq
    }
    seq = Math.max(seq, to)
  }
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)
