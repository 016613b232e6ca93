/**
 * One journal as it is known here, own or replicated: its hypercore, to whom it belongs and whether
 * that is proven, what of it can be read, and what is wrong with it.
 *
 * identity: unknown ──(first entry arrives, proof holds)──→ proven
 *              └────────────(proof is wrong)──────────────→ refused
 * Nothing is readable before `proven`: entries are never attributed to a peer on its word alone.
 * Readable are the entries from 0 up to the first that is missing, so that followers meet no gap.
 */
import type { DownloadRange, Hypercore } from 'hypercore'
import { explain } from '../util/index.ts'
import { decodeEntry } from './decode.ts'
import { storageError } from './errors.ts'
import { checkIdentity } from './identity.ts'
import { createTimeIndex, type TimeIndex } from './time-index.ts'
import type { JournalInfo, LoggedEntry, VerifySignature } from './types.ts'

const maxProblems = 20
export const twoHistories = 'Two different histories of it exist; it is not followed on.'
const maxGarbage = 1_000

export interface SourceInit {
  peerId: string
  key: string
  epoch: number
  own: boolean
  name: string | undefined
  /** Bytes of it that are downloaded. */
  maxBytes: number
  /** Where the store is, for errors. */
  dir: string
}

export interface SourceComponents {
  core: Hypercore
  verify: VerifySignature
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
  readonly times: TimeIndex
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
    this.times = createTimeIndex((from, to) => this.#timesOf(from, to))
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

  /** Entries that can be read, counted from 0. */
  get readable(): number {
    return this.#identity === 'proven' && !this.#closed ? this.core.contiguousLength : 0
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
      available: this.core.contiguousLength,
      own,
      identity,
      problems,
    }
  }

  /** Entries that are stored here, before `open`; 0 when the core cannot be opened. */
  async stored(): Promise<number> {
    await this.core.ready().catch(() => undefined)
    return this.core.contiguousLength
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
    if (!this.own) this.#range = core.download({ start: 0, end: -1, linear: true })
    await this.#identify()
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
    if (decoded.ok) return { ...decoded.entry, agent: this.name, peerId: this.#peerId }
    if (this.#garbage.size < maxGarbage && !this.#garbage.has(seq)) {
      this.#garbage.add(seq)
      if (this.#garbage.size <= maxProblems) this.#components.onProblem(this, decoded.problem)
    }
    return undefined
  }

  /** To be called when no stream is open any more. */
  async close(): Promise<void> {
    this.#closed = true
    this.#range?.destroy()
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

  async *#timesOf(from: number, to: number): AsyncGenerator<number> {
    for (let seq = from; seq < to; seq += 1) {
      const entry = await this.entry(seq)
      if (entry !== undefined) yield entry.time
    }
  }
}
