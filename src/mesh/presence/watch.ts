/**
 * Keeps the presence of every member that was met, with `machine.ts`: feeds signs of life in, ticks,
 * has those probed of whom there is doubt, and says what changed. Its own ticks tell how late this
 * process runs; after a pause (SIGSTOP, sleep) the time lost counts as nobody's silence.
 */
import { repeat, systemClock, type Clock, type Logger, type Startable } from '../../util/index.ts'
import type { Counters } from '../counters.ts'
import { judge, LATE_MS, type Note } from './health.ts'
import {
  met,
  step,
  type Event,
  type GoneReason,
  type Presence,
  type SignBy,
  type State,
  type Timing,
} from './machine.ts'

const TICK_MS = 500
/** Timely ticks after which health improves. */
const TICKS_IN_TIME = 10
/** A tick that is late by more was a pause of the whole process, ms. */
const PAUSE_MS = 2000
/** Between rounds of probes of one peer, ms; more for a process in trouble. */
const PROBE_PAUSE_MS = 2000
/** Probes at the same time. */
const MAX_PROBING = 8
/** Members that are watched; the one that is gone longest is dropped first. */
const MAX_WATCHED = 2000

/** What a round of probes found. */
export interface Probed {
  /** Who reached it: itself, another, nobody. */
  reached: 'direct' | 'indirect' | undefined
  /** Members that tried and did not reach it. */
  denied: string[]
  /** Members that did not answer the question. */
  mute: string[]
  asked: number
}

export interface View {
  presence: Presence
  /** Of `gone`. */
  why?: GoneReason
  /** Ms since it began; 0 for alive. */
  sinceMs: number
}

export interface WatchComponents {
  /** Never rejects. */
  probe: (peerId: string, patience: number) => Promise<Probed>
  /** Another presence than before. */
  onChange: (peerId: string, presence: Presence, before: Presence) => void
  counters: Counters
  logger: Logger
  clock?: Clock
  random?: () => number
}

export interface Watch extends Startable {
  /** `agoMs`: how long ago it was alive. Default 0. */
  sign(peerId: string, by: SignBy, agoMs?: number): void
  /** Its link broke, or is silent. */
  doubt(peerId: string): void
  goodbye(peerId: string): void
  /** Undefined for one that was never met. */
  of(peerId: string): View | undefined
  forget(peerId: string): void
  note(note: Note): void
  /** 0 is well. */
  health(): number
}

interface Watched {
  state: State
  probing: boolean
  probedAt: number
}

export function createWatch(timing: Timing, components: WatchComponents): Watch {
  const { probe, onChange, counters, logger, clock = systemClock, random } = components
  const watched = new Map<string, Watched>()
  let health = 0
  let inTime = 0
  let tickedAt = clock.monotonic()
  let running = false

  const context = () => ({
    now: clock.monotonic(),
    members: 1 + [...watched.values()].filter(({ state }) => state.is !== 'gone').length,
    patience: 1 + health,
    timing,
  })

  function feed(peerId: string, event: Event, from = context()): void {
    const entry = watched.get(peerId)
    if (entry === undefined) return
    const before = entry.state
    entry.state = step(before, event, from)
    if (entry.state.is === before.is) return
    counters.add(`presence.${entry.state.is}`)
    if (entry.state.is === 'alive' && before.is === 'suspect') counters.add('presence.refuted')
    logger.debug({ peerId, presence: entry.state.is, before: before.is }, 'presence changed')
    onChange(peerId, entry.state.is, before.is)
  }

  function makeRoom(): void {
    if (watched.size < MAX_WATCHED) return
    const age = ({ state }: Watched) => (state.is === 'gone' ? state.since : Infinity)
    const [oldest] = [...watched].sort((a, b) => age(a[1]) - age(b[1]))
    if (oldest !== undefined) watched.delete(oldest[0])
  }

  function note(what: Note): void {
    health = judge(health, what)
  }

  /** How late this tick is, and what follows from it. */
  function feelOwnPulse(): void {
    const now = clock.monotonic()
    const late = now - tickedAt - TICK_MS
    tickedAt = now
    note({ is: 'late', ms: late })
    inTime = late < LATE_MS ? inTime + 1 : 0
    if (inTime >= TICKS_IN_TIME) {
      inTime = 0
      note({ is: 'in time' })
    }
    if (late < PAUSE_MS) return
    counters.add('presence.pauses')
    for (const peerId of watched.keys()) feed(peerId, { is: 'slept', ms: late })
  }

  async function tick(): Promise<void> {
    feelOwnPulse()
    const from = context()
    for (const peerId of watched.keys()) feed(peerId, { is: 'tick' }, from)
    ask()
  }

  function ask(): void {
    const now = clock.monotonic()
    const pause = PROBE_PAUSE_MS * (1 + health)
    let free = MAX_PROBING - [...watched.values()].filter(({ probing }) => probing).length
    const waiting = [...watched]
      .filter(([, { state, probing, probedAt }]) => {
        const inDoubt =
          state.is === 'suspect' || (state.is === 'alive' && state.doubtAt !== undefined)
        return inDoubt && !probing && now - probedAt >= pause
      })
      .sort((a, b) => a[1].probedAt - b[1].probedAt)
    for (const [peerId, entry] of waiting) {
      if (free <= 0 || !running) return
      free -= 1
      void round(peerId, entry)
    }
  }

  async function round(peerId: string, entry: Watched): Promise<void> {
    entry.probing = true
    entry.probedAt = clock.monotonic()
    counters.add('probes')
    const { reached, denied, mute, asked } = await probe(peerId, 1 + health)
    entry.probing = false
    if (!running || watched.get(peerId) !== entry) return
    if (mute.length > 0) note({ is: 'unheard' })
    else if (reached === 'direct') note({ is: 'answered' })
    if (reached === 'indirect') counters.add('presence.saved')
    if (reached === undefined) feed(peerId, { is: 'denied', by: denied, asked })
    else feed(peerId, { is: 'sign', by: 'probe', at: clock.monotonic() })
  }

  const loop = repeat(tick, {
    everyMs: TICK_MS,
    jitter: 0,
    maxDelayMs: TICK_MS,
    onError: (error) => logger.error({ error: String(error) }, 'presence failed'),
    clock,
    ...(random && { random }),
  })

  return {
    async start() {
      running = true
      tickedAt = clock.monotonic() - TICK_MS
      await loop.start()
    },
    async stop() {
      running = false
      await loop.stop()
      watched.clear()
      health = 0
    },
    sign(peerId, by, agoMs = 0) {
      const at = clock.monotonic() - Math.max(0, agoMs)
      if (watched.has(peerId)) return feed(peerId, { is: 'sign', by, at })
      makeRoom()
      watched.set(peerId, { state: met(at), probing: false, probedAt: -Infinity })
    },
    doubt(peerId) {
      feed(peerId, { is: 'doubt' })
      ask()
    },
    goodbye: (peerId) => feed(peerId, { is: 'goodbye' }),
    of(peerId) {
      const state = watched.get(peerId)?.state
      if (state === undefined) return undefined
      const sinceMs = state.is === 'alive' ? 0 : clock.monotonic() - state.since
      return {
        presence: state.is,
        sinceMs,
        ...(state.is === 'gone' && { why: state.why }),
      }
    },
    forget: (peerId) => void watched.delete(peerId),
    note,
    health: () => health,
  }
}
