/** Keeps in mind where the own epochs are no chain: looked for when the journal begins, and as more of them arrives. */
import { explain, type Logger } from '../../util/index.ts'
import { branchNotes, type Sibling } from '../proof/links.ts'
import type { Source } from '../replica/source.ts'
import type { Session } from '../session.ts'

const maxNotes = 8

export interface Branches {
  readonly notes: readonly string[]
  /** In the background; a look that is asked for during another follows it. */
  look(session: Pick<Session, 'sources' | 'own'>): void
}

export function createBranches(logger: Pick<Logger, 'debug'>): Branches {
  let notes: readonly string[] = []
  let looking: Promise<void> | undefined
  let next: Pick<Session, 'sources' | 'own'> | undefined

  async function run(): Promise<void> {
    for (let now = next; now !== undefined; now = next) {
      next = undefined
      try {
        notes = await branchesOf(now)
      } catch (error) {
        logger.debug({ error: explain(error) }, 'the epochs could not be compared')
      }
    }
  }

  return {
    get notes() {
      return notes
    },
    look(session) {
      next = session
      looking ??= run().finally(() => (looking = undefined))
    },
  }
}

async function branchesOf({ sources, own }: Pick<Session, 'sources' | 'own'>) {
  const peerId = sources.get(own.key)?.peerId
  const linked: Sibling[] = []
  for (const source of sources.values()) {
    if (source.peerId === peerId) linked.push(...(await linkOf(source)))
  }
  return linked
    .toSorted((a, b) => b.epoch - a.epoch)
    .flatMap((one) => {
      const known = sources.get(one.previous.key)
      const is = known && { peerId: known.peerId, epoch: known.epoch, length: known.core.length }
      return branchNotes(one, one.previous, is, linked)
    })
    .slice(0, maxNotes)
}

async function linkOf(source: Source): Promise<Sibling[]> {
  if (source.readable === 0) return []
  const first = await source.entry(0)
  if (first?.type !== 'agent.started' || first.previous === undefined) return []
  return [{ key: source.key, epoch: source.epoch, previous: first.previous }]
}
