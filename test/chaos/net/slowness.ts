/**
 * How much longer than on a machine of its own everything takes here and now: a little work is timed
 * again and again, by the wall and by the processor. Stated times hold for a machine that has
 * processors to spare; elsewhere they are stretched by this factor, and the report says so.
 */
import { repeat } from '../../../src/util/index.ts'

export interface Slowness {
  /** 1 on an idle machine; at most `maxSlow`. */
  factor(): number
  stop(): Promise<void>
}

/** Processor time of one sample, ms: longer than a turn that a scheduler gives. */
const workMs = 25
const everyMs = 2_000
/** The factor is their mean. */
const kept = 10
/** The factor at most. */
export const maxSlow = 10

export async function watchSlowness(): Promise<Slowness> {
  const samples: number[] = []
  const loop = repeat(
    async () => {
      samples.push(sample())
      if (samples.length > kept) samples.shift()
    },
    { everyMs, onError: () => undefined },
  )
  await loop.start()
  return {
    factor() {
      const mean = samples.reduce((sum, one) => sum + one, 0) / Math.max(1, samples.length)
      return Math.min(maxSlow, Math.max(1, mean))
    },
    stop: () => loop.stop(),
  }
}

function sample(): number {
  const began = performance.now()
  const cpu = process.threadCpuUsage()
  for (;;) {
    const { user, system } = process.threadCpuUsage(cpu)
    const usedMs = (user + system) / 1_000
    if (usedMs >= workMs) return (performance.now() - began) / usedMs
  }
}
