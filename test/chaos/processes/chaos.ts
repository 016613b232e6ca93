/**
 * What happens to the processes: killed, asked to end, stopped for longer than a lease; each comes back.
 * A slow machine is disturbed less: only who works is, and most of them work at any time.
 */
import { sleep, until } from '../../../src/util/index.ts'
import type { Random } from '../claims/scheduler.ts'
import type { Actor } from './actors.ts'
import type { Disturbance } from './evidence.ts'

export interface ChaosInit {
  actors: readonly Actor[]
  random: Random
  leaseMs: number
  marginMs: number
  /** Between two disturbances, ms. */
  everyMs: [number, number]
  note: (text: string) => void
}

export interface Chaos {
  readonly disturbances: readonly Disturbance[]
  /** Everybody was started again when it resolves. */
  calm(): Promise<void>
}

/** Share of the agents that is disturbed at once at most. */
const atOnce = 1 / 3
/** For a start on a busy machine, ms. */
const readyMs = 180_000
/** Between the end of a process and its next start, ms. */
const downMs: [number, number] = [300, 8_000]
/** Stopped for longer than a lease and its margin by, ms. */
const beyondMs: [number, number] = [500, 6_000]

export function startChaos(init: ChaosInit, signal: AbortSignal): Chaos {
  const { actors, random, leaseMs, marginMs, everyMs, note } = init
  const disturbances: Disturbance[] = []
  const over = new AbortController()
  const busy = new Set<Actor>()
  const recoveries = new Set<Promise<void>>()
  const wait = (ms: number) => sleep(ms, { signal: over.signal }).catch(() => undefined)

  async function disturb(actor: Actor): Promise<void> {
    if (!(await actor.ready())) return
    const luck = random.next()
    const began = Date.now()
    const done = (how: Disturbance['how']) => {
      disturbances.push({ agent: actor.name, how, from: began, to: Date.now() })
    }
    if (luck < 0.45) {
      note(`kill ${actor.name}`)
      const pause = random.between(...downMs)
      await actor.kill()
      await wait(pause)
      await actor.start()
      return done('kill')
    }
    if (luck < 0.57) {
      note(`end ${actor.name}`)
      const pause = random.between(...downMs)
      await actor.end()
      await wait(pause)
      await actor.start()
      return done('end')
    }
    const whole = random.chance(0.5)
    const killed = random.chance(0.1)
    const pause = leaseMs + marginMs + random.between(...beyondMs)
    note(`stop ${actor.name}${whole ? ' and its children' : ''} for ${Math.round(pause)} ms`)
    await actor.stop(whole)
    await wait(pause)
    if (killed) await actor.kill()
    else actor.resume()
    await actor.start()
    return done('stop')
  }

  /** A start takes seconds of a core: until it is over, the agent counts as disturbed. */
  async function recovered(actor: Actor): Promise<void> {
    await until(`${actor.name} to be ready`, readyMs, () => actor.ready(), {
      signal: over.signal,
      everyMs: 500,
    }).catch(() => undefined)
  }

  const running = (async () => {
    for (;;) {
      await sleep(random.between(...everyMs), { signal: over.signal })
      const free = actors.filter((actor) => actor.running && !busy.has(actor))
      const pick = free[Math.floor(random.next() * free.length)]
      if (pick === undefined || busy.size >= Math.max(1, actors.length * atOnce)) continue
      busy.add(pick)
      const recovery = disturb(pick)
        .then(() => recovered(pick))
        .finally(() => {
          busy.delete(pick)
          recoveries.delete(recovery)
        })
      recoveries.add(recovery)
    }
  })().catch(() => undefined)
  signal.addEventListener('abort', () => over.abort(), { once: true })

  return {
    disturbances,
    async calm() {
      over.abort()
      await running
      await Promise.all(recoveries)
      for (const actor of actors) {
        actor.resume()
        await actor.start()
      }
    },
  }
}
