/**
 * When a local git store is tidied. Every issue leaves about six loose objects and one ref file in it,
 * and git's own automatic maintenance is off, since it goes on in the background as nobody's child.
 */

/** Loose objects, each a file of at least one block: those of about 300 issues. */
export const MAX_LOOSE_OBJECTS = 2_000
/** Each is opened and searched by every command: a fetch of 100 objects or more leaves one. */
export const MAX_PACKS = 20
/** So that refs are packed and objects that nothing names go, however little happens, ms. */
export const MAX_UNTIDIED_MS = 7 * 24 * 3_600_000
/** What nothing names stays loose for two weeks, with older git: it must not be counted every hour. */
export const MIN_TIDIED_MS = 24 * 3_600_000

export interface StoreFacts {
  looseObjects: number
  packs: number
}

export type UpkeepJudgement =
  { is: 'tidy' } | { is: 'due'; why: 'loose objects' | 'packs' | 'time' }

export interface UpkeepTimes {
  /** Since the agent started, ms. */
  runningMs: number
  /** Since this agent tidied it last, ms; undefined when it did not yet. */
  tidiedMs: number | undefined
}

export function judgeStore(
  { looseObjects, packs }: StoreFacts,
  { runningMs, tidiedMs }: UpkeepTimes,
): UpkeepJudgement {
  if (tidiedMs !== undefined && tidiedMs < MIN_TIDIED_MS) return { is: 'tidy' }
  if (looseObjects > MAX_LOOSE_OBJECTS) return { is: 'due', why: 'loose objects' }
  if (packs > MAX_PACKS) return { is: 'due', why: 'packs' }
  if ((tidiedMs ?? runningMs) >= MAX_UNTIDIED_MS) return { is: 'due', why: 'time' }
  return { is: 'tidy' }
}

/** Numbers of `git count-objects -v`; what it does not say is 0. */
export function parseCounts(text: string): StoreFacts {
  const of = (name: string) => Number(new RegExp(`^${name}: (\\d+)$`, 'm').exec(text)?.[1] ?? 0)
  return { looseObjects: of('count'), packs: of('packs') }
}

/** Refs of branches that were seen once and that the remote does not have any more. */
export function goneBranches(
  seen: ReadonlyMap<string, string>,
  listed: ReadonlySet<string>,
  prefix: string,
): { ref: string; oid: string }[] {
  return [...seen]
    .filter(([ref]) => ref.startsWith(prefix) && !listed.has(ref.slice(prefix.length)))
    .map(([ref, oid]) => ({ ref, oid }))
}
