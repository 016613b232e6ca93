/**
 * Keeps the own journal writable: opens the store, waits for witnesses, lets the writer begin, and when
 * something turns up that must not be written over (another history at a peer, a full disk) opens the
 * store anew, in the same run. One transition at a time; while one goes on, appends wait.
 *
 *   open ─→ waiting ─(judge: on)─→ begin ─→ open
 *    ▲        └─(judge: anew)──┐              │ a peer contradicts, or hypercore sees a conflict
 *    ├──── retire, next epoch ◀┴──────────────┤
 *    └──── release the reserve, await space ◀─┘ the store fails for want of space
 */
import { explain, sleep, until, type Clock } from '../util/index.ts'
import { createAsker, type Contradiction } from './asker.ts'
import type { Book } from './book.ts'
import type { EpochInit, Retirement } from './epoch.ts'
import { fullBytes, storageError, type JournalError } from './errors.ts'
import { headOf } from './heads.ts'
import { proveIdentity } from './identity.ts'
import { judge, reasons } from './judge.ts'
import type { Changes } from './read.ts'
import { openSession, type Session, type SessionComponents, type SessionInit } from './session.ts'
import type { Source } from './source.ts'
import { createSpace } from './space.ts'
import type { Head, JournalState } from './types.ts'
import type { Writer } from './writer.ts'

/** What opening a store takes, bytes: it writes a table, a manifest and a new log. */
const reopenBytes = 6 * 1024 ** 2
/** Pause before an opening that failed is tried again, ms. */
const reopenPauseMs = 1_000

export interface KeeperComponents extends Omit<
  SessionComponents,
  'emitted' | 'admit' | 'onConflict'
> {
  clock: Clock
  book: Book
  writer: Writer
  changes: Changes
  onState: (state: JournalState) => void
}

export interface Keeper {
  /** Resolves when the journal can be read, and is written or waits for witnesses. */
  open(): Promise<void>
  close(): Promise<void>
  readonly state: JournalState
  readonly session: Session | undefined
  head(): Head | undefined
  connect(peerId: string): void
  disconnect(peerId: string): void
  /** The writer could not write. */
  failed(cause: unknown): void
  /** See `ReaderComponents`. */
  rewound(source: Source): number | undefined
}

export function createKeeper(init: SessionInit, components: KeeperComponents): Keeper {
  const { dir, agent, limits } = init
  const { transport, logger, clock, registry, book, writer, changes, onState } = components
  const { peerId } = transport
  const space = createSpace({ dir, ...limits }, { logger, freeBytes: components.freeBytes })
  const connected = new Set<string>()
  const emitted = new Map<string, number>()
  const rewound = new Map<string, number>()
  const stopping = new AbortController()
  const { signal } = stopping
  let state: JournalState = { is: 'opening' }
  let session: Session | undefined
  let lastHead: Head | undefined
  /** Journals that this run wrote. */
  const begun = new Set<string>()
  /** Entries of the own journal when this run found it. */
  let found: { key: string; length: number } | undefined
  let latest = -1
  let company: readonly string[] = []
  let isGraceOver = false
  /** The session that was decided about. */
  let decided: Session | undefined
  /** The session whose epoch ends: nothing is replicated in it any more. */
  let doomed: Session | undefined
  let turn: Promise<void> = Promise.resolve()
  let cancelGrace: (() => void) | undefined
  let mending: Promise<void> = Promise.resolve()

  const asker = createAsker(
    { askMs: limits.askMs, maxPeers: 2 * limits.maxStreams },
    {
      transport,
      logger,
      book,
      session: () => session,
      onFound({ key, epoch }) {
        const journal = { peerId, key, epoch, name: agent.name }
        if (session === undefined || registry.put(journal) !== 'added') return false
        logger.warn(
          { journal: key, epoch },
          'a peer knows a journal of this agent that is not here',
        )
        session.follow(journal)
        return true
      },
      onContradiction: contradicted,
      onAnswer: () => void decide().catch(notBegun),
    },
  )

  function become(next: JournalState): void {
    state = next
    onState(next)
  }

  /** One transition after the other; a failure is final, as nothing can be written then. */
  function enqueue(what: string, step: () => Promise<void>): Promise<void> {
    const next = turn.then(async () => {
      if (signal.aborted) return
      await step()
    })
    turn = next.catch((error: unknown) => {
      if (signal.aborted) return
      logger.error({ what, error: explain(error) }, 'the journal cannot be written any more')
      broken(storageError(error, dir))
    })
    return next
  }

  function broken(error: JournalError): void {
    become({ is: 'failed', code: error.code, reason: explain(error) })
    writer.refuse(error)
  }

  /** To be decided about. */
  async function openNow(floor?: EpochInit['floor']): Promise<void> {
    become({ is: 'opening' })
    const opening = Promise.withResolvers<Session>()
    opening.promise.catch(() => undefined)
    const admit = async (of: string) => {
      const at = await opening.promise
      await asker.ask(of)
      if (at === doomed) throw new Error('The epoch of the journal ends.')
      book.joined(of)
    }
    const onConflict = (length: number) =>
      void opening.promise.then((at) =>
        renew(at, { reason: reasons.different, witnessed: { length }, cut: true }),
      )
    try {
      const epochs = { floor, after: latestEpoch() }
      const parts = { ...components, emitted, admit, onConflict }
      session = await openSession({ ...init, ...epochs }, parts)
      opening.resolve(session)
    } catch (error) {
      opening.reject(error)
      throw error
    }
    const { own, sources } = session
    latest = Math.max(latest, own.epoch)
    found ??= { key: own.key, length: own.core.length }
    for (const journal of registry.list()) {
      if (!sources.has(journal.key)) session.follow(journal)
    }
    changes.notify()
    for (const of of connected) meet(of)
  }

  function meet(of: string): void {
    void asker.ask(of)
    session?.replication.connect(of)
  }

  function notBegun(error: unknown): void {
    if (!signal.aborted) logger.error({ error: explain(error) }, 'the journal does not begin')
  }

  /** The latest epoch of this identity that is proven here. */
  function latestEpoch(): number {
    for (const { peerId: of, identity, epoch } of session?.sources.values() ?? []) {
      if (of === peerId && identity === 'proven') latest = Math.max(latest, epoch)
    }
    return latest
  }

  async function decide(): Promise<void> {
    const now = session
    if (now === undefined || decided === now || signal.aborted) return
    const { core, key, shared, isNew } = now.own
    const awaited = [...new Set([...company, ...(components.expected?.() ?? [])])]
    const expected = awaited.filter((of) => of !== peerId)
    const { answered } = asker
    const judgement = judge({
      sure: isNew || begun.has(key),
      length: core.length,
      shared,
      expected,
      answered,
      worst: undefined,
      graceOver: isGraceOver,
    })
    if (judgement.go === 'wait') {
      const heard = expected.filter((of) => answered.has(of)).length
      return become({ is: 'waiting', expected: expected.length, answered: heard })
    }
    decided = now
    if (judgement.go === 'on') return begin(now)
    logger.warn({ journal: key, reason: judgement.reason }, 'the journal goes on in a new epoch')
    const { length, treeHash } = headOf(core, now.own.epoch)
    void renew(now, { reason: judgement.reason, witnessed: { length, treeHash } })
  }

  async function begin(now: Session): Promise<void> {
    const { own, durability } = now
    const target = { core: own.core, epoch: own.epoch, durability }
    if (begun.has(own.key)) await writer.attach(target)
    else {
      begun.add(own.key)
      const proof = await proveIdentity(own, (data) => transport.sign(data))
      const previous = own.previous === undefined ? {} : { previous: own.previous }
      await writer.attach(target, { type: 'agent.started', peerId, ...agent, proof, ...previous })
    }
    if (session !== now || signal.aborted) return
    become({ is: 'open' })
    void space.reserve()
    mending = mending
      .then(() => now.mend((entry, origin) => writer.append(entry, true, { origin })))
      .catch((error: unknown) =>
        logger.warn({ error: explain(error) }, 'a rolled-back branch is not written again yet'),
      )
  }

  function contradicted(head: Head, found: Contradiction): void {
    const now = session
    if (now === undefined || now === doomed || now.own.key !== head.key) return
    doomed = decided = now
    void (async () => {
      await writer.hold()
      const cut = !(found.is === 'longer' && (await found.isBeginning()))
      const { length, treeHash } = head
      await renew(now, { reason: reasons[found.is], witnessed: { length, treeHash }, cut })
    })()
  }

  /** Ends the epoch and begins the next. */
  function renew(now: Session, retirement: Retirement): Promise<void> {
    if (now !== session) return Promise.resolve()
    doomed = decided = now
    become({ is: 'opening' })
    return enqueue('renew', async () => {
      if (session !== now) return
      await writer.hold()
      const { own } = now
      const { reason, witnessed, cut } = retirement
      logger.warn({ journal: own.key, reason, witnessed, cut }, 'the epoch of the journal ends')
      await own.retire(retirement)
      await closeSession(now)
      if (cut === true) {
        const from = found?.key === own.key ? found.length : 0
        rewound.set(own.key, from)
        emitted.set(own.key, Math.min(from, emitted.get(own.key) ?? 0))
      }
      await openNow()
      void decide().catch(notBegun)
    }).catch(() => undefined)
  }

  async function closeSession(now: Session): Promise<void> {
    latest = latestEpoch()
    head()
    await now.close()
    if (session === now) session = undefined
  }

  function failed(cause: unknown): void {
    const now = session
    void (async () => {
      const freeBytes = await space.free()
      if (now === undefined || session !== now || signal.aborted || now === doomed) return
      const error = storageError(cause, dir, freeBytes)
      logger.error({ error: explain(error), freeBytes }, 'the journal could not be written')
      if (error.code !== 'JOURNAL_FULL') return broken(error)
      await recover(now, error)
    })()
  }

  /** A store that met a full disk is dead, also when there is space again: it is opened anew. */
  function recover(now: Session, error = storageError(undefined, dir, 0)): Promise<void> {
    become({ is: 'full', freeBytes: 0 })
    return enqueue('recover', async () => {
      if (session !== now) return
      await writer.hold()
      await now.replication.stop()
      await space.release()
      const { own } = now
      const floor = { key: own.key, length: own.core.length }
      for (;;) {
        const freeBytes = await space.free()
        if (freeBytes >= reopenBytes) {
          if (session === now) await closeSession(now)
          const problem = await openNow(floor).then(
            () => undefined,
            (cause: unknown) => cause,
          )
          if (problem === undefined) return void decide().catch(notBegun)
          logger.error({ error: explain(problem) }, 'the journal is not open again yet')
        }
        become({ is: 'full', freeBytes })
        writer.refuse(error)
        await sleep(freeBytes >= reopenBytes ? reopenPauseMs : limits.spaceCheckMs, {
          signal,
          clock,
        })
      }
    }).catch(() => undefined)
  }

  async function watchSpace(): Promise<void> {
    let starved = false
    while (!signal.aborted) {
      await sleep(limits.spaceCheckMs, { signal, clock }).catch(() => undefined)
      if (signal.aborted || (state.is !== 'open' && state.is !== 'low')) continue
      const freeBytes = await space.free()
      starved ||= freeBytes < fullBytes
      if (freeBytes < limits.lowBytes && state.is === 'open') become({ is: 'low', freeBytes })
      else if (freeBytes >= 1.25 * limits.lowBytes && state.is === 'low') {
        // What is downloaded may have met the full disk unseen, and then nothing is stored any more.
        if (starved && session !== undefined) void recover(session)
        else become({ is: 'open' })
        starved = false
        await space.reserve()
      }
    }
  }

  function head(): Head | undefined {
    const own = session?.own
    if (own !== undefined && !own.core.closing) lastHead = headOf(own.core, own.epoch)
    return lastHead
  }

  let unhandle: (() => void) | undefined
  let watching: Promise<void> = Promise.resolve()

  return {
    get state() {
      return state
    },
    get session() {
      return session
    },
    head,
    async open() {
      await registry.load()
      await book.load()
      company = book.company
      unhandle = transport.handleWitness?.((request, from) => asker.testify(request, from))
      cancelGrace = clock.after(limits.witnessGraceMs, () => {
        isGraceOver = true
        void decide()
      })
      await openNow()
      await decide()
      watching = watchSpace()
    },
    async close() {
      cancelGrace?.()
      unhandle?.()
      const now = session
      if (state.is === 'open' || state.is === 'low') {
        await writer
          .append({ type: 'agent.stopped', reason: 'stop' }, true)
          .catch((error: unknown) => logger.warn({ error: explain(error) }, 'no last entry'))
      }
      stopping.abort()
      await writer.close()
      await turn
      if (now !== undefined && now === session) await drain(now, limits.drainMs)
      if (session !== undefined) await closeSession(session)
      await Promise.all([watching, mending])
      await Promise.all([book.flush(), registry.flush()])
      become({ is: 'stopped' })
    },
    connect(of) {
      if (connected.size < limits.maxStreams) connected.add(of)
      if (session !== undefined) meet(of)
    },
    disconnect(of) {
      connected.delete(of)
      asker.forget(of)
      if (!signal.aborted) book.left(of)
      session?.replication.disconnect(of)
    },
    failed,
    rewound: ({ key }) => rewound.get(key),
  }
}

/** Waits until every connected peer has the whole core, but not for long: a peer may be stuck. */
async function drain({ own: { core } }: Session, ms: number): Promise<void> {
  const isDrained = () => core.peers.every((peer) => peer.remoteContiguousLength >= core.length)
  await until('the last entries', ms, isDrained, { everyMs: 10 }).catch(() => undefined)
}
