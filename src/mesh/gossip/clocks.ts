/**
 * What time the others have, from their heartbeats. Each is kept as its wall clock less our monotonic
 * one, so that a jump of the own wall clock shows at once, without waiting for the next heartbeats.
 */
import { describeClock, RecentMap, type Clock, type Logger } from '../../util/index.ts'
import { judgeClock, type ClockHint } from '../membership/times.ts'

const MAX_PEERS = 1_000
/** A peer's time counts for so long after its last heartbeat, ms. */
const MEMORY_MS = 10 * 60_000
/** A judgement stands until it is off by more, ms: heartbeats are late by some, and views are made for a time. */
const STEP_MS = 30_000
/** A jump of the own clock, ms. */
const JUMP_MS = 1_000

export interface Clocks {
  /** `at`: the wall clock that `peerId` just named. */
  heard(peerId: string, at: number): void
  /** Undefined while the own clock is not known to be wrong. Cheap. */
  judge(): ClockHint | undefined
}

export interface ClocksComponents {
  clock: Clock
  logger: Logger
}

export function createClocks({ clock, logger }: ClocksComponents): Clocks {
  const peers = new RecentMap<string, { base: number; heardAt: number }>(MAX_PEERS)
  let isNew = false
  let judgedFor = Number.NaN
  let hint: ClockHint | undefined

  function judgeNow(base: number): ClockHint | undefined {
    const oldest = clock.monotonic() - MEMORY_MS
    const recent = [...peers.values()].filter(({ heardAt }) => heardAt >= oldest)
    return judgeClock(recent.map((one) => one.base - base))
  }

  function say(next: ClockHint | undefined): void {
    if (next !== undefined) {
      logger.warn({ ...next }, `the clock is ${describeClock(next)}: nobody is admitted here`)
    } else if (hint !== undefined) logger.info({}, 'the clock agrees with the members again')
  }

  return {
    heard(peerId, at) {
      const heardAt = clock.monotonic()
      peers.set(peerId, { base: at - heardAt, heardAt })
      isNew = true
    },
    judge() {
      const base = clock.now() - clock.monotonic()
      const jumped = !(Math.abs(base - judgedFor) <= JUMP_MS)
      if (!isNew && !jumped) return hint
      isNew = false
      const next = judgeNow(base)
      const isSame =
        !jumped &&
        next !== undefined &&
        hint !== undefined &&
        Math.abs(next.offsetMs - hint.offsetMs) <= STEP_MS
      judgedFor = base
      if (isSame) return hint
      say(next)
      hint = next
      return hint
    },
  }
}
