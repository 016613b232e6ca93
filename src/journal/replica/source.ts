/**
 * One journal as it is known here, own or replicated: its hypercore, to whom it belongs and whether
 * that is proven, what of it can be read, and what is wrong with it.
 *
 * identity: unknown ──(first entry arrives, proof holds)──→ proven
 *              └────────────(proof is wrong)──────────────→ refused
 * Nothing is readable before `proven`: entries are never attributed to a peer on its word alone.
 * Readable are the entries from 0 up to the first that is missing, so that followers meet no gap; but
 * for those that were dropped for want of space (`kept.ts`).
 */
import type { DownloadRange, Hypercore } from 'hypercore'
import { join } from 'node:path'
import { explain } from '../../util/index.ts'
import { createChunkIndex, type ChunkIndex } from '../reading/chunk-index.ts'
import { decodeEntry, logged } from '../decode.ts'
import { storageError } from '../errors.ts'
import { readIdentity } from '../proof/identity.ts'
import { droppedFrom, KeptEntries } from './kept.ts'
import { orderOf } from '../reading/order.ts'
import type { SourceComponents, SourceInit } from './source-types.ts'
import type { JournalInfo, LoggedEntry } from '../types.ts'

const maxProblems = 20
export const twoHistories = 'Two different histories of it exist; it is not followed on.'
const maxGarbage = 1_000
/** Entries at the end that are read at the start: the last may be garbage. */
const recalled = 4

export class Source {
  readonly key: string
  readonly epoch: number
  readonly own: boolean
  readonly core: Hypercore
  readonly index: ChunkIndex
  #peerId: string
  #name: string | undefined
  #identity: JournalInfo['identity'] = 'unknown'
  #checking = false
  #closed = false
  #range: DownloadRange | undefined
  #problems: string[] = []
  /** Entries that did not decode; at most `maxGarbage` are remembered. */
  readonly #garbage = new Set<number>()
  readonly #components: SourceComponents<Source>
  readonly #maxBytes: number
  readonly #dir: string
  readonly #kept: KeptEntries
  #downloads: boolean

  constructor(init: SourceInit, components: SourceComponents<Source>) {
    this.key = init.key
    this.epoch = init.epoch
    this.own = init.own
    this.core = components.core
    this.#peerId = init.peerId
    this.#name = init.name
    this.#maxBytes = init.maxBytes
    this.#dir = init.dir
    this.#components = components
    this.#kept = new KeptEntries(components.core, init.dropped)
    this.#downloads = init.downloads
    this.index = createChunkIndex(
      { path: join(init.dir, 'index', `${init.key}.idx`), key: init.key },
      {
        logger: components.logger,
        entries: async (from, to) => {
          const page = await this.entries(from, to)
          return this.#closed ? undefined : page
        },
        keptFrom: (seq) => this.keptFrom(seq),
      },
    )
  }

  get peerId(): string {
    return this.#peerId
  }

  get name(): string {
    return this.#name ?? this.#peerId
  }

  /** Two histories of it were met: it can be read, and goes on no more. */
  get frozen(): boolean {
    return this.core.core?.header.frozen === true
  }

  /** It gives nothing any more; when its store is opened anew, another one has its key. */
  get closed(): boolean {
    return this.#closed
  }

  get identity(): JournalInfo['identity'] {
    return this.#identity
  }

  /** Entries up to which it can be read, counted from 0. */
  get readable(): number {
    return this.#identity === 'proven' && !this.#closed ? this.here : 0
  }

  /** Entries up to which it is stored here, but for those that were dropped. */
  get here(): number {
    return this.#kept.here
  }

  get dropped(): number {
    return this.#kept.dropped
  }

  keptFrom(seq: number): number {
    return this.#kept.from(seq)
  }

  info(): JournalInfo {
    const { key, epoch, own, identity } = this
    const problems = [...this.#problems]
    const { size } = this.#garbage
    if (size > 0) {
      const count = size < maxGarbage ? `${size}` : `${size} or more`
      problems.unshift(`Entries that do not decode and are skipped: ${count}.`)
    }
    return {
      agent: this.name,
      peerId: this.#peerId,
      key,
      epoch,
      length: this.core.length,
      available: this.here,
      dropped: Math.max(0, this.dropped - droppedFrom),
      own,
      identity,
      problems,
    }
  }

  /** Entries that are stored here, before `open`; 0 when the core cannot be opened. */
  async stored(): Promise<number> {
    await this.core.ready().catch(() => undefined)
    return this.here
  }

  /** Opens the core and begins to download it; resolves when the part that is here can be read. */
  async open(): Promise<void> {
    const { core } = this
    core.on('append', () => this.#grew())
    core.on('download', () => this.#grew())
    core.on('close', () => {
      this.#closed = true
      if (this.frozen) this.#components.onFrozen?.(this)
    })
    try {
      await core.ready()
    } catch (error) {
      if (!this.#closed) this.#fault(`It cannot be opened: ${explain(error)}`)
      this.#closed = true
      return
    }
    if (this.#closed) return
    if (this.frozen) this.#fault(twoHistories)
    await this.index.load()
    // What was written down may not have been deleted before the process ended.
    if (!this.#closed) await this.#kept.clear()
    if (this.#closed) return
    this.#download()
    await this.#identify()
    await this.#recall()
  }

  /** From now on it is downloaded. */
  fetch(): void {
    if (this.#downloads) return
    this.#downloads = true
    if (this.core.opened) this.#download()
  }

  /** Another peer, or another name, is announced for this key. */
  announce(peerId: string, name: string | undefined): void {
    if (peerId !== this.#peerId) {
      if (this.#identity === 'proven') return
      this.#peerId = peerId
      this.#name = undefined
      this.#identity = 'unknown'
      this.#problems = []
      void this.#identify()
    }
    if (name !== undefined) this.#name = name
  }

  /** Decodes entry `seq`; undefined when it does not decode. Rejects when the store fails. */
  async entry(seq: number): Promise<LoggedEntry | undefined> {
    if (this.#closed || this.keptFrom(seq) !== seq) return undefined
    const block = await this.core.get(seq, { wait: false }).catch((cause: unknown) => {
      if (this.#closed) return null
      throw storageError(cause, this.#dir)
    })
    if (this.#closed) return undefined
    const decoded =
      block === null
        ? { ok: false as const, problem: `Entry ${seq} is missing.` }
        : decodeEntry(block, { epoch: this.epoch, seq })
    if (decoded.ok) {
      this.index.offer(seq, decoded.entry)
      this.#components.onOrder(orderOf(decoded.entry))
      return logged(decoded.entry, { agent: this.name, peerId: this.#peerId })
    }
    this.index.offer(seq, undefined)
    if (this.#garbage.size < maxGarbage && !this.#garbage.has(seq)) {
      this.#garbage.add(seq)
      if (this.#garbage.size <= maxProblems) this.#components.onProblem(this, decoded.problem)
    }
    return undefined
  }

  /** The entries from `from` to before `to`; undefined those that do not decode or were dropped. */
  entries(from: number, to: number): Promise<(LoggedEntry | undefined)[]> {
    return Promise.all(Array.from({ length: to - from }, (_, i) => this.entry(from + i)))
  }

  /**
   * Drops the entries from 2 to before `to`, an even number, for good: they are not downloaded
   * again. What proves that the rest is the signed one stays. `to` must have been written down before.
   */
  async drop(to: number): Promise<void> {
    this.#kept.drop(to)
    this.#range?.destroy()
    this.#range = undefined
    await this.#kept.clear()
    this.#download()
  }

  /** To be called when no stream is open any more. */
  async close(): Promise<void> {
    this.#closed = true
    this.#range?.destroy()
    await this.index.close()
    this.core.removeAllListeners('append')
    this.core.removeAllListeners('download')
    await this.#received()
    await this.core.close()
  }

  /**
   * Waits for what was received and is still being stored: after that hypercore 11.37 reads its store
   * in the background, and would do so when it is closed, with a rejection that nobody catches.
   */
  async #received(): Promise<void> {
    const { core } = this.core
    if (core === null) return
    const lock = core.replicator._rxLock
    await lock.lock()
    lock.unlock()
  }

  /** So that what is written here from now on stands behind what was here before. */
  async #recall(): Promise<void> {
    const to = this.readable
    await this.entries(this.keptFrom(Math.max(0, to - recalled)), to).catch(() => undefined)
  }

  #download(): void {
    if (this.own || this.#closed || !this.#downloads || this.#range !== undefined) return
    this.#range = this.core.download({ start: this.dropped, end: -1, linear: true })
  }

  #grew(): void {
    if (this.#range !== undefined && this.core.byteLength > this.#maxBytes) {
      this.#range.destroy()
      this.#range = undefined
      this.#downloads = false
      this.#fault(`It is larger than ${this.#maxBytes} bytes; the rest is not downloaded.`)
    }
    if (this.#identity === 'unknown') void this.#identify()
    else if (this.#identity === 'proven') this.#components.onChange(this)
  }

  async #identify(): Promise<void> {
    if (this.#checking || this.core.contiguousLength === 0) return
    this.#checking = true
    const peerId = this.#peerId
    try {
      const { name, problem } = await readIdentity(this, peerId, this.#components.verify)
      if (peerId !== this.#peerId) return
      this.#name ??= name
      this.#identity = problem === undefined ? 'proven' : 'refused'
      if (problem !== undefined) this.#fault(problem)
      this.#components.onChange(this)
    } finally {
      this.#checking = false
      if (peerId !== this.#peerId) void this.#identify()
    }
  }

  #fault(problem: string): void {
    if (this.#problems.length >= maxProblems || this.#problems.includes(problem)) return
    this.#problems.push(problem)
    this.#components.onProblem(this, problem)
  }
}
