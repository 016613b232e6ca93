import { describe, expect, it } from 'vitest'
import {
  creditOf,
  exceedsDisk,
  exceedsMachine,
  type Use,
} from '../../../../src/process/sandbox/use/exceeds.ts'
import {
  fullLimits,
  parseHardLimits,
  processLimits,
  sandboxUser,
} from '../../../../src/process/sandbox/limits.ts'
import { familyOf } from '../../../../src/process/proc-fs.ts'
import { parseStatus } from '../../../../src/process/sandbox/use/usage.ts'

const MIB = 1024 * 1024
const GIB = 1024 * MIB
const limits = fullLimits({ memoryBytes: 100 * MIB, processes: 100, diskBytes: 100 * MIB }, GIB)
const use: Use = {
  memoryBytes: 0,
  threads: 1,
  namelessBytes: 0,
  availableMemory: GIB,
  machineMemory: 2 * GIB,
}

describe('limits', () => {
  it('have defaults that fit the machine', () => {
    expect(fullLimits({}, 8 * GIB)).toEqual({
      memoryBytes: 4 * GIB,
      processes: 2_048,
      diskBytes: 10 * GIB,
      openFiles: 4_096,
    })
  })

  it('of one process are never above what this one may have', () => {
    const text = [
      'Limit                     Soft Limit           Hard Limit           Units     ',
      'Max data size             unlimited            unlimited            bytes     ',
      'Max processes             50                   60                   processes ',
      'Max open files            1024                 2000                 files     ',
    ].join('\n')
    const hard = parseHardLimits(text)
    expect(hard).toEqual({ nproc: 60, nofile: 2_000 })
    expect(processLimits(limits, hard)).toMatchObject({
      nproc: 60,
      nofile: 2_000,
      fsize: 100 * MIB,
    })
    expect(parseHardLimits('')).toEqual({})
  })

  it('give a task one user of its own, which is nobody else', () => {
    const users = Array.from({ length: 100 }, (_, index) => sandboxUser(`/work/${index}/clone`))
    expect(sandboxUser('/work/7/clone')).toBe(users[7])
    expect(Math.min(...users)).toBeGreaterThanOrEqual(60_578)
    expect(Math.max(...users)).toBeLessThanOrEqual(60_705)
    expect(new Set(users).size).toBeGreaterThan(40)
  })
})

describe('what is too much', () => {
  it('of memory and processes', () => {
    expect(exceedsMachine(use, limits)).toBeUndefined()
    expect(exceedsMachine({ ...use, memoryBytes: 101 * MIB }, limits)).toBe('memory')
    expect(exceedsMachine({ ...use, threads: 94 }, limits)).toBeUndefined()
    expect(exceedsMachine({ ...use, threads: 95 }, limits)).toBe('processes')
  })

  it('of memory without a name, only when little is left and it is the child who has it', () => {
    const tight = { ...use, availableMemory: 10 * MIB }
    expect(exceedsMachine({ ...tight, memoryBytes: 10 * MIB }, limits)).toBeUndefined()
    expect(exceedsMachine({ ...tight, namelessBytes: 30 * MIB }, limits)).toBe('memory')
    expect(exceedsMachine({ ...use, namelessBytes: 30 * MIB }, limits)).toBeUndefined()
  })

  it('of the disk', () => {
    const room = { freeBytes: 50 * GIB, freeFiles: 10_000_000 }
    const disk = { first: room, now: room, grown: MIB, blind: false }
    expect(exceedsDisk(disk, limits)).toBe(false)
    expect(exceedsDisk({ ...disk, grown: 101 * MIB }, limits)).toBe(true)
    const many = { ...room, freeFiles: room.freeFiles - 3_000_000 }
    expect(exceedsDisk({ ...disk, now: many }, limits)).toBe(true)
    const full = { ...room, freeBytes: 100 * MIB }
    expect(exceedsDisk({ ...disk, now: full }, limits)).toBe(false)
    expect(exceedsDisk({ ...disk, now: full, grown: 20 * MIB }, limits)).toBe(true)
  })

  it('of the disk by a child that cannot be looked into, when half of what was free is gone', () => {
    const disk = { first: { freeBytes: 50 * GIB, freeFiles: 1 }, grown: MIB, blind: true }
    const left = (bytes: number, blind = true) =>
      exceedsDisk({ ...disk, blind, now: { freeBytes: bytes, freeFiles: 1 } }, limits)
    expect(left(26 * GIB)).toBe(false)
    expect(left(24 * GIB)).toBe(true)
    expect(left(24 * GIB, false)).toBe(false)
    expect(left(100 * MIB, false)).toBe(false)
  })

  it('is not possible before as much was written as there is room for', () => {
    expect(creditOf(0, 50 * GIB, limits)).toBe(100 * MIB)
    expect(creditOf(-5 * MIB, 50 * GIB, limits)).toBe(100 * MIB)
    expect(creditOf(60 * MIB, 50 * GIB, limits)).toBe(40 * MIB)
    expect(creditOf(60 * MIB, 532 * MIB, limits)).toBe(20 * MIB)
    expect(creditOf(60 * MIB, 0, limits)).toBe(10 * MIB)
    expect(creditOf(100 * MIB, 50 * GIB, limits)).toBe((100 * MIB) / 64)
  })
})

describe('what is used', () => {
  it('is read from the kernel’s words', () => {
    const text =
      'Name:\tnode\nRssAnon:\t  1000 kB\nRssFile:\t 9 kB\nRssShmem:\t 24 kB\nThreads:\t11\n'
    expect(parseStatus(text)).toEqual({ memoryBytes: 1_048_576, threads: 11 })
    expect(parseStatus('')).toEqual({ memoryBytes: 0, threads: 0 })
  })

  it('is of a process and all that descend from it, in whatever order', () => {
    const row = (pid: number, ppid: number) => ({
      pid,
      ppid,
      group: 1,
      session: 1,
      stopped: false,
      start: '1',
    })
    const rows = [row(30, 20), row(20, 10), row(10, 1), row(11, 1), row(31, 20)]
    expect(familyOf(rows, 10).map(({ pid }) => pid)).toEqual([10, 20, 30, 31])
    expect(familyOf(rows, 99)).toEqual([])
  })
})
