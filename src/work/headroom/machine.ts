/**
 * What the machine leaves for tasks: memory and processors as the kernel tells them, and what the cgroup
 * of this process allows of them, which in a container is less.
 */
import { readFile } from 'node:fs/promises'
import { availableParallelism, freemem, loadavg, totalmem } from 'node:os'
import { join } from 'node:path'

export interface Machine {
  /** Processors, also a part of one. */
  cores: number
  /** 1-minute load average; 0 where the system has none. */
  load1: number
  /** Bytes. `free`: what can be had without swapping. */
  memory: { total: number; free: number }
}

const cgroupRoot = '/sys/fs/cgroup'

/** Never rejects: what cannot be read is what Node says. */
export async function readMachine(): Promise<Machine> {
  const [meminfo, own] = await Promise.all([text('/proc/meminfo'), text('/proc/self/cgroup')])
  const [max, current, cpu] = await Promise.all(
    ['memory.max', 'memory.current', 'cpu.max'].map((name) => cgroupText(own, name)),
  )
  const system = memoryOf(meminfo) ?? { total: totalmem(), free: freemem() }
  return {
    cores: Math.min(availableParallelism(), coresOf(cpu ?? '') ?? Infinity),
    load1: loadavg()[0] ?? 0,
    memory: within(system, numberOf(max), numberOf(current)),
  }
}

/** The nearest value from this process's own group upwards; in a container the root is its own. */
async function cgroupText(own: string, name: string): Promise<string> {
  const path = /^0::(\/[^\n]*)$/m.exec(own)?.[1] ?? '/'
  const parts = path.split('/').filter((part) => part !== '' && part !== '..')
  for (let depth = parts.length; depth >= 0; depth -= 1) {
    const found = await text(join(cgroupRoot, ...parts.slice(0, depth), name))
    if (found !== '' && !found.startsWith('max')) return found
  }
  return ''
}

const text = (path: string) => readFile(path, 'utf8').catch(() => '')
const numberOf = (value = '') => (/^\d{1,18}\s*$/.test(value) ? Number(value) : undefined)

/** Of /proc/meminfo, bytes. Pure. */
export function memoryOf(meminfo: string): Machine['memory'] | undefined {
  const of = (name: string) => {
    const found = new RegExp(`^${name}:\\s+(\\d{1,15}) kB$`, 'm').exec(meminfo)?.[1]
    return found === undefined ? undefined : Number(found) * 1_024
  }
  const [total, free] = [of('MemTotal'), of('MemAvailable')]
  return total === undefined || free === undefined ? undefined : { total, free }
}

/** Of cpu.max, as "150000 100000": processors. Pure. */
export function coresOf(cpuMax: string): number | undefined {
  const [, quota, period] = /^(\d{1,15}) (\d{1,15})\s*$/.exec(cpuMax) ?? []
  return quota === undefined || Number(period) <= 0 ? undefined : Number(quota) / Number(period)
}

/** The smaller of the system's memory and the group's. Pure. */
export function within(
  system: Machine['memory'],
  max: number | undefined,
  current: number | undefined,
): Machine['memory'] {
  if (max === undefined || max >= system.total) return system
  const free = Math.max(0, max - (current ?? 0))
  return { total: max, free: Math.min(system.free, free) }
}
