/**
 * Reads what a copied store has into the own one, by replication inside this process: so every block is
 * checked as if it came from a peer, and nothing of the copy is ever written. Afterwards it is removed.
 */
import { rm } from 'node:fs/promises'
import type Corestore from 'corestore'
import { explain, until, type Logger } from '../../util/index.ts'
import type { Source } from '../replica/source.ts'
import { openReadOnly, storesAside } from './store.ts'

/** For all that a copied store has, ms; the rest comes at the next start, or from peers. */
const adoptMs = 10 * 60_000

export interface AdoptParts {
  dir: string
  store: Corestore
  sources: ReadonlyMap<string, Source>
  logger: Logger
  signal: AbortSignal
}

/** Never rejects: what cannot be read is logged and left where it is. */
export async function adoptCopies({ dir, store, sources, logger, signal }: AdoptParts) {
  for (const path of await storesAside(dir)) {
    try {
      await adopt(path)
      await rm(path, { recursive: true, force: true })
      logger.info({ path }, 'a copied store was read')
    } catch (error) {
      if (!signal.aborted) logger.warn({ path, error: explain(error) }, 'a copied store is left')
    }
  }

  async function adopt(path: string): Promise<void> {
    const copy = await openReadOnly(path)
    const streams = [copy.replicate(true), store.replicate(false)] as const
    try {
      for (const stream of streams) stream.on('error', () => undefined)
      streams[0].pipe(streams[1]).pipe(streams[0])
      for (const { key, own, core } of sources.values()) {
        if (own) continue
        const theirs = copy.get({ key: Buffer.from(key, 'hex') })
        // One that was never stored there does not open, as nothing is written.
        const length = await theirs.ready().then(
          () => theirs.contiguousLength,
          () => 0,
        )
        await until('a copied journal', adoptMs, () => core.contiguousLength >= length, { signal })
      }
    } finally {
      for (const stream of streams) stream.destroy()
      await copy.close()
    }
  }
}

/** How much of a journal copied stores have, where its key signed that; nothing when none can be read. */
export async function endOfCopies(
  dir: string,
  key: string,
): Promise<{ length?: number; treeHash?: string }> {
  for (const path of (await storesAside(dir)).toReversed()) {
    const copy = await openReadOnly(path).catch(() => undefined)
    try {
      const core = copy?.get({ key: Buffer.from(key, 'hex') })
      await core?.ready()
      if (core === undefined || core.length === 0 || core.contiguousLength < core.length) continue
      const signed = core.state.createTreeBatch()
      if (core.core?.verifier?.verify(signed, core.state.signature) !== true) continue
      return { length: signed.length, treeHash: signed.hash().toString('hex') }
    } catch {
      continue
    } finally {
      await copy?.close().catch(() => undefined)
    }
  }
  return {}
}
