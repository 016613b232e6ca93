/**
 * Which hypercore this agent writes. One per identity and epoch: a log whose tail may be lost must
 * not be continued, because peers may hold the lost part, and two histories of one key
 * end the replication of it everywhere. So a doubtful log is left as it is and the next epoch
 * begins, with a link to the old one in its first entry.
 *
 * The epoch is kept in a file beside the store, with the key: a store that was replaced or lost its
 * beginning shows itself by another key.
 *
 * An epoch is doubtful when it was retired, has another key, does not open, was repaired by the store
 * after damage, misses blocks, or does not begin with this identity's proof or end with entries that
 * decode. Comparing with heads that peers have seen (a directory restored from a backup) is to be one
 * more reason in `doubt`.
 */
import { join } from 'node:path'
import type Corestore from 'corestore'
import type { Hypercore } from 'hypercore'
import { z } from 'zod'
import { CommonError, explain } from '../util/index.ts'
import { decodeEntry } from './decode.ts'
import type { PreviousJournal } from './entries.ts'
import { JournalError } from './errors.ts'
import { readJsonFile, writeJsonFile } from './file.ts'
import { checkIdentity } from './identity.ts'
import type { VerifySignature } from './types.ts'

const epochFileSchema = z.object({
  v: z.literal(1),
  peerId: z.string().max(256),
  epoch: z.number().int().nonnegative(),
  key: z.string().regex(/^[0-9a-f]{64}$/),
  /** Why it must not be continued. */
  retired: z.string().max(256).optional(),
})
type EpochFile = z.infer<typeof epochFileSchema>

/** Entries at the end that must decode. */
const tailChecked = 16
/** Epochs that one start may skip before it gives up. */
const maxSkipped = 16

export interface OwnCore {
  core: Hypercore
  key: string
  epoch: number
  /** The journal that this epoch goes on from, only while it has no entry. */
  previous: PreviousJournal | undefined
  /** Own or foreign journals left behind in this directory, to be kept readable. */
  left: { peerId: string; key: string; epoch: number }[]
  /** Makes the next start begin a new epoch. */
  retire(reason: string): Promise<void>
}

export async function openOwnCore(
  { dir, peerId }: { dir: string; peerId: string },
  { store, verify }: { store: Corestore; verify: VerifySignature },
): Promise<OwnCore> {
  const path = join(dir, 'epoch.json')
  const file = await readEpochFile(path)
  const own = file?.peerId === peerId ? file : undefined
  const left: OwnCore['left'] = file !== undefined && own === undefined ? [pick(file)] : []
  let previous: PreviousJournal | undefined
  const first = own?.epoch ?? 0
  for (let epoch = first; epoch < first + maxSkipped; epoch += 1) {
    const core = store.get({ name: `journal/${peerId}/${epoch}` })
    const known = epoch === own?.epoch ? own : undefined
    const found = await doubt(core, { peerId, epoch, key: known?.key }, verify)
    const reason = known?.retired ?? found
    if (reason === undefined) {
      const key = core.key.toString('hex')
      const now: EpochFile = { v: 1, peerId, epoch, key }
      await writeJsonFile(path, now)
      return {
        core,
        key,
        epoch,
        previous: core.length === 0 ? previous : undefined,
        left,
        retire: (reason) => writeJsonFile(path, { ...now, retired: reason.slice(0, 256) }),
      }
    }
    const opened = core.key?.toString('hex')
    const key = known?.key ?? opened
    if (key !== undefined) {
      const length = key === opened ? core.contiguousLength : 0
      previous = { key, epoch, reason: reason.slice(0, 256), ...(length > 0 && { length }) }
      left.push({ peerId, key, epoch })
    }
    await core.close().catch(() => undefined)
  }
  throw new JournalError('JOURNAL_FAILED', `No epoch of the journal in ${dir} can be written.`, {
    data: { dir, reason: previous?.reason ?? '' },
    next: 'Move the directory away, so that a new journal begins.',
  })
}

/** Why this core must not be continued; undefined when it may. */
async function doubt(
  core: Hypercore,
  at: { peerId: string; epoch: number; key: string | undefined },
  verify: VerifySignature,
): Promise<string | undefined> {
  try {
    await core.ready()
    const key = core.key.toString('hex')
    if (at.key !== undefined && at.key !== key) return 'The store has another key than before.'
    if (core.recovering !== 0) return 'The store was repaired after damage.'
    if (core.contiguousLength !== core.length) return 'Blocks of it are missing.'
    if (core.length === 0) return undefined
    const from = Math.max(1, core.length - tailChecked)
    for (const seq of [0, ...Array.from({ length: core.length - from }, (_, i) => from + i)]) {
      const block = await core.get(seq, { wait: false })
      if (block === null) return `Entry ${seq} is missing.`
      const decoded = decodeEntry(block, { epoch: at.epoch, seq })
      if (!decoded.ok) return decoded.problem
      if (seq > 0) continue
      const problem = await checkIdentity(decoded.entry, { ...at, key }, verify)
      if (problem !== undefined) return problem
    }
    return undefined
  } catch (error) {
    return `It cannot be opened: ${explain(error)}`
  }
}

async function readEpochFile(path: string): Promise<EpochFile | undefined> {
  try {
    return await readJsonFile(path, {
      what: 'The epoch file',
      schema: epochFileSchema,
      maxBytes: 4_096,
    })
  } catch (cause) {
    if (!(cause instanceof CommonError)) throw cause
    throw new JournalError('JOURNAL_FAILED', `${path} is damaged.`, {
      data: { path },
      next: 'Restore it, or move the journal directory away so that a new journal begins.',
      cause,
    })
  }
}

const pick = ({ peerId, key, epoch }: EpochFile) => ({ peerId, key, epoch })
