/** Slots by what the machine leaves, and how that is read. */
import { describe, expect, it } from 'vitest'
import { coresOf, memoryOf, readMachine, within } from '../../../src/work/headroom/machine.ts'
import { slotsFor } from '../../../src/work/headroom/slots.ts'

const gib = 1024 ** 3
const machine = (change: object = {}) => ({
  cores: 8,
  load1: 1,
  memory: { total: 32 * gib, free: 16 * gib },
  ...change,
})

describe('slots', () => {
  it('are as many as processors and memory allow, and at least one', () => {
    expect(slotsFor(machine(), 0)).toEqual({ total: 4 })
    expect(slotsFor(machine({ memory: { total: 6 * gib, free: 5 * gib } }), 0)).toEqual({
      total: 2,
    })
    expect(slotsFor(machine({ cores: 0.5 }), 0)).toEqual({ total: 1 })
    expect(slotsFor(machine({ memory: { total: gib / 2, free: 0 } }), 0)).toEqual({ total: 1 })
    const big = machine({ cores: 256, memory: { total: 999 * gib, free: 900 * gib } })
    expect(slotsFor(big, 0).total).toBe(16)
  })

  it('are full while memory is short or the load is high, but never for the first task', () => {
    const short = machine({ memory: { total: 32 * gib, free: gib } })
    expect(slotsFor(short, 1).full).toContain('1.0 GiB')
    expect(slotsFor(machine({ load1: 11 }), 2).full).toContain('11.0')
    expect(slotsFor(short, 0).full).toBeUndefined()
    expect(slotsFor(machine(), 3).full).toBeUndefined()
  })
})

describe('the machine', () => {
  it('is what the kernel says, within what the group is allowed', () => {
    const meminfo = 'MemTotal:        8000 kB\nMemFree:  10 kB\nMemAvailable:    4000 kB\n'
    expect(memoryOf(meminfo)).toEqual({ total: 8_192_000, free: 4_096_000 })
    expect(memoryOf('none')).toBeUndefined()
    const system = { total: 8 * gib, free: 4 * gib }
    expect(within(system, 2 * gib, gib)).toEqual({ total: 2 * gib, free: gib })
    expect(within(system, 2 * gib, 3 * gib)).toEqual({ total: 2 * gib, free: 0 })
    expect(within(system, undefined, undefined)).toEqual(system)
    expect(within(system, 99 * gib, gib)).toEqual(system)
    expect(coresOf('150000 100000\n')).toBe(1.5)
    expect(coresOf('max 100000')).toBeUndefined()
  })

  it('can be read here', async () => {
    const { cores, memory } = await readMachine()
    expect(cores).toBeGreaterThan(0)
    expect(memory.total).toBeGreaterThanOrEqual(memory.free)
    expect(memory.free).toBeGreaterThan(0)
  })
})
