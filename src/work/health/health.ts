/**
 * The standing of every executor of this agent, and of the place that all of them work in. Who is away is
 * looked at again when its time is over; what changes is written into the journal, so that a restart
 * knows it, and told to others, so that nobody waits for it.
 */
import type { EntryInput, LoggedEntry } from '../../journal/index.ts'
import { explain, withDeadline, type Clock, type Logger, type Startable } from '../../util/index.ts'
import { oneLine } from '../clean.ts'
import {
  afterProbe,
  afterSetback,
  afterWork,
  fresh,
  type Setback,
  type Standing,
  type Why,
} from './standing.ts'

/** The name under which the directory of the workspaces stands. */
export const WORKSPACES = '(workspaces)'

export interface HealthJournal {
  append(entry: EntryInput): Promise<unknown>
  read(query: {
    agent: string
    types: readonly ('executor.away' | 'executor.back')[]
  }): AsyncIterable<LoggedEntry>
}

export interface Away {
  why: Why
  reason: string
  untilMs: number
}

export interface StandingView {
  executor: string
  is: Standing['is']
  why: Why | null
  reason: string | null
  /** Wall clock, ms since 1970. */
  sinceMs: number | null
  untilMs: number | null
}

export interface Health extends Startable {
  failed(name: string, setback: Omit<Setback, 'now'>): void
  worked(name: string): void
  away(name: string): Away | undefined
  /** Those that are not simply well. */
  view(): StandingView[]
}

export interface HealthInit {
  names: readonly string[]
  /** Peer whose journal is the own one. */
  peerId: string
}

export interface HealthComponents {
  clock: Clock
  logger: Logger
  journal?: HealthJournal | undefined
  /** Whether it is usable as far as looking tells. May fail, which counts as no. */
  probe: (name: string, signal: AbortSignal) => Promise<boolean>
  onChange: () => void
}

const probeMs = 20_000
const readMs = 10_000
/** Longest reason that is kept and told, characters. */
const maxReason = 200

export function createHealth({ names, peerId }: HealthInit, components: HealthComponents): Health {
  const { clock, logger, journal, probe, onChange } = components
  const known = [...names, WORKSPACES]
  const standings = new Map<string, Standing>()
  const timers = new Map<string, () => void>()
  let stopping = new AbortController()
  let probing: Promise<unknown> = Promise.resolve()
  const of = (name: string) => standings.get(name) ?? fresh

  function move(name: string, next: Standing): void {
    const before = of(name)
    standings.set(name, next)
    timers.get(name)?.()
    timers.delete(name)
    if (next.is === 'away') {
      const due = Math.max(0, next.untilMs - clock.now())
      const fire = () => {
        probing = probing.then(() => look(name))
      }
      if (!stopping.signal.aborted) timers.set(name, clock.after(due, fire))
    }
    if (before.is === next.is && before.is !== 'away') return
    write(name, before, next)
    onChange()
  }

  function write(executor: string, before: Standing, next: Standing): void {
    if (next.is === 'away') {
      const { why, reason, untilMs } = next
      logger.warn(
        { event: 'executor.away', executor, why, reason, until: new Date(untilMs).toISOString() },
        `${executor} is left alone for now`,
      )
      append({ type: 'executor.away', executor, why, reason, untilMs: Math.round(untilMs) })
    }
    if (next.is === 'ok' && before.is !== 'ok') {
      logger.info({ event: 'executor.back', executor }, `${executor} works again`)
      append({ type: 'executor.back', executor })
    }
  }

  function append(entry: EntryInput): void {
    journal?.append(entry).catch((error: unknown) => {
      logger.warn({ event: 'executor.standing', err: explain(error) }, 'a standing is not written')
    })
  }

  async function look(name: string): Promise<void> {
    const { signal } = stopping
    if (signal.aborted || of(name).is !== 'away') return
    const found = await withDeadline(
      'to look at an executor',
      probeMs,
      (inner) => probe(name, inner),
      {
        signal,
      },
    ).catch(() => false)
    if (!signal.aborted) move(name, afterProbe(of(name), { now: clock.now(), found }))
  }

  async function remember(): Promise<void> {
    if (journal === undefined) return
    const types = ['executor.away', 'executor.back'] as const
    const last = new Map<string, LoggedEntry>()
    for await (const entry of journal.read({ agent: peerId, types }))
      if ('executor' in entry && known.includes(entry.executor)) last.set(entry.executor, entry)
    for (const [name, entry] of last) {
      if (entry.type !== 'executor.away' || entry.untilMs <= clock.now()) continue
      const { why, reason, untilMs, time: sinceMs } = entry
      standings.set(name, { is: 'away', why, reason, sinceMs, untilMs, tries: 0 })
      const fire = () => {
        probing = probing.then(() => look(name))
      }
      timers.set(name, clock.after(Math.max(0, untilMs - clock.now()), fire))
    }
  }

  return {
    async start() {
      stopping = new AbortController()
      await withDeadline('to read how executors stand', readMs, remember, {
        signal: stopping.signal,
      }).catch((error: unknown) =>
        logger.warn({ event: 'executor.standing', err: explain(error) }, 'standings are not read'),
      )
    },
    async stop() {
      stopping.abort()
      for (const cancel of timers.values()) cancel()
      timers.clear()
      await probing
    },
    failed(name, setback) {
      const reason = oneLine(setback.reason, maxReason)
      move(name, afterSetback(of(name), { ...setback, reason, now: clock.now() }))
    },
    worked(name) {
      const { is } = of(name)
      if (is !== 'away') move(name, afterWork())
    },
    away(name) {
      const standing = of(name)
      if (standing.is !== 'away') return undefined
      const { why, reason, untilMs } = standing
      return { why, reason, untilMs }
    },
    view: () =>
      known.flatMap((executor) => {
        const standing = of(executor)
        if (standing.is === 'ok') return []
        const { is, why, reason, sinceMs } = standing
        const untilMs = standing.is === 'away' ? standing.untilMs : null
        return [{ executor, is, why, reason, sinceMs, untilMs }]
      }),
  }
}
