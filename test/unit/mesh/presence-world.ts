/**
 * A world for one watch: peers that beat, links that break and are made anew, probes that get lost,
 * all at random from a seed, and a clock that can stop the observer. Time is the fake clock's.
 */
import { createWatch, type Watch } from '../../../src/mesh/presence/index.ts'
import type { Presence } from '../../../src/mesh/presence/index.ts'
import { Counters } from '../../../src/mesh/counters.ts'
import { nullLogger, type Clock } from '../../../src/util/index.ts'

export interface WorldInit {
  seed: number
  peers: number
  /** Part of one-way messages of the observer that are lost. */
  loss: number
  /** Part of those between the others. Default: as `loss`. */
  lossElsewhere?: number
  /** Per peer and second: probability that its link breaks. */
  breaks: number
  /** Per second: probability that the observer stands still, and for how long at most, ms. */
  stalls: { chance: number; ms: number }
  /** Per second: probability that its timers come late, and by how much at most, ms. Links live on. */
  lateness: { chance: number; ms: number }
}

export interface World {
  watch: Watch
  /** Runs for so many seconds. */
  run(seconds: number): Promise<void>
  kill(peer: string): void
  /** Its link breaks. */
  cut(peer: string): void
  /** Stops the observer: its clock goes on, its timers do not. */
  freeze(ms: number): Promise<void>
  changes: { at: number; peer: string; presence: Presence }[]
  names: string[]
  now(): number
}

/** mulberry32 */
function generator(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

export function createWorld(init: WorldInit): World {
  const random = generator(init.seed)
  const timers = new Set<{ at: number; run: () => void }>()
  let now = 0
  const clock: Clock = {
    now: () => now,
    monotonic: () => now,
    after(ms, run) {
      const timer = { at: now + Math.max(0, ms), run }
      timers.add(timer)
      return () => void timers.delete(timer)
    },
  }
  const names = Array.from({ length: init.peers }, (_, index) => `peer-${index}`)
  const dead = new Set<string>()
  const linked = new Set(names)
  const changes: World['changes'] = []
  const arrives = (loss = init.loss) => random() >= loss
  const isReached = (peer: string, loss = init.loss) =>
    !dead.has(peer) && arrives(loss) && arrives(loss)
  const elsewhere = init.lossElsewhere ?? init.loss
  const settle = async () => {
    for (let turn = 0; turn < 12; turn += 1) await Promise.resolve()
  }
  const pause = (ms: number) => new Promise<void>((resolve) => void clock.after(ms, resolve))

  const watch = createWatch(
    { graceMs: 2000, suspicionMs: 10_000, silentMs: 90_000, helpers: 3 },
    {
      async probe(peer) {
        await pause(dead.has(peer) ? 4500 : 50 + random() * 1500)
        if (isReached(peer)) return { reached: 'direct', denied: [], mute: [], asked: 3 }
        const helpers = names.filter((name) => name !== peer && !dead.has(name)).slice(0, 3)
        const heard = helpers.filter(() => arrives() && arrives())
        const reached = heard.some(() => isReached(peer, elsewhere)) ? 'indirect' : undefined
        const mute = helpers.filter((helper) => !heard.includes(helper))
        return { reached, denied: reached ? [] : heard, mute, asked: helpers.length }
      },
      onChange: (peer, presence) => changes.push({ at: now, peer, presence }),
      counters: new Counters(),
      logger: nullLogger,
      clock,
      random,
    },
  )

  function second(index: number): void {
    for (const peer of names) {
      if (dead.has(peer)) continue
      if (!linked.has(peer)) {
        if (isReached(peer)) {
          linked.add(peer)
          watch.sign(peer, 'link')
        }
      } else if (random() < init.breaks) cut(peer)
      else if (index % 5 === 0 && arrives()) watch.sign(peer, 'gossip')
    }
  }

  async function until(end: number): Promise<void> {
    for (;;) {
      const next = [...timers].sort((a, b) => a.at - b.at)[0]
      if (next === undefined || next.at > end) break
      timers.delete(next)
      now = Math.max(now, next.at)
      next.run()
      await settle()
    }
    now = Math.max(now, end)
  }

  async function freeze(ms: number): Promise<void> {
    now += ms
    // What comes due meanwhile runs when it wakes; then it sees that its links are gone.
    await until(now)
    for (const peer of names) cut(peer)
  }

  function cut(peer: string): void {
    if (linked.delete(peer)) watch.doubt(peer)
  }

  let elapsed = 0
  return {
    watch,
    async run(seconds) {
      if (elapsed === 0) {
        for (const peer of names) watch.sign(peer, 'link')
        await watch.start()
      }
      for (let index = 0; index < seconds; index += 1) {
        elapsed += 1
        second(elapsed)
        if (random() < init.stalls.chance) await freeze(random() * init.stalls.ms)
        if (random() < init.lateness.chance) now += random() * init.lateness.ms
        await until(now + 1000)
      }
    },
    kill(peer) {
      dead.add(peer)
      cut(peer)
    },
    cut,
    freeze,
    changes,
    names,
    now: () => now,
  }
}
