/**
 * A full disk. The store is dead after it, also when there is space again, so it is opened anew: at
 * once, on what the reserve leaves when it is given up, so that running work can write its last
 * entries; and else when there is space. Before it comes to that, the state says that space is short.
 */
import { explain, sleep, type Clock, type Logger } from '../../util/index.ts'
import type { EpochInit } from './epoch.ts'
import { fullBytes, storageError, type JournalError } from '../errors.ts'
import type { Session } from '../session.ts'
import { createSpace } from './space.ts'
import type { JournalLimits, JournalState } from '../types.ts'
import type { Writer } from './writer.ts'

/** What opening a store takes, bytes: it writes a table, a manifest and a new log. */
const reopenBytes = 6 * 1024 ** 2
/** Pause before an opening that failed is tried again, ms. */
const reopenPauseMs = 1_000

export interface ShortageParts {
  logger: Logger
  clock: Clock
  writer: Writer
  freeBytes?: ((dir: string) => Promise<number>) | undefined
  signal: AbortSignal
  state: () => JournalState
  /** The open one, unless it is being closed for another reason. */
  session: () => Session | undefined
  become: (state: JournalState) => void
  /** It cannot be mended. */
  broken: (error: JournalError) => void
  /** One transition at a time. */
  enqueue: (step: () => Promise<void>) => Promise<void>
  /** Closes the session, if it is still open, and opens the store anew. */
  reopen: (session: Session, floor: EpochInit['floor']) => Promise<void>
}

export interface Shortage {
  /** The writer could not write. Never rejects. */
  failed(cause: unknown): Promise<void>
  reserve(): Promise<void>
  /**
   * Opens the store for the first time, on what the reserve leaves if need be. When there is no space
   * even then, it resolves all the same, with the state `full`, and opens when there is. Errors: all
   * but `JOURNAL_FULL`.
   */
  begin(open: () => Promise<void>, decide: () => void): Promise<void>
  /** Looks at the free space now and then, until the signal fires. */
  watch(): Promise<void>
}

export function createShortage(
  { dir, limits }: { dir: string; limits: JournalLimits },
  parts: ShortageParts,
): Shortage {
  const { logger, clock, writer, signal, state, session, become, freeBytes: ask } = parts
  const space = createSpace({ dir, ...limits }, { logger, freeBytes: ask })

  function recover(now: Session, error: JournalError): Promise<void> {
    become({ is: 'full', freeBytes: 0 })
    const step = async () => {
      if (session() !== now) return
      await writer.hold()
      await now.replication.stop()
      await space.release()
      const { own } = now
      const floor = { key: own.key, length: own.core.length }
      for (;;) {
        const freeBytes = await space.free()
        const isEnough = freeBytes >= reopenBytes
        if (isEnough && (await reopened(now, floor))) return
        starved(error, freeBytes)
        await sleep(isEnough ? reopenPauseMs : limits.spaceCheckMs, { signal, clock })
      }
    }
    return parts.enqueue(step).catch(() => undefined)
  }

  async function reopened(now: Session, floor: EpochInit['floor']): Promise<boolean> {
    try {
      await parts.reopen(now, floor)
      return true
    } catch (error) {
      logger.error({ error: explain(error) }, 'the journal is not open again yet')
      return false
    }
  }

  async function isFull(open: () => Promise<void>): Promise<JournalError | undefined> {
    try {
      await open()
      return undefined
    } catch (cause) {
      const error = storageError(cause, dir, await space.free())
      if (error.code !== 'JOURNAL_FULL') throw cause
      return error
    }
  }

  function starved(error: JournalError, freeBytes: number): void {
    become({ is: 'full', freeBytes })
    writer.refuse(error)
  }

  async function awaitSpace(open: () => Promise<void>, first: JournalError): Promise<void> {
    for (let error: JournalError | undefined = first; error !== undefined;) {
      const freeBytes = await space.free()
      starved(error, freeBytes)
      await sleep(freeBytes < reopenBytes ? limits.spaceCheckMs : reopenPauseMs, { signal, clock })
      if ((await space.free()) >= reopenBytes) error = await isFull(open)
    }
  }

  return {
    reserve: () => space.reserve(),
    async begin(open, decide) {
      const first = await isFull(open)
      if (first === undefined) return
      logger.error({ error: explain(first) }, 'the journal cannot be opened: the disk is full')
      const error = (await space.release()) ? await isFull(open) : first
      if (error === undefined) return
      starved(error, await space.free())
      const step = () => awaitSpace(open, error).then(decide)
      void parts.enqueue(step).catch(() => undefined)
    },
    async failed(cause) {
      const now = session()
      const freeBytes = await space.free()
      if (now === undefined || session() !== now || signal.aborted) return
      const error = storageError(cause, dir, freeBytes)
      logger.error({ error: explain(error), freeBytes }, 'the journal could not be written')
      if (error.code === 'JOURNAL_FULL') await recover(now, error)
      else parts.broken(error)
    },
    async watch() {
      let starved = false
      while (!signal.aborted) {
        await sleep(limits.spaceCheckMs, { signal, clock }).catch(() => undefined)
        const { is } = state()
        if (signal.aborted || (is !== 'open' && is !== 'low')) continue
        const freeBytes = await space.free()
        starved ||= freeBytes < fullBytes
        if (freeBytes < limits.lowBytes && is === 'open') become({ is: 'low', freeBytes })
        if (freeBytes < 1.25 * limits.lowBytes || is !== 'low') continue
        const now = session()
        // What is downloaded may have met the full disk unseen, and then nothing is stored any more.
        if (starved && now !== undefined) void recover(now, storageError(undefined, dir, 0))
        else become({ is: 'open' })
        starved = false
        await space.reserve()
      }
    },
  }
}
