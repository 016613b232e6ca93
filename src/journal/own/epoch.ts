/**
 * Which hypercore this agent writes. One per identity and epoch: a log whose tail may be lost must
 * not be continued, because peers may hold the lost part, and two histories of one key
 * end the replication of it everywhere. So a doubtful log is left as it is and the next epoch
 * begins, with a link to the old one in its first entry.
 *
 * The epoch is kept in a file beside the store, with the core's name, which is random: the store makes
 * keys from its seed and the name, so that two copies of a store would otherwise begin the same next
 * epoch twice.
 *
 * An epoch is doubtful when it was retired (also by what peers say, see `judge.ts`), has another key,
 * does not open, was repaired by the store after damage, misses blocks, or does not begin with this
 * identity's proof or end with entries that decode; or when the mark says that files were put back.
 *
 * The mark is a file that is written once. A copy that is laid over the original keeps inode, content
 * and times, and so passes hypercore's own check of its device file; but nothing sets the time of
 * the last change of an inode (ctime).
 */
import { randomBytes } from 'node:crypto'
import { open, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type Corestore from 'corestore'
import type { Hypercore } from 'hypercore'
import { z } from 'zod'
import { CommonError, explain } from '../../util/index.ts'
import { endOfCopies } from './adopt.ts'
import { decodeEntry } from '../decode.ts'
import { previousSchema, type PreviousJournal } from '../entries.ts'
import { JournalError } from '../errors.ts'
import { readJsonFile, writeJsonFile } from '../file.ts'
import { checkIdentity } from '../proof/identity.ts'
import type { VerifySignature } from '../types.ts'

const count = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER)
const markSchema = z.object({ inode: z.string().max(32), changedNs: z.string().max(32) })
const witnessedSchema = z.object({ length: count, treeHash: z.string().max(64).optional() })

const epochFileSchema = z.object({
  /** 1 had no name, mark or `shared`. */
  v: z.union([z.literal(1), z.literal(2)]),
  peerId: z.string().max(256),
  epoch: count,
  key: z.string().regex(/^[0-9a-f]{64}$/),
  name: z.string().max(512).optional(),
  /** Another may have a part of it. */
  shared: z.boolean().default(true),
  mark: markSchema.optional(),
  /** The journal that this one goes on from: for its first entry, and to keep that journal. */
  previous: previousSchema.optional(),
  /** Why it must not be continued. */
  retired: z.string().max(256).optional(),
  /** What a peer has of it, when that is why. */
  witnessed: witnessedSchema.optional(),
  /** The own branch must be taken out of the store, or was, as it contradicts what peers have. */
  cut: z.enum(['asked', 'done']).optional(),
  /** Its entries from this one on are to be written again, since no peer will have them. */
  again: count.optional(),
})
export type EpochFile = z.infer<typeof epochFileSchema>
export type Witnessed = z.infer<typeof witnessedSchema>

/** Entries at the end that must decode. */
const tailChecked = 16

export interface Retirement {
  reason: string
  witnessed?: Witnessed
  cut?: boolean
  again?: number
}

export interface OwnCore {
  core: Hypercore
  key: string
  epoch: number
  /** The journal that this epoch goes on from, only while it has no entry. */
  previous: PreviousJournal | undefined
  /** Own or foreign journals left behind in this directory, to be kept readable. */
  left: { peerId: string; key: string; epoch: number }[]
  /** Another may have a part of it. */
  readonly shared: boolean
  /** Durable when it resolves; to be called before any other can have a part of it. */
  share(): Promise<void>
  /** Made by this opening. */
  readonly isNew: boolean
  /** Makes the next opening begin a new epoch. */
  retire(retirement: Retirement): Promise<void>
  /** Nothing is written to the epoch file any more; resolves when what was to be is. */
  end(): Promise<void>
}

export interface EpochInit {
  dir: string
  peerId: string
  /** Why the epoch of the file must not be continued, where the caller knows. */
  doubt?: string | undefined
  /** Entries that were acknowledged in this run. */
  floor?: { key: string; length: number } | undefined
  /** The new epoch is later than these. */
  after?: number
}

export async function openOwnCore(
  { dir, peerId, doubt: known, floor, after = -1 }: EpochInit,
  { store, verify }: { store: Corestore; verify: VerifySignature },
): Promise<OwnCore> {
  const file = await readEpochFile(dir)
  const own = file?.peerId === peerId ? file : undefined
  const left: OwnCore['left'] = file !== undefined && own === undefined ? [pick(file)] : []
  if (own === undefined) return begin(0, undefined)
  // What was cut out must not be made anew by its name: peers' history takes its place.
  if (own.cut === 'done') {
    left.push(pick(own))
    return begin(Math.max(own.epoch, after) + 1, linkTo(own, own.retired ?? '', own.witnessed))
  }
  const core = store.get({ name: nameOf(own) })
  const inside = await doubt(core, own, floor, verify)
  const reason = known ?? own.retired ?? (await markDoubt(dir, own.mark)) ?? inside
  if (reason === undefined) return use(core, own)
  const previous = linkTo(own, reason, own.witnessed ?? (await endOf(core, own.key, dir)))
  left.push(pick(own))
  await core.close().catch(() => undefined)
  return begin(Math.max(own.epoch, after) + 1, previous)

  async function begin(epoch: number, previous: PreviousJournal | undefined): Promise<OwnCore> {
    const name = `journal/${peerId}/${epoch}/${randomBytes(16).toString('hex')}`
    const core = store.get({ name })
    await core.ready()
    const key = core.key.toString('hex')
    const now: EpochFile = {
      v: 2,
      peerId,
      epoch,
      key,
      name,
      shared: false,
      mark: await makeMark(dir),
      previous,
    }
    await writeJsonFile(pathOf(dir), now)
    return use(core, now)
  }

  function use(core: Hypercore, at: EpochFile): OwnCore {
    const { previous } = at
    if (previous !== undefined && left.every(({ key }) => key !== previous.key)) {
      left.push({ peerId, key: previous.key, epoch: previous.epoch })
    }
    let now = at
    let writing: Promise<void> = Promise.resolve()
    const save = (change: Partial<EpochFile>) => {
      now = { ...now, ...change }
      const value = now
      const turn = writing.then(() => writeJsonFile(pathOf(dir), value))
      writing = turn.catch(() => undefined)
      return turn
    }
    let sharing: Promise<void> | undefined
    let isEnded = false
    return {
      core,
      key: at.key,
      epoch: at.epoch,
      previous: core.length === 0 ? previous : undefined,
      left,
      get shared() {
        return now.shared
      },
      share() {
        if (now.shared || isEnded) return sharing ?? Promise.resolve()
        sharing = save({ shared: true })
        return sharing
      },
      isNew: at.epoch !== own?.epoch,
      retire({ reason, witnessed, cut, again }) {
        isEnded = true
        return save({
          retired: reason.slice(0, 256),
          witnessed,
          again,
          ...(cut === true ? { cut: 'asked' as const } : {}),
        })
      },
      async end() {
        isEnded = true
        await writing
      },
    }
  }
}

const linkTo = (
  { key, epoch }: EpochFile,
  reason: string,
  end: Partial<Witnessed> = {},
): PreviousJournal => ({ key, epoch, reason: reason.slice(0, 256), ...end })

/** What of the journal is readable here; nothing when it cannot be opened. */
async function endOf(core: Hypercore, key: string, dir: string): Promise<Partial<Witnessed>> {
  try {
    const length = core.contiguousLength
    if (core.key.toString('hex') !== key || length === 0) return await endOfCopies(dir, key)
    return { length, treeHash: (await core.treeHash(length)).toString('hex') }
  } catch {
    return {}
  }
}

/** Why this core must not be continued; undefined when it may. */
async function doubt(
  core: Hypercore,
  at: EpochFile,
  floor: EpochInit['floor'],
  verify: VerifySignature,
): Promise<string | undefined> {
  try {
    await core.ready()
    const key = core.key.toString('hex')
    if (at.key !== key) return 'The store has another key than before.'
    if (core.recovering !== 0) return 'The store was repaired after damage.'
    if (core.contiguousLength !== core.length) return 'Blocks of it are missing.'
    if (floor?.key === key && core.length < floor.length) return 'Entries of it are lost.'
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

const pathOf = (dir: string) => join(dir, 'epoch.json')
const markOf = (dir: string) => join(dir, 'mark')
/** Name of the core in the store. */
export const nameOf = ({ name, peerId, epoch }: EpochFile) => name ?? `journal/${peerId}/${epoch}`

async function makeMark(dir: string): Promise<z.infer<typeof markSchema>> {
  const path = markOf(dir)
  await rm(path, { force: true })
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile('The journal is refused when this file was put back or copied.\n')
    await file.sync()
    return readMark(await file.stat({ bigint: true }))
  } finally {
    await file.close()
  }
}

const readMark = ({ ino, ctimeNs }: { ino: bigint; ctimeNs: bigint }) => ({
  inode: `${ino}`,
  changedNs: `${ctimeNs}`,
})

async function markDoubt(dir: string, mark: EpochFile['mark']): Promise<string | undefined> {
  if (mark === undefined) return undefined
  const found = await stat(markOf(dir), { bigint: true }).catch(() => undefined)
  if (found === undefined) return 'The mark of the directory is gone.'
  const { inode, changedNs } = readMark(found)
  if (inode === mark.inode && changedNs === mark.changedNs) return undefined
  return 'The directory was copied, or an earlier state of it was put back.'
}

/** Undefined when there is none. Errors: `JOURNAL_FAILED` when it is damaged. */
export async function readEpochFile(dir: string): Promise<EpochFile | undefined> {
  const path = pathOf(dir)
  try {
    return await readJsonFile(path, {
      what: 'The epoch file',
      schema: epochFileSchema,
      maxBytes: 8_192,
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

/** Replaces the file; for what is done while the store is closed. */
export const writeEpochFile = (dir: string, file: EpochFile) => writeJsonFile(pathOf(dir), file)

const pick = ({ peerId, key, epoch }: EpochFile) => ({ peerId, key, epoch })
