/**
 * Everything that exists while the journal runs, opened in this order and closed in reverse: store,
 * own epoch, journals known here, writer, first entry, replication. An opening that fails half-way
 * closes what it had.
 */
import type Corestore from 'corestore'
import { explain, systemClock, until } from '../util/index.ts'
import { createDurability } from './durable.ts'
import { openOwnCore, type OwnCore } from './epoch.ts'
import { storageError } from './errors.ts'
import { createFeed } from './feed.ts'
import { proveIdentity } from './identity.ts'
import { createOrderClock, type OrderClock } from './order.ts'
import { Changes } from './read.ts'
import type { Followed, Registry } from './registry.ts'
import { createReplication, type Replication } from './replicate.ts'
import { Source } from './source.ts'
import { databaseDirectory, openStore } from './store.ts'
import type { JournalComponents, JournalInit, JournalLimits, LoggedEntry } from './types.ts'
import { createWriter, type Writer } from './writer.ts'

export interface SessionInit extends JournalInit {
  limits: JournalLimits
}

export interface SessionComponents extends JournalComponents {
  registry: Registry
  emit: (entry: LoggedEntry) => void
}

export interface Session {
  readonly own: OwnCore
  readonly writer: Writer
  /** By key; the own one first. */
  readonly sources: ReadonlyMap<string, Source>
  readonly changes: Changes
  readonly replication: Replication
  readonly order: OrderClock
  /** Takes up a journal that is not in `sources` yet. */
  follow(journal: Followed): void
  /** Writes `agent.stopped`, lets connected peers have it, then closes all. Never rejects. */
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
  { dir, agent, limits }: SessionInit,
  { transport, verify, logger, clock = systemClock, registry, emit }: SessionComponents,
  onClose: (what: string, close: () => Promise<void>) => void,
  closeAll: () => Promise<void>,
): Promise<Session> {
  const { peerId } = transport
  const store: Corestore = await openStore(dir)
  onClose('store', () => store.close())
  await registry.load()
  onClose('registry', () => registry.flush())
  const own = await openOwnCore({ dir, peerId }, { store, verify })
  onClose('own core', () => own.core.close())
  for (const journal of own.left) registry.put(journal)

  const order = createOrderClock()
  const changes = new Changes()
  const sources = new Map<string, Source>()
  const feed = createFeed(emit, (source, error) =>
    logger.error({ journal: source.key, error: explain(error) }, 'a journal cannot be read'),
  )
  onClose('readers', async () => {
    changes.close()
    await feed.stop()
    await Promise.all([...sources.values()].map((source) => source.close()))
  })

  function addSource(journal: Followed, core: OwnCore['core']): Source {
    const isOwn = journal.key === own.key
    const source = new Source(
      {
        ...journal,
        name: journal.name,
        own: isOwn,
        dropped: journal.dropped ?? 0,
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
        },
        onProblem: ({ key, peerId }, problem) =>
          logger.warn({ journal: key, peerId, problem }, 'a journal has a problem'),
      },
    )
    sources.set(journal.key, source)
    return source
  }
  const replica = (key: string) => store.get({ key: Buffer.from(key, 'hex'), allowFork: false })

  const ownSource = addSource(
    { peerId, key: own.key, epoch: own.epoch, name: agent.name },
    own.core,
  )
  feed.begin(ownSource, own.core.length)
  await ownSource.open()
  for (const journal of registry.list()) {
    if (journal.key === own.key) continue
    const source = addSource(journal, replica(journal.key))
    feed.begin(source, await source.stored())
    await source.open()
  }

  const durability = createDurability(databaseDirectory(dir))
  onClose('write-ahead log', () => durability.close())
  const writer = createWriter(
    { dir, epoch: own.epoch, maxWaiting: limits.maxWaitingAppends, maxBatch: limits.maxBatch },
    {
      core: own.core,
      durability,
      clock,
      order,
      onFailure: (error) =>
        logger.error({ error: explain(error) }, 'the journal cannot be written any more'),
    },
  )
  onClose('writer', () => writer.close())
  own.core.on('conflict', () => {
    own
      .retire('Two different histories of it exist.')
      .catch((error: unknown) =>
        logger.error({ error: explain(error) }, 'the epoch was not marked as ended'),
      )
  })
  const proof = await proveIdentity(own, (data) => transport.sign(data))
  const previous = own.previous === undefined ? {} : { previous: own.previous }
  await writer.append({ type: 'agent.started', peerId, ...agent, proof, ...previous }, true)

  const replication = createReplication(limits, { store, transport, logger, clock })
  onClose('replication', () => replication.stop())

  return {
    own,
    writer,
    sources,
    changes,
    replication,
    order,
    follow(journal) {
      void addSource(journal, replica(journal.key)).open()
    },
    async close() {
      await writer
        .append({ type: 'agent.stopped', reason: 'stop' }, true)
        .catch((error: unknown) => logger.warn({ error: explain(error) }, 'no last entry'))
      await writer.close()
      await drain(own.core, limits.drainMs)
      await closeAll()
    },
  }
}

/** Waits until every connected peer has the whole core, but not for long: a peer may be stuck. */
async function drain(core: OwnCore['core'], ms: number): Promise<void> {
  const isDrained = () => core.peers.every((peer) => peer.remoteContiguousLength >= core.length)
  await until('the last entries', ms, isDrained, { everyMs: 10 }).catch(() => undefined)
}
