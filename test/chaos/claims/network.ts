/**
 * The way between a process and GitHub. Each call meets a fate: its request or its answer is lost,
 * it is applied after the caller gave up, applied twice, answered late, answered from a replica that
 * lags; whole outages come from the schedule. A calm network delivers everything.
 */
import { CommonError } from '../../../src/util/index.ts'
import type { Process, Random, Scheduler } from './scheduler.ts'

/** Probabilities per call, 0 to 1. */
export interface Faults {
  lostRequest: number
  lostAnswer: number
  lateWrite: number
  twice: number
  slow: number
  stale: number
}

export interface Call<T> {
  kind: 'read' | 'write'
  /** `asOf`: the time of which a read sees the state. May throw the server's refusal. */
  apply: (asOf: number) => T
  /** What the caller sees when no answer comes. */
  unreachable: () => Error
  signal: AbortSignal
}

/** Longest time after which a write may still arrive, ms. */
export const maxLateMs = 240_000
const maxLagMs = 15_000

export class Network {
  calm = false
  readonly #scheduler: Scheduler
  readonly #random: Random
  readonly #faults: Faults

  constructor(scheduler: Scheduler, random: Random, faults: Faults) {
    this.#scheduler = scheduler
    this.#random = random
    this.#faults = faults
  }

  /** `cut`: this process does not reach GitHub now. */
  call<T>(process: Process, cut: boolean, { kind, apply, unreachable, signal }: Call<T>) {
    const [scheduler, random, faults] = [this.#scheduler, this.#random, this.#faults]
    return new Promise<T>((resolve, reject) => {
      // What a process still had to do when it was killed is not done.
      if (!process.alive) return
      const abort = () => settle(() => reject(new CommonError('ABORTED', 'aborted')))
      let open = true
      const settle = (run: () => void) => {
        if (!open) return
        open = false
        signal.removeEventListener('abort', abort)
        run()
      }
      if (signal.aborted) return abort()
      signal.addEventListener('abort', abort, { once: true })

      const hit = (probability: number) => !this.calm && random.chance(probability)
      const answer = (ms: number, run: () => void) =>
        scheduler.after(ms, () => process.deliver(() => settle(run)))
      const fail = (ms: number) => answer(ms, () => reject(unreachable()))
      const arrive = (ms: number, then?: (result: () => T) => void) =>
        scheduler.after(ms, () => {
          const lag = kind === 'read' && hit(faults.stale) ? random.between(0, maxLagMs) : 0
          let result: () => T
          try {
            const value = apply(scheduler.now - lag)
            result = () => value
          } catch (error) {
            result = () => {
              throw error
            }
          }
          then?.(result)
        })
      const reply = (ms: number) => (result: () => T) =>
        answer(ms, () => {
          try {
            resolve(result())
          } catch (error) {
            reject(error)
          }
        })

      const latency = random.between(10, 400)
      const back = hit(faults.slow) ? random.between(1_000, 90_000) : random.between(10, 400)
      if (cut || hit(faults.lostRequest)) return void fail(random.between(100, 8_000))
      if (hit(faults.lostAnswer)) {
        arrive(latency)
        return void fail(latency + random.between(0, 8_000))
      }
      if (kind === 'write' && hit(faults.lateWrite)) {
        arrive(random.between(100, maxLateMs))
        return void fail(random.between(100, 8_000))
      }
      if (kind === 'write' && hit(faults.twice)) {
        // Sent again after a 502 that was applied, or doubled on the way and arriving much later.
        if (random.chance(0.5)) {
          arrive(latency)
          return void arrive(latency + 1_000, reply(back))
        }
        arrive(latency, reply(back))
        return void arrive(random.between(latency, maxLateMs))
      }
      arrive(latency, reply(back))
    })
  }
}
