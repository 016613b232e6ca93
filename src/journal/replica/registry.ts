/**
 * The journals of others that are kept here, remembered across restarts, so that the journal of a
 * peer that is gone stays readable and is served to others. A JSON file, replaced as a whole;
 * changes that come while it is written go out together.
 */
import { rename } from 'node:fs/promises'
import { z } from 'zod'
import { explain, type Logger } from '../../util/index.ts'
import { readJsonFile, writeJsonFile } from '../file.ts'

const followedSchema = z.object({
  peerId: z.string().min(1).max(256),
  /** Public key of the hypercore, 32 bytes in hex. */
  key: z.string().regex(/^[0-9a-f]{64}$/),
  epoch: z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER),
  name: z.string().max(256).optional(),
  /** Entries from 2 to before this one were dropped here. */
  dropped: z.number().int().nonnegative().optional(),
  /** Wall clock when its owner was last connected or announced it, ms since 1970. */
  seenMs: z.number().nonnegative().optional(),
  /** Its owner works at what this agent works at. */
  related: z.boolean().optional(),
})
export type Followed = z.infer<typeof followedSchema>
const fileSchema = z.object({ v: z.literal(1), journals: z.array(followedSchema) })

/** How exactly it is remembered when an owner was heard of, ms: each change writes the file. */
const seenEveryMs = 10 * 60_000

export interface RegistryInit {
  path: string
  maxJournals: number
  maxJournalsPerPeer: number
}

export type Added = 'added' | 'changed' | 'same' | 'invalid' | 'full'

export interface Registry {
  /** Reads the file; a damaged one is put aside. */
  load(): Promise<void>
  list(): Followed[]
  /** Adds a journal, or changes the peer or name of one. Saved soon; see `flush`. */
  put(journal: {
    peerId: string
    key: string
    epoch: number
    name?: string | undefined
    /** When its owner announced it, wall-clock ms. */
    seenMs?: number
    related?: boolean
  }): Added
  /** Notes that its entries from 2 to before `to` are dropped here; saved when it resolves. */
  drop(key: string, to: number): Promise<void>
  /** Resolves when all is saved; a failure is logged. */
  flush(): Promise<void>
}

export function createRegistry(
  { path, maxJournals, maxJournalsPerPeer }: RegistryInit,
  { logger, onEvict }: { logger: Logger; onEvict?: (key: string) => void },
): Registry {
  const journals = new Map<string, Followed>()
  let isDirty = false
  let saving: Promise<void> | undefined

  async function save(): Promise<void> {
    while (isDirty) {
      isDirty = false
      try {
        await writeJsonFile(path, { v: 1, journals: [...journals.values()] })
      } catch (error) {
        logger.error({ error: explain(error) }, 'the list of followed journals was not saved')
      }
    }
    saving = undefined
  }

  function changed(): void {
    isDirty = true
    saving ??= Promise.resolve().then(save)
  }

  return {
    async load() {
      try {
        const file = await readJsonFile(path, {
          what: 'The list of followed journals',
          schema: fileSchema,
          maxBytes: 1_024 * (maxJournals + 1),
        })
        for (const journal of file?.journals.slice(0, maxJournals) ?? []) {
          if (!journals.has(journal.key)) journals.set(journal.key, journal)
        }
      } catch (error) {
        logger.error({ error: explain(error) }, 'the list of followed journals is put aside')
        await rename(path, `${path}.damaged`)
      }
    },
    list: () => [...journals.values()],
    put(input) {
      const parsed = followedSchema.safeParse(input)
      if (!parsed.success) return 'invalid'
      const { peerId, key, name } = parsed.data
      const known = journals.get(key)
      if (known !== undefined) {
        if (known.epoch !== parsed.data.epoch) return 'invalid'
        const { seenMs = 0, related } = parsed.data
        if (seenMs - (known.seenMs ?? 0) >= seenEveryMs) {
          known.seenMs = seenMs
          changed()
        }
        const isSame = known.peerId === peerId && (name === undefined || name === known.name)
        if (isSame && (related ?? known.related) === known.related) return 'same'
      } else {
        if (journals.size >= maxJournals) return 'full'
        const ofPeer = [...journals.values()].filter((other) => other.peerId === peerId)
        const oldest = ofPeer.reduce<Followed | undefined>(
          (first, other) => (first === undefined || other.epoch < first.epoch ? other : first),
          undefined,
        )
        if (ofPeer.length >= maxJournalsPerPeer) {
          // A later epoch takes the place of the earliest, so that one who had many is still followed.
          if (oldest === undefined || oldest.epoch >= parsed.data.epoch) return 'full'
          journals.delete(oldest.key)
          onEvict?.(oldest.key)
        }
      }
      journals.set(key, { ...known, ...parsed.data })
      changed()
      return known === undefined ? 'added' : 'changed'
    },
    async drop(key, to) {
      const known = journals.get(key)
      if (known === undefined) return
      known.dropped = Math.max(known.dropped ?? 0, to)
      changed()
      await saving
    },
    async flush() {
      await saving
    },
  }
}
