/**
 * What ends a turn from outside, whichever comes first: wall time, silence, too much output, stop. The
 * times stand still while the permit is frozen, and silence does not count while a command runs, which
 * has a limit of its own.
 */
import { createHash, type Hash } from 'node:crypto'
import { standing, type Clock, type Permit } from '../../../util/index.ts'
import type { ExecutorLimits, TurnResult } from '../../executor.ts'

export type Ending = Pick<TurnResult, 'outcome' | 'reason' | 'retryAt'>

export interface Limiter {
  /** Settles once, when something ends the session. */
  readonly ended: Promise<Ending>
  readonly signal: AbortSignal
  /** Time that does not run while the permit is frozen. */
  readonly clock: Clock
  end(ending: Ending): void
  /** Something came from the model: keeps it alive, and counts. */
  heard(text: string, size?: number): void
  /** Silence does not count until the returned function is called. */
  busy(): () => void
  /** Watches one turn; returns what ends that, which gives the duration and the digest of the output. */
  watch(): () => { durationMs: number; output: TurnResult['output'] }
}

export function createLimiter(limits: ExecutorLimits, clock: Clock, permit: Permit): Limiter {
  const limitClock = standing(clock, permit)
  const abort = new AbortController()
  const ended = Promise.withResolvers<Ending>()
  let over = false
  let wallLeft = limits.wallTimeMs
  let lastHeard = limitClock.monotonic()
  let working = 0
  let total = 0
  let bytes = 0
  let hash: Hash = createHash('sha256')

  function end(ending: Ending): void {
    if (over) return
    over = true
    ended.resolve(ending)
    abort.abort(new Error(ending.reason))
  }

  return {
    ended: ended.promise,
    signal: abort.signal,
    clock: limitClock,
    end,
    heard(text, size = Buffer.byteLength(text)) {
      lastHeard = limitClock.monotonic()
      hash.update(text)
      bytes += size
      total += size
      if (total > limits.maxOutputBytes) {
        end({ outcome: 'flood', reason: `It wrote more than ${limits.maxOutputBytes} bytes.` })
      }
    },
    busy() {
      working += 1
      return () => {
        working -= 1
        lastHeard = limitClock.monotonic()
      }
    },
    watch() {
      const began = limitClock.monotonic()
      lastHeard = began
      bytes = 0
      hash = createHash('sha256')
      const cancelWall = limitClock.after(wallLeft, () =>
        end({ outcome: 'timeout', reason: `It took longer than ${limits.wallTimeMs} ms.` }),
      )
      let cancelIdle = () => {}
      const rearm = () => {
        if (working > 0) lastHeard = limitClock.monotonic()
        const left = limits.idleTimeMs - (limitClock.monotonic() - lastHeard)
        if (left <= 0) {
          return end({
            outcome: 'idle',
            reason: `The model said nothing for ${limits.idleTimeMs} ms.`,
          })
        }
        cancelIdle = limitClock.after(left, rearm)
      }
      rearm()
      return () => {
        cancelWall()
        cancelIdle()
        const durationMs = limitClock.monotonic() - began
        wallLeft = Math.max(0, wallLeft - durationMs)
        const truncated = total > limits.maxOutputBytes
        return { durationMs, output: { sha256: hash.copy().digest('hex'), bytes, truncated } }
      }
    },
  }
}
