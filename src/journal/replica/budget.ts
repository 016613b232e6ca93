/**
 * How much of others' journals is kept. When they take more than the budget, the oldest entries of the
 * journals whose owners are gone longest are dropped first, down to nine tenths of it, so that there is
 * room for a while; of those whose owners are here only when that was not enough. Never anything of the
 * own journals, and never a journal's first two entries (whose it is), its head, or the hashes that prove the
 * rest: what is left of it still verifies, for others as well.
 *
 * The decision is pure; what is to be dropped is written down before it is deleted, so that a crash in
 * between leaves a journal that knows what it lacks. Sizes are estimates: the journal's mean entry, and
 * what the store adds to each.
 */
import { explain, type Clock, type Logger } from '../../util/index.ts'
import { droppedFrom } from './kept.ts'
import type { Registry } from './registry.ts'
import type { Source } from './source.ts'
import type { KeptOfOthers } from '../types.ts'

/** What the store adds to an entry: keys and the nodes of the tree; of a dropped one, the nodes. */
const overheadBytes = 160
const droppedBytes = 100
/** Entries are dropped up to a multiple of this. */
export const stepEntries = 256
/** Part of the budget that is used when something was dropped. */
const target = 0.9

export interface Kept {
  key: string
  /** Of this agent, any epoch. */
  own: boolean
  /** Wall clock when its owner was last heard of, ms. */
  seenMs: number
  /** Bytes of all its entries, and how many there are. */
  bytes: number
  length: number
  /** Entries that are here: the first two, and from `dropped` to before `available`. */
  available: number
  dropped: number
}

export function bytesOf({ bytes, length, available, dropped }: Kept): number {
  const gone = Math.max(0, Math.min(dropped, available) - droppedFrom)
  const each = length === 0 ? 0 : bytes / length
  return (available - gone) * (each + overheadBytes) + gone * droppedBytes
}

/** Entries before `to` are to be dropped; in this order. Nothing while the budget is kept. */
export function toDrop(all: readonly Kept[], budgetBytes: number): { key: string; to: number }[] {
  const others = all.filter(({ own }) => !own)
  const used = others.reduce((sum, kept) => sum + bytesOf(kept), 0)
  if (used <= budgetBytes) return []
  let excess = used - target * budgetBytes
  const drops: { key: string; to: number }[] = []
  for (const kept of others.toSorted((a, b) => a.seenMs - b.seenMs)) {
    const { key, bytes, length, available, dropped } = kept
    const gain = length === 0 ? 0 : bytes / length + overheadBytes - droppedBytes
    const first = Math.max(droppedFrom, dropped)
    const last = Math.floor(available / stepEntries) * stepEntries
    if (excess <= 0 || gain <= 0 || last <= first) continue
    const wanted = Math.ceil((first + excess / gain) / stepEntries) * stepEntries
    const to = Math.min(last, wanted)
    drops.push({ key, to })
    excess -= (to - first) * gain
  }
  return drops
}

export interface Budget {
  /** Something grew. */
  wake(): void
  kept(): KeptOfOthers
  /** Resolves when nothing is dropped any more. */
  stop(): Promise<void>
}

export function createBudget(
  { budgetBytes, everyMs, peerId }: { budgetBytes: number; everyMs: number; peerId: string },
  {
    sources,
    registry,
    clock,
    logger,
  }: {
    sources: ReadonlyMap<string, Source>
    registry: Pick<Registry, 'list' | 'drop'>
    clock: Clock
    logger: Logger
  },
): Budget {
  let running: Promise<void> | undefined
  let cancel: (() => void) | undefined
  let isStopped = false

  function all(): Kept[] {
    const seen = new Map(registry.list().map(({ key, seenMs = 0 }) => [key, seenMs]))
    return [...sources.values()].map(({ key, peerId: of, core, dropped, own, here }) => ({
      key,
      own: own || of === peerId,
      seenMs: seen.get(key) ?? 0,
      bytes: core.byteLength,
      length: core.length,
      available: here,
      dropped,
    }))
  }

  async function look(): Promise<void> {
    for (const { key, to } of toDrop(all(), budgetBytes)) {
      const source = sources.get(key)
      if (isStopped || source === undefined) return
      await registry.drop(key, to)
      await source.drop(to)
      logger.info({ journal: key, peerId: source.peerId, to }, 'old entries were dropped for room')
    }
  }

  return {
    wake() {
      if (isStopped || running !== undefined || cancel !== undefined) return
      cancel = clock.after(everyMs, () => {
        cancel = undefined
        running = look()
          .catch((error: unknown) =>
            logger.warn({ error: explain(error) }, 'old entries were not dropped'),
          )
          .finally(() => {
            running = undefined
          })
      })
    },
    kept() {
      const others = all().filter(({ own }) => !own)
      return {
        journals: others.length,
        bytes: Math.round(others.reduce((sum, kept) => sum + bytesOf(kept), 0)),
        budgetBytes,
        droppedEntries: others.reduce(
          (sum, { dropped }) => sum + Math.max(0, dropped - droppedFrom),
          0,
        ),
        droppedFrom: others.filter(({ dropped }) => dropped > droppedFrom).length,
      }
    },
    async stop() {
      isStopped = true
      cancel?.()
      await running
    },
  }
}
