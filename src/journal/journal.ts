/** The journal as others see it: one session while it runs, and what is asked of it meanwhile. */
import { EventEmitter } from 'node:events'
import { join } from 'node:path'
import { explain, Lifecycle, systemClock, withDeadline } from '../util/index.ts'
import { writeBundle } from './bundle-write.ts'
import type { EntryInput } from './entries.ts'
import { defaultLimits } from './limits.ts'
import { isOf, read, tail } from './read.ts'
import { createRegistry } from './registry.ts'
import { openSession, type Session } from './session.ts'
import type { Journal, JournalComponents, JournalEvents, JournalInit } from './types.ts'
import { verifySource } from './verify.ts'
import { closed } from './writer.ts'

/** Entries that others rely on: on disk before they are acted on. */
const isDurable = ({ type }: EntryInput) => /^(claim|publish|pull|task)\.|^pushed$/.test(type)

/** Refused journals that are remembered, so that each is logged once. */
const maxRefused = 1_000

/** Errors of `start`: `JOURNAL_IN_USE`, `JOURNAL_COPIED`, `JOURNAL_FULL`, `JOURNAL_FAILED`. */
export function createJournal(init: JournalInit, components: JournalComponents): Journal {
  const { dir } = init
  const { logger, verify, clock = systemClock } = components
  const limits = { ...defaultLimits, ...init.limits }
  const events = new EventEmitter<JournalEvents>()
  const registry = createRegistry({ path: join(dir, 'followed.json'), ...limits }, { logger })
  /** Connected before the start. */
  const early = new Set<string>()
  const refused = new Set<string>()
  let session: Session | undefined

  const lifecycle = new Lifecycle(
    async () => {
      const emit: Parameters<typeof openSession>[1]['emit'] = (entry) => {
        try {
          events.emit('entry', entry)
        } catch (error) {
          logger.error({ error: explain(error) }, 'a listener of journal entries failed')
        }
      }
      session = await openSession({ ...init, limits }, { ...components, registry, emit })
      for (const peerId of early) session.replication.connect(peerId)
      early.clear()
    },
    async () => {
      const closing = session
      session = undefined
      await withDeadline('To stop the journal', limits.stopMs, () => closing?.close())
    },
  )

  function running(): Session {
    if (session === undefined) throw closed()
    return session
  }

  function reader({ sources, changes }: Session) {
    return { sources: () => sources.values(), changes, maxReadAhead: limits.maxReadAhead }
  }

  return {
    events,
    start: () => lifecycle.start(),
    stop: () => lifecycle.stop(),
    head() {
      const { core, key, epoch } = running().own
      return {
        key,
        epoch,
        length: core.length,
        fork: core.fork,
        treeHash: core.state.hash().toString('hex'),
      }
    },
    treeHashAt: async (length) => (await running().own.core.treeHash(length)).toString('hex'),
    async append(entry, { durable = isDurable(entry) } = {}) {
      return running().writer.append(entry, durable)
    },
    follow(journal) {
      const known = session?.sources.get(journal.key)
      if (known?.own === true) return
      const { peerId, name } = journal
      const isForeign = known?.identity === 'proven' && known.peerId !== peerId
      const added = isForeign ? 'foreign' : registry.put(journal)
      if (added === 'foreign' || added === 'invalid' || added === 'full') {
        if (refused.has(journal.key) || refused.size >= maxRefused) return
        refused.add(journal.key)
        logger.warn({ peerId, journal: journal.key, reason: added }, 'a journal is not followed')
      } else if (known !== undefined) known.announce(peerId, name)
      else session?.follow({ ...journal })
    },
    connect(peerId) {
      if (session !== undefined) session.replication.connect(peerId)
      else if (early.size < limits.maxStreams) early.add(peerId)
    },
    heard(peerNowMs) {
      session?.order.heard(peerNowMs, clock.now())
    },
    disconnect(peerId) {
      early.delete(peerId)
      session?.replication.disconnect(peerId)
    },
    journals: () => [...(session?.sources.values() ?? [])].map((source) => source.info()),
    read: (query = {}) => read(query, reader(running())),
    tail: (query, signal) => tail(query, signal, reader(running())),
    bundle(query = {}) {
      const { sources } = running()
      const { name, version } = init.agent
      return writeBundle(
        { by: { name, version, peerId: components.transport.peerId }, nowMs: clock.now(), query },
        [...sources.values()],
      )
    },
    async verify(agent) {
      const all = running().sources
      const sources = [...all.values()].filter((source) => isOf(source, agent))
      const results = []
      for (const source of sources) results.push(await verifySource(source, all, verify))
      return results
    },
  }
}
