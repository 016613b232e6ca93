/** How much of something fell into the last while. Counts in steps, so that its size does not grow. */
import type { Clock } from '../../util/index.ts'

const steps = 60

export interface Sliding {
  add(amount: number): void
  sum(): number
}

export function slidingCount(windowMs: number, clock: Pick<Clock, 'monotonic'>): Sliding {
  const stepMs = windowMs / steps
  const counts = new Map<number, number>()
  const now = () => Math.floor(clock.monotonic() / stepMs)
  const forget = () => {
    const oldest = now() - steps
    for (const step of counts.keys()) if (step <= oldest) counts.delete(step)
  }
  return {
    add(amount) {
      forget()
      counts.set(now(), (counts.get(now()) ?? 0) + amount)
    },
    sum() {
      forget()
      return [...counts.values()].reduce((all, one) => all + one, 0)
    },
  }
}
