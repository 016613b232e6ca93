/**
 * One journal as it is known here, own or replicated: its hypercore, to whom it belongs and whether
 * that is proven, what of it can be read, and what is wrong with it.
 *
 * identity: unknown ──(first entry arrives, proof holds)──→ proven
 *              └────────────(proof is wrong)──────────────→ refused
 * Nothing is readable before `proven`: entries are never attributed to a peer on its word alone.
 * Readable are the entries from 0 up to the first that is missing, so that followers meet no gap; but
 * for those that were dropped for want of space (`budget.ts`): all from 1 to before `dropped`.
 */
import type { DownloadRange, Hypercore } from 'hypercore'
import { join } from 'node:path'
import { explain, type Logger } from '../util/index.ts'
import { createChunkIndex, type ChunkIndex } from './chunk-index.ts'
import { decodeEntry } from './decode.ts'
import { storageError } from './errors.ts'
import { checkIdentity } from './identity.ts'
import { orderOf } from './order.ts'
import type { JournalInfo, LoggedEntry, VerifySignature } from './types.ts'

const maxProblems = 20
export const twoHistories = 'Two different histories of it exist; it is not followed on.'
const maxGarbage = 1_000
/** Entries at the end that are read at the start: the last may be garbage. */
const recalled = 4

export interface SourceInit {
  peerId: string
  key: string
  epoch: number
  own: boolean
  name: string | undefined
  /** Entries from 1 to before this one were dropped here. */
  dropped: number
  /** Bytes of it that are downloaded. */
  maxBytes: number
  /** Where the store is, for errors. */
  dir: string
}

export interface SourceComponents {
  core: Hypercore
  verify: VerifySignature
  logger: Logger
  /** An entry with that order was read. */
  onOrder: (order: number) => void
  /** More became readable, or the identity was decided. */
  onChange: (source: Source) => void
  onProblem: (source: Source, problem: string) => void
  /** Hypercore closed it as it met two histories of it: to be opened anew, for reading. */
  onFrozen?: (source: Source) => void
}

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
  readonly #components: SourceComponents
  readonly #maxBytes: number
  readonly #dir: string
  #dropped: number

  constructor(init: SourceInit, components: SourceComponents) {
    this.key = init.key
    this.epoch = init.epoch
    this.own = init.own
    this.core = components.core
    this.#peerId = init.peerId
    this.#name = init.name
    this.#maxBytes = init.maxBytes
    this.#dir = init.dir
    this.#components = components
    this.#dropped = init.dropped
    this.index = createChunkIndex(
      { path: join(init.dir, 'index', `${init.key}.idx`), key: init.key },
      {
        logger: components.logger,
        entries: (from, to) => this.entries(from, to),
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
    return this.#identity === 'proven' && !this.#closed ? this.#here : 0
  }

  /** Entries up to which it is stored here, but for those that were dropped. */
  get #here(): number {
    const { core } = this
    const first = Math.max(core.contiguousLength, 0)
    if (first < 1 || first >= this.#dropped) return first
    const bitfield = core.core?.bitfield
    if (bitfield === undefined || !bitfield.get(this.#dropped)) return Math.min(first, 1)
    const end = bitfield.findFirst(false, this.#dropped)
    return end === -1 ? core.length : Math.min(end, core.length)
  }

  /** Entries from 1 to before this one were dropped here; 0 when none were. */
  get dropped(): number {
    return this.#dropped
  }

  /** The first entry from `seq` on that was not dropped. */
  keptFrom(seq: number): number {
    return seq >= 1 && seq < this.#dropped ? this.#dropped : seq
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
      available: this.#here,
      dropped: Math.max(0, this.#dropped - 1),
      own,
      identity,
      problems,
    }
  }

  /** Entries that are stored here, before `open`; 0 when the core cannot be opened. */
  async stored(): Promise<number> {
    await this.core.ready().catch(() => undefined)
    return this.#here
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
    await this.index.load()
    if (this.#closed) return
    if (this.frozen) this.#fault(twoHistories)
    if (!this.own) this.#download()
    await this.#identify()
    await this.#recall()
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
    if (this.#closed) return undefined
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
      return { ...decoded.entry, agent: this.name, peerId: this.#peerId }
    }
    if (this.keptFrom(seq) !== seq) return undefined
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
   * Drops the entries from 1 to before `to`, for good: they are not downloaded again. What proves
   * that the rest is the signed one stays. `to` must have been written down before.
   */
  async drop(to: number): Promise<void> {
    this.#dropped = Math.max(this.#dropped, to)
    this.#range?.destroy()
    this.#range = undefined
    await this.core.clear(1, this.#dropped)
    if (!this.#closed) this.#download()
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
    const start = this.#dropped
    if (start > 1 && this.core.contiguousLength === 0) {
      this.core.download({ start: 0, end: 1 })
    }
    this.#range = this.core.download({ start, end: -1, linear: true })
  }

  #grew(): void {
    if (this.#range !== undefined && this.core.byteLength > this.#maxBytes) {
      this.#range.destroy()
      this.#range = undefined
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
      const problem = await this.#identityProblem(peerId)
      if (peerId !== this.#peerId) return
      this.#identity = problem === undefined ? 'proven' : 'refused'
      if (problem !== undefined) this.#fault(problem)
      this.#components.onChange(this)
    } finally {
      this.#checking = false
      if (peerId !== this.#peerId) void this.#identify()
    }
  }

  async #identityProblem(peerId: string): Promise<string | undefined> {
    const { key, epoch } = this
    try {
      const block = await this.core.get(0, { wait: false })
      if (block === null) return 'Its first entry is missing.'
      const decoded = decodeEntry(block, { epoch, seq: 0 })
      if (!decoded.ok) return decoded.problem
      const problem = await checkIdentity(
        decoded.entry,
        { peerId, key, epoch },
        this.#components.verify,
      )
      if (problem !== undefined) return problem
      if (decoded.entry.type === 'agent.started') this.#name ??= decoded.entry.name
      return undefined
    } catch (error) {
      return `Its first entry cannot be read: ${explain(error)}`
    }
  }

  #fault(problem: string): void {
    if (this.#problems.length >= maxProblems || this.#problems.includes(problem)) return
    this.#problems.push(problem)
    this.#components.onProblem(this, problem)
  }
}
