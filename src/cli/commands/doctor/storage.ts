/** What lies in the home, by room, and what of it has become more than it should be. */
import { opendir, stat } from 'node:fs/promises'
import { join, sep } from 'node:path'
import type { Config } from '../../../config/index.ts'
import { hasCode } from '../../../util/index.ts'
import { ok, warn, type Check, type Finding } from './check.ts'

const MIB = 1024 * 1024
/** Files and directories that are looked at; a large clone has more, and then the sizes are the least. */
const MAX_ENTRIES = 200_000
/** Failed workspaces that were kept for people to look at, bytes. */
const MAX_KEPT_BYTES = 2 * 1024 * MIB
/** An agent tidies a store at 2,000: so many mean that it fails, or that none runs. */
const MAX_LOOSE_OBJECTS = 10_000
/** What the own journal and the database may take beside the budget for those of others, bytes. */
const OWN_JOURNAL_BYTES = 1024 * MIB
const LOOSE = /[\\/]objects[\\/][0-9a-f]{2}$/

export interface Sizes {
  /** Bytes on disk by the room of the home: `journal`, `repositories`, `work`, `work/kept`, `other`. */
  bytes: Record<string, number>
  /** Loose objects of all local git stores. */
  looseObjects: number
  /** There is more than was looked at. */
  more: boolean
}

const empty = (): Sizes => ({ bytes: {}, looseObjects: 0, more: false })

/** Links are not followed. What vanishes meanwhile is left out. Errors: those of the file system. */
export async function sizesOf(home: string, signal: AbortSignal): Promise<Sizes> {
  const sizes = empty()
  let seen = 0
  const directories = [home]
  for (let at = directories.pop(); at !== undefined; at = directories.pop()) {
    const opened = await opendir(at).catch(gone)
    if (opened === undefined) continue
    const room = roomOf(at.slice(home.length + 1))
    for await (const entry of opened) {
      signal.throwIfAborted()
      seen += 1
      if (seen > MAX_ENTRIES) return { ...sizes, more: true }
      const path = join(at, entry.name)
      if (entry.isDirectory()) directories.push(path)
      if (!entry.isFile()) continue
      const { blocks } = (await stat(path).catch(gone)) ?? { blocks: 0 }
      sizes.bytes[room] = (sizes.bytes[room] ?? 0) + blocks * 512
      if (room === 'repositories' && LOOSE.test(at)) sizes.looseObjects += 1
    }
  }
  return sizes
}

function gone(error: unknown): undefined {
  if (hasCode(error, 'ENOENT')) return undefined
  throw error
}

function roomOf(path: string): string {
  const [first = '', second] = path.split(sep)
  if (first === 'work' && second === 'kept') return 'work/kept'
  return ['journal', 'repositories', 'work'].includes(first) ? first : 'other'
}

/** `budget`: of the journals of others, bytes. */
export function judgeSizes(
  { bytes, looseObjects, more }: Sizes,
  { home, budget }: { home: string; budget: number },
): Finding {
  const of = (room: string) => bytes[room] ?? 0
  const rooms = Object.keys(bytes).sort()
  const parts = rooms.map((room) => `${room} ${Math.ceil(of(room) / MIB)} MiB`)
  const seen = `${parts.join(', ') || 'nothing yet'}${more ? ', and more' : ''}`
  if (of('work/kept') > MAX_KEPT_BYTES)
    return warn(seen, `Delete what is not needed of ${join(home, 'work', 'kept')}.`)
  if (looseObjects > MAX_LOOSE_OBJECTS) {
    const stores = join(home, 'repositories')
    const next = `Let the agent run for two hours, or type \`git gc\` in each directory of ${stores}.`
    return warn(`${seen}; ${looseObjects} loose objects in the git stores`, next)
  }
  if (of('journal') > budget + OWN_JOURNAL_BYTES) {
    const next =
      'Lower journal.diskBudgetBytes, or set journal.replicate to followed; the own journal stays.'
    return warn(seen, next)
  }
  return ok(seen)
}

export const storageCheck = ({ home, journal }: Config): Check => ({
  id: 'storage',
  run: async (signal) =>
    judgeSizes(await sizesOf(home, signal), { home, budget: journal.diskBudgetBytes }),
})
