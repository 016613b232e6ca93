/**
 * Keeps the own journal writable: opens the store, waits for witnesses, lets the writer begin, and when
 * something turns up that must not be written over (another history at a peer, a full disk) opens the
 * store anew, in the same run. One transition at a time; while one goes on, appends wait.
 *
 *   open ─→ waiting ─(judge: on)─→ begin ─→ open
 *    ▲        └─(judge: anew)──┐              │ a peer contradicts, or hypercore sees a conflict
 *    ├──── retire, next epoch ◀┴──────────────┤ or a later epoch was begun elsewhere
 *    └──── release the reserve, await space ◀─┘ the store fails for want of space
 */
import { explain } from '../../util/index.ts'
import { createAsker, type Contradiction } from '../heads/asker.ts'
import { createBeginner } from './beginner.ts'
import { createBranches } from './branches.ts'
import type { EpochInit, Retirement } from './epoch.ts'
import { storageError, type JournalError } from '../errors.ts'
import { headOf } from '../heads/heads.ts'
import { judge, reasons } from '../heads/judge.ts'
import type { Keeper, KeeperComponents } from './keeper-types.ts'
import { createLater, outdoes } from './later.ts'
import { createPositions } from './positions.ts'
import { openSession, type Session, type SessionInit } from '../session.ts'
import type { Source } from '../replica/source.ts'
import { createShortage } from './shortage.ts'
import type { Head, JournalState } from '../types.ts'
import { createTurns } from './turns.ts'

export function createKeeper(init: SessionInit, components: KeeperComponents): Keeper {
  const { dir, agent, limits } = init
  const { transport, logger, clock, registry, book, writer, changes, onState } = components
  const { peerId } = transport
  const connected = new Set<string>()
  const positions = createPositions()
  const { emitted } = positions
  const stopping = new AbortController()
  const { signal } = stopping
  let state: JournalState = { is: 'opening' }
  let session: Session | undefined
  let lastHead: Head | undefined
  let latest = -1
  let company: readonly string[] = []
  let isGraceOver = false
  /** The session that was decided about. */
  let decided: Session | undefined
  /** Its epoch ends: nothing is replicated in it any more. */
  let doomed: Session | undefined
  let cancelGrace: (() => void) | undefined
  let unhandle: (() => void) | undefined
  let watching: Promise<void> = Promise.resolve()

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
        logger.warn({ journal: key, epoch }, 'a peer knows a journal of this agent that was lost')
        later.await(key)
        session.follow(journal)
        return true
      },
      onContradiction: contradicted,
      onAnswer: () => void decide().catch(notBegun),
    },
  )

  const later = createLater(logger)
  const branches = createBranches(logger)
  const beginner = createBeginner(init, components)
  const turns = createTurns(signal, (error) => {
    logger.error({ error: explain(error) }, 'the journal cannot be written any more')
    broken(storageError(error, dir))
  })
  const shortage = createShortage(
    { dir, limits },
    {
      ...components,
      signal,
      state: () => state,
      session: () => (session === doomed ? undefined : session),
      become,
      broken,
      enqueue: (step) => turns.take(step),
      async reopen(now, floor) {
        if (session === now) await closeSession(now)
        await openNow(floor)
        void decide().catch(notBegun)
      },
    },
  )

  function become(next: JournalState): void {
    state = next
    onState(next)
  }

  function broken(error: JournalError): void {
    become({ is: 'failed', code: error.code, reason: explain(error) })
    writer.refuse(error)
  }

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
    const onConflict = async (length: number) => {
      const at = await opening.promise
      const again = positions.begin(at.own.key)
      await renew(at, { reason: reasons.different, witnessed: { length }, again })
    }
    const parts = { ...components, emitted, admit, onConflict, onOther }
    const started = openSession({ ...init, floor, after: latest }, parts)
    started.then(opening.resolve, opening.reject)
    session = await started
    const { own, sources } = session
    latest = Math.max(latest, own.epoch)
    positions.found(own.key, own.core.length)
    for (const journal of registry.list()) {
      if (!sources.has(journal.key)) session.follow(journal)
    }
    changes.notify()
    for (const of of connected) meet(of)
  }

  function onOther(source: Source): void {
    const now = session
    if (now === undefined) return
    branches.look(now)
    if (now === doomed) return
    if (decided !== now) return void decide().catch(notBegun)
    if (!outdoes(source, now.own)) return
    if (state.is !== 'open' && state.is !== 'low') return
    const reason = later.take(now)
    if (reason !== undefined) void renew(now, { reason })
  }

  function meet(of: string): void {
    void asker.ask(of)
    session?.replication.connect(of)
  }

  function notBegun(error: unknown): void {
    if (!signal.aborted) logger.error({ error: explain(error) }, 'the journal does not begin')
  }

  async function decide(): Promise<void> {
    const now = session
    if (now === undefined || decided === now || signal.aborted) return
    const { core, key, shared, isNew } = now.own
    const awaited = new Set([...company, ...(components.expected?.() ?? [])])
    const expected = [...awaited].filter((of) => of !== peerId)
    const { answered } = asker
    const sure = isNew || beginner.has(key)
    const { length } = core
    const isAwaited = later.isAwaited(now)
    const judgement = judge({ sure, length, shared, expected, answered, isAwaited, isGraceOver })
    if (judgement.go === 'wait') {
      const heard = expected.filter((of) => answered.has(of)).length
      return become({ is: 'waiting', expected: expected.length, answered: heard })
    }
    decided = now
    const outdone = later.take(now)
    if (outdone !== undefined) return void renew(now, { reason: outdone })
    if (judgement.go === 'on') return begin(now)
    logger.warn({ journal: key, reason: judgement.reason }, 'the journal goes on in a new epoch')
    const { treeHash } = headOf(core, now.own.epoch)
    void renew(now, { reason: judgement.reason, witnessed: { length, treeHash } })
  }

  async function begin(now: Session): Promise<void> {
    try {
      await beginner.begin(now)
    } catch (cause) {
      if (session !== now || now === doomed || signal.aborted) return
      const error = storageError(cause, dir)
      if (state.is !== 'full' && state.is !== 'failed') broken(error)
      throw error
    }
    if (session !== now || now === doomed || signal.aborted) return
    become({ is: 'open' })
    void shortage.reserve()
    branches.look(now)
    beginner.mend(now)
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
    const step = async () => {
      if (session !== now) return
      const { own } = now
      await writer.hold()
      logger.warn({ journal: own.key, ...retirement }, 'the epoch of the journal ends')
      await own.retire(retirement)
      await closeSession(now)
      if (retirement.cut === true) positions.cut(own.key)
      await openNow()
      void decide().catch(notBegun)
    }
    return turns.take(step).catch(() => undefined)
  }

  async function closeSession(now: Session): Promise<void> {
    latest = Math.max(latest, now.latestEpoch())
    head()
    await now.close()
    if (session === now) session = undefined
  }

  function head(): Head | undefined {
    const own = session?.own
    if (own !== undefined && !own.core.closing) lastHead = headOf(own.core, own.epoch)
    return lastHead
  }

  return {
    get state() {
      return state
    },
    get session() {
      return session
    },
    head,
    get branches() {
      return branches.notes
    },
    async open() {
      await registry.load()
      await book.load()
      company = book.company
      unhandle = transport.handleWitness?.((request, from) => asker.testify(request, from))
      await shortage.begin(openNow, () => void decide().catch(notBegun))
      cancelGrace = clock.after(limits.witnessGraceMs, () => {
        isGraceOver = true
        void decide().catch(notBegun)
      })
      await decide()
      watching = shortage.watch()
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
      await turns.idle()
      if (now !== undefined && now === session) await now.drain(limits.drainMs)
      if (session !== undefined) await closeSession(session)
      await Promise.all([watching, beginner.mended(), book.flush(), registry.flush()])
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
    failed: (cause) => void shortage.failed(cause),
    rewound: ({ key }) => positions.rewound(key),
  }
}
