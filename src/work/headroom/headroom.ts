/** The machine's headroom, read again and again, and the slots that follow from it. */
import { repeat, type Clock, type Startable } from '../../util/index.ts'
import { readMachine, type Machine } from './machine.ts'
import { slotsFor, type Slots } from './slots.ts'

export interface Headroom extends Startable {
  /** `used`: tasks that are worked now. One slot before the first reading. */
  slots(used: number): Slots
}

/** How often the machine is read, ms. */
const everyMs = 10_000

export function createHeadroom({
  clock,
  read = readMachine,
}: {
  clock: Clock
  read?: () => Promise<Machine>
}): Headroom {
  let machine: Machine | undefined
  const look = async () => {
    machine = await read()
  }
  const loop = repeat(look, { everyMs, clock, onError: () => undefined })
  return {
    async start() {
      await look()
      await loop.start()
    },
    stop: () => loop.stop(),
    slots: (used) => (machine === undefined ? { total: 1 } : slotsFor(machine, used)),
  }
}
