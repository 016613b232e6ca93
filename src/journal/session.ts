/**
 * Everything that exists while a store is open, opened in this order and closed in reverse: store, own
 * epoch, journals known here, replication. An opening that fails half-way closes what it had. The
 * writer is not part of it: it outlives the store (see `keeper.ts`, which opens sessions).
 */
import type Corestore from 'corestore'
import { explain, systemClock, until, type Logger } from '../util/index.ts'
import { adoptCopies } from './own/adopt.ts'
import { branches, settleBranch, mendBranch } from './own/branch.ts'
import { createBudget, type Budget } from './replica/budget.ts'
import { createDurability, type Durability } from './own/durable.ts'
import type { EntryInput, Origin } from './entries.ts'
import { openOwnCore, type EpochInit, type OwnCore } from './own/epoch.ts'
import { storageError } from './errors.ts'
import { createFeed } from './reading/feed.ts'
import type { OrderClock } from './reading/order.ts'
import type { Changes } from './reading/read.ts'
import { gate } from './replica/gate.ts'
import type { Followed, Registry } from './replica/registry.ts'
import { createReplication, type Replication } from './replica/replicate.ts'
import { Source } from './replica/source.ts'
import { databaseDirectory, openOwnStore } from './own/store.ts'
import type { JournalComponents, JournalInit, JournalLimits, LoggedEntry } from './types.ts'

export interface SessionInit extends JournalInit, Pick<EpochInit, 'floor' | 'after'> {
  limits: JournalLimits
}

export interface SessionComponents extends JournalComponents {
  order: OrderClock
  registry: Registry
  emit: (entry: LoggedEntry) => void
  /** Wakes readers; outlives the session, as they do. */
  changes: Changes
  /** Entries that were emitted, by key; carried from session to session. */
  emitted: Map<string, number>
  /** Resolves when the own journal may be replicated with the peer. */
  admit: (peerId: string) => Promise<void>
  /** Peers hold another history of the own journal; `length`: what they have. */
  onConflict: (length: number) => Promise<void>
  /** Another journal of this identity was proven, was refused, or grew. */
  onOther: (source: Source) => void
}

export interface Session {
  readonly own: OwnCore
  readonly durability: Durability
  readonly budget: Budget
  /** By key; the own one first. */
  readonly sources: ReadonlyMap<string, Source>
  readonly replication: Replication
  /** The latest epoch of this identity that is proven here. */
  latestEpoch(): number
  /** Takes up a journal that is not in `sources` yet. */
  follow(journal: Followed): void
  /** Lets go of a journal of another epoch or peer; what is stored of it stays. */
  drop(key: string): void
  /** Writes again what only branches had that were given up. Resolves when none is left, or on close. */
  mend(append: (entry: EntryInput, origin: Origin) => Promise<unknown>): Promise<void>
  /** Waits until every connected peer has the own journal, but not for long: a peer may be stuck. */
  drain(ms: number): Promise<void>
  /** Closes all. Never rejects. */
  close(): Promise<void>
}

export async function openSession(
  init: SessionInit,
  components: SessionComponents,
): Promise<Session> {
  const closers: { what: string; close: () => Promise<void> }[] = []
  const { logger } = components
  const closeAll = async () => {
    for (const { what, close } of closers.splice(0).reverse()) {
      await close().catch((error: unknown) =>
        logger.error({ what, error: explain(error) }, 'a part of the journal did not close'),
      )
    }
  }
  const onClose = (what: string, close: () => Promise<void>) => void closers.push({ what, close })
  try {
    return await open(init, components, onClose, closeAll)
  } catch (error) {
    await closeAll()
    throw storageError(error, init.dir)
  }
}

async function open(
  { dir, agent, replicate = 'all', limits, floor, after = -1 }: SessionInit,
  components: SessionComponents,
  onClose: (what: string, close: () => Promise<void>) => void,
  closeAll: () => Promise<void>,
): Promise<Session> {
  const {
    transport,
    verify,
    logger,
    clock = systemClock,
    registry,
    emit,
    emitted,
    changes,
    order,
  } = components
  const { peerId } = transport
  const opened = await openOwnStore(dir)
  let store: Corestore | undefined = opened.store
  onClose('store', async () => store?.close())
  const cut = await settleBranch(dir, peerId, opened.store).catch(async (error: unknown) => {
    await opened.store.close().catch(() => undefined)
    store = undefined
    throw error
  })
  store = cut
  const doubt = opened.copied ? 'The directory was copied or moved.' : undefined
  const own = await openOwnCore({ dir, peerId, doubt, floor, after }, { store: cut, verify })
  onClose('own core', () => own.core.close())
  onClose('epoch', () => own.end())
  for (const journal of own.left) registry.put(journal)

  const sources = new Map<string, Source>()
  const stopping = new AbortController()
  const feed = createFeed(emit, (source, error) =>
    logger.error({ journal: source.key, error: explain(error) }, 'a journal cannot be read'),
  )
  let background: Promise<void> = Promise.resolve()
  let indexing: Promise<void> = Promise.resolve()
  onClose('readers', async () => {
    stopping.abort()
    await background
    for (const source of sources.values()) emitted.set(source.key, feed.at(source))
    await feed.stop()
    await Promise.all([...sources.values()].map((source) => source.close()))
    await indexing
  })

  const budget = createBudget(
    { budgetBytes: limits.budgetBytes, everyMs: limits.budgetEveryMs, peerId },
    { sources, registry, clock, logger },
  )
  onClose('budget', () => budget.stop())
  const isWanted = ({ peerId: of, related }: Followed) =>
    of === peerId || replicate === 'all' || (replicate === 'followed' && related === true)

  function addSource(journal: Followed, core: OwnCore['core']): Source {
    const isOwn = journal.key === own.key
    const source = new Source(
      {
        ...journal,
        name: journal.name,
        own: isOwn,
        dropped: journal.dropped ?? 0,
        downloads: isWanted(journal),
        maxBytes: limits.maxReplicaBytes,
        dir,
      },
      {
        core,
        verify,
        logger,
        onOrder: (value) => order.observe(value, clock.now()),
        onChange: () => {
          changes.notify()
          feed.wake(source)
          if (!isOwn) budget.wake()
          if (!isOwn && source.peerId === peerId) components.onOther(source)
        },
        onProblem: ({ key, peerId: of }, problem) =>
          logger.warn({ journal: key, peerId: of, problem }, 'a journal has a problem'),
        onFrozen({ peerId: of, name }) {
          if (isOwn || stopping.signal.aborted || sources.get(journal.key) !== source) return
          const again = addSource({ ...journal, peerId: of, name }, replica(journal.key))
          feed.begin(again, feed.at(source))
          void again.open()
        },
      },
    )
    sources.set(journal.key, source)
    return source
  }
  const replica = (key: string) => cut.get({ key: Buffer.from(key, 'hex'), allowFork: false })

  const ownSource = addSource(
    { peerId, key: own.key, epoch: own.epoch, name: agent.name },
    own.core,
  )
  feed.begin(ownSource, emitted.get(own.key) ?? own.core.length)
  await ownSource.open()
  for (const journal of registry.list()) {
    if (journal.key === own.key) continue
    const source = addSource(journal, replica(journal.key))
    feed.begin(source, emitted.get(journal.key) ?? (await source.stored()))
    await source.open()
  }

  const durability = createDurability(databaseDirectory(dir))
  onClose('write-ahead log', () => durability.close())
  own.core.on('conflict', (length: number) => void components.onConflict(length))

  const gated = gate(transport, (of) => components.admit(of).then(() => own.share()))
  const replication = createReplication(limits, { store: cut, transport: gated, logger, clock })
  onClose('replication', () => replication.stop())
  background = adoptCopies({ dir, store: cut, sources, logger, signal: stopping.signal })
  indexing = background.then(() => completeIndexes(sources, stopping.signal, logger))

  return {
    own,
    durability,
    budget,
    sources,
    replication,
    latestEpoch() {
      const proven = [...sources.values()].filter(
        (source) => source.peerId === peerId && source.identity === 'proven',
      )
      return Math.max(own.epoch, ...proven.map((source) => source.epoch))
    },
    follow(journal) {
      void addSource(journal, replica(journal.key)).open()
    },
    drop(key) {
      const source = sources.get(key)
      if (source === undefined || source.own) return
      sources.delete(key)
      source
        .close()
        .catch((error: unknown) =>
          logger.warn({ journal: key, error: explain(error) }, 'a journal did not close'),
        )
    },
    async mend(append) {
      const { signal } = stopping
      for (;;) {
        const seen = changes.version
        const pending = await branches(dir)
        for (const branch of pending) {
          if (signal.aborted) return
          const parts = { replica: sources.get(branch.key), own: ownSource, append }
          if (!(await mendBranch(branch, parts))) continue
          logger.info(
            { journal: branch.key },
            'what only a rolled-back branch had is written again',
          )
        }
        if ((await branches(dir)).length === 0 || signal.aborted) return
        await changes.wait(seen, signal)
      }
    },
    async drain(ms) {
      const { core } = own
      const isDrained = () => core.peers.every((peer) => peer.remoteContiguousLength >= core.length)
      await until('the last entries', ms, isDrained, { everyMs: 10 }).catch(() => undefined)
    },
    close: closeAll,
  }
}

/** One journal after the other, so that no question has to read a journal first that was not indexed. */
async function completeIndexes(
  sources: ReadonlyMap<string, Source>,
  signal: AbortSignal,
  logger: Logger,
): Promise<void> {
  for (const source of sources.values()) {
    if (signal.aborted) return
    await source.index
      .grow(source.readable)
      .catch((error: unknown) =>
        logger.warn({ journal: source.key, error: explain(error) }, 'a journal was not indexed'),
      )
  }
}
