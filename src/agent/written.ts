/**
 * The journal's state, as the rest of the agent follows it: others are told the own head when the
 * journal begins or goes on in a new epoch, nothing new is begun while it is not written, and what is
 * under way waits for space.
 */
import type { Head, Journal } from '../journal/index.ts'
import type { Mesh } from '../mesh/index.ts'
import {
  hasCode,
  sleep,
  systemClock,
  type Clock,
  type Logger,
  type Startable,
} from '../util/index.ts'

/** False also when space is short: what runs may use what is left. */
export const mayBegin = (journal: Journal) => journal.state().is === 'open'

/** Undefined while the store was never open in this run, as after a start on a full disk. */
export function headOf(journal: Pick<Journal, 'head'>): Head | undefined {
  try {
    return journal.head()
  } catch (error) {
    if (hasCode(error, 'JOURNAL_WAITING') || hasCode(error, 'JOURNAL_CLOSED')) return undefined
    throw error
  }
}

/** Tells others the own head at once when it matters. `onOpen`: the journal is written again. */
export function announcing(mesh: Mesh, journal: Journal, onOpen: () => void): Startable {
  const onState = () => {
    if (journal.state().is !== 'open') return
    mesh.announce({ journal: journal.head() })
    onOpen()
  }
  return {
    async start() {
      journal.events.on('state', onState)
      const head = headOf(journal)
      if (head !== undefined) mesh.announce({ journal: head })
    },
    async stop() {
      journal.events.off('state', onState)
    },
  }
}

/** So long running work waits for space, ms: until then somebody has heard of a full disk, or never will. */
const patienceMs = 30 * 60_000
/** Between two tries, ms. */
const pauseMs = 2_000

export interface Patience {
  /** Ends all waits: the agent stops. */
  signal: AbortSignal
  logger: Logger
  clock?: Clock
}

/**
 * The journal for tasks that run: on a full disk an append waits for space and is tried again, so that
 * finished work is not thrown away and done again. Two do not wait: that a lease was renewed, since
 * the next renewal waits behind it; and what begins something new.
 */
export function patientJournal(
  journal: Journal,
  { signal, logger, clock = systemClock }: Patience,
): Journal {
  const append: Journal['append'] = async (entry, options) => {
    const end = clock.monotonic() + patienceMs
    for (let isSaid = false; ; isSaid = true) {
      try {
        return await journal.append(entry, options)
      } catch (error) {
        const isPatient = hasCode(error, 'JOURNAL_FULL') && !impatient.has(entry.type)
        if (!isPatient || signal.aborted || clock.monotonic() >= end) throw error
        const fields = { event: 'journal.wait', type: entry.type }
        if (!isSaid) logger.warn(fields, 'the disk is full: what runs waits for space')
        await sleep(pauseMs, { signal, clock }).catch(() => undefined)
      }
    }
  }
  return { ...journal, append }
}

const impatient: ReadonlySet<string> = new Set(['claim.renewed', 'claim.tried', 'issue.seen'])
