/** The journal as others see it: what it is made of for each run, and what is asked of it meanwhile. */
import { EventEmitter, once } from 'node:events'
import { join } from 'node:path'
import { CommonError, explain, Lifecycle, systemClock, withDeadline } from '../util/index.ts'
import { closed } from './own/append-errors.ts'
import { createBook, type Book } from './heads/book.ts'
import { writeBundle } from './proof/bundle-write.ts'
import type { EntryInput } from './entries.ts'
import { JournalError, type JournalErrorCode } from './errors.ts'
import { createKeeper } from './own/keeper.ts'
import type { Keeper } from './own/keeper-types.ts'
import { defaultLimits } from './limits.ts'
import { createOrderClock } from './reading/order.ts'
import { Changes, isOf, read, tail } from './reading/read.ts'
import { createRegistry } from './replica/registry.ts'
import type { Session } from './session.ts'
import type { Source } from './replica/source.ts'
import type {
  Journal,
  JournalComponents,
  JournalEvents,
  JournalInit,
  LoggedEntry,
} from './types.ts'
import { verifySource } from './proof/verify.ts'
import { createWriter, type Writer } from './own/writer.ts'

/** Entries that others rely on: on disk before they are acted on. */
const isDurable = ({ type }: EntryInput) => /^(claim|publish|pull|task)\.|^pushed$/.test(type)

/** Refused journals that are remembered, so that each is logged once. */
const maxRefused = 1_000

const nothingKept = { journals: 0, bytes: 0, droppedEntries: 0, droppedFrom: 0 }

interface Run {
  keeper: Keeper
  writer: Writer
  changes: Changes
  book: Book
}

/** Errors of `start`: `JOURNAL_IN_USE`, `JOURNAL_FULL`, `JOURNAL_FAILED`. */
export function createJournal(init: JournalInit, components: JournalComponents): Journal {
  const { dir, replicate = 'all' } = init
  const { logger, verify, clock = systemClock } = components
  const limits = { ...defaultLimits, ...init.limits }
  const events = new EventEmitter<JournalEvents>()
  const registry = createRegistry(
    { path: join(dir, 'followed.json'), ...limits },
    { logger, onEvict: (key) => run?.keeper.session?.drop(key) },
  )
  const order = createOrderClock()
  /** Connected before the start. */
  const early = new Set<string>()
  const refused = new Set<string>()
  let run: Run | undefined

  const lifecycle = new Lifecycle(
    async () => {
      const now = begin()
      run = now
      for (const peerId of early) now.keeper.connect(peerId)
      early.clear()
      await now.keeper.open()
    },
    async () => {
      const ending = run
      run = undefined
      if (ending === undefined) return
      const close = () => ending.keeper.close()
      await withDeadline('To stop the journal', limits.stopMs, close).finally(() =>
        ending.changes.close(),
      )
    },
  )

  function begin(): Run {
    const changes = new Changes()
    const book = createBook({ path: join(dir, 'heads.json'), ...limits }, { logger, clock })
    const writer: Writer = createWriter(
      {
        maxWaiting: limits.maxWaitingAppends,
        maxBatch: limits.maxBatch,
        maxWaitMs: limits.appendWaitMs,
      },
      { clock, order, onFailure: (cause) => keeper.failed(cause) },
    )
    const keeper = createKeeper(
      { ...init, limits },
      {
        ...components,
        clock,
        registry,
        book,
        writer,
        changes,
        order,
        emit: (entry: LoggedEntry) => emit('entry', entry),
        onState: (state) => emit('state', state),
      },
    )
    return { keeper, writer, changes, book }
  }

  function emit<K extends keyof JournalEvents>(event: K, ...args: JournalEvents[K]): void {
    try {
      // The emitter's own types cannot follow a type parameter.
      ;(events as EventEmitter).emit(event, ...args)
    } catch (error) {
      logger.error({ event, error: explain(error) }, 'a listener of the journal failed')
    }
  }

  function running(): Run {
    if (run === undefined) throw closed()
    return run
  }

  function opened(): Session {
    const { session } = running().keeper
    if (session === undefined) throw reopening()
    return session
  }

  function reader({ keeper, changes }: Run) {
    return {
      sources: () => keeper.session?.sources.values() ?? [],
      changes,
      maxReadAhead: limits.maxReadAhead,
      rewound: (source: Source) => keeper.rewound(source),
    }
  }

  return {
    events,
    start: () => lifecycle.start(),
    stop: () => lifecycle.stop(),
    head() {
      const head = running().keeper.head()
      if (head === undefined) throw reopening()
      return head
    },
    state: () => run?.keeper.state ?? { is: 'stopped' },
    async opened(signal) {
      for (;;) {
        const { state } = running().keeper
        if (state.is === 'open' || state.is === 'low') return
        if (state.is === 'failed') {
          throw new JournalError(state.code as JournalErrorCode, state.reason)
        }
        await once(events, 'state', signal === undefined ? {} : { signal }).catch(
          (cause: unknown) => {
            throw new CommonError('ABORTED', 'The journal is not awaited any more.', { cause })
          },
        )
      }
    },
    treeHashAt: async (length) => (await opened().own.core.treeHash(length)).toString('hex'),
    async append(entry, { durable = isDurable(entry) } = {}) {
      return running().writer.append(entry, durable)
    },
    follow({ head, related = true, ...announced }) {
      const isOthers = announced.peerId !== components.transport.peerId
      if (isOthers && (replicate === 'own' || (replicate === 'followed' && !related))) {
        if (head !== undefined && head.key === announced.key) {
          run?.book.note(announced.peerId, head)
        }
        return
      }
      const journal = { ...announced, related, seenMs: clock.now() }
      const session = run?.keeper.session
      const known = session?.sources.get(journal.key)
      if (known?.own === true) return
      const { peerId, name } = journal
      const isForeign = known?.identity === 'proven' && known.peerId !== peerId
      const added = isForeign ? 'foreign' : registry.put(journal)
      if (added === 'foreign' || added === 'invalid' || added === 'full') {
        if (refused.has(journal.key) || refused.size >= maxRefused) return
        refused.add(journal.key)
        logger.warn({ peerId, journal: journal.key, reason: added }, 'a journal is not followed')
        return
      }
      if (head !== undefined && head.key === journal.key) run?.book.note(peerId, head)
      if (known !== undefined) {
        known.announce(peerId, name)
        known.fetch()
      } else session?.follow({ ...journal })
    },
    connect(peerId) {
      if (run !== undefined) run.keeper.connect(peerId)
      else if (early.size < limits.maxStreams) early.add(peerId)
    },
    heard(peerNowMs) {
      order.heard(peerNowMs, clock.now())
    },
    disconnect(peerId) {
      early.delete(peerId)
      run?.keeper.disconnect(peerId)
    },
    journals: () =>
      [...(run?.keeper.session?.sources.values() ?? [])].map((source) => source.info()),
    read: (query = {}) => read(query, reader(running())),
    tail: (query, signal) => tail(query, signal, reader(running())),
    bundle(query = {}) {
      const { sources } = opened()
      const { name, version } = init.agent
      return writeBundle(
        { by: { name, version, peerId: components.transport.peerId }, nowMs: clock.now(), query },
        [...sources.values()],
      )
    },
    kept: () =>
      run?.keeper.session?.budget.kept() ?? { ...nothingKept, budgetBytes: limits.budgetBytes },
    branches: () => run?.keeper.branches ?? [],
    async verify(agent) {
      const all = opened().sources
      const sources = [...all.values()].filter((source) => isOf(source, agent))
      const results = []
      for (const source of sources) results.push(await verifySource(source, all, verify))
      return results
    },
  }
}

function reopening(): JournalError {
  return new JournalError('JOURNAL_WAITING', 'The journal is being opened.', {
    next: 'Try again in a moment.',
  })
}
