/** Processor, memory and graphics of this machine, as far as it says without rights. */
import { readdir, readFile } from 'node:fs/promises'
import { availableParallelism, freemem, loadavg, platform, totalmem } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { decodeJson } from '../../util/index.ts'
import type { Detector } from './detector.ts'
import type { Detected } from '../told.ts'

const MAX_GPUS = 16
const VENDORS: Readonly<Record<string, string>> = {
  '0x8086': 'Intel',
  '0x1002': 'AMD',
  '0x10de': 'NVIDIA',
}

/** Processor and memory: at once and without children. A container's limit counts as its memory. */
export function machine(): Pick<Detected, 'cpu' | 'memory'> {
  const constrained = process.constrainedMemory()
  const total = totalmem()
  const limited = constrained > 0 && constrained < total
  const free = limited ? Math.min(freemem(), process.availableMemory()) : freemem()
  return {
    cpu: { cores: availableParallelism(), load1: loadavg()[0] ?? 0 },
    memory: { totalBytes: limited ? constrained : total, freeBytes: free },
  }
}

const nvidia: Detector = {
  name: 'nvidia',
  detect: async ({ probe }, signal) => {
    const query = ['--query-gpu=name,memory.total', '--format=csv,noheader,nounits']
    const said = await probe.ask(['nvidia-smi', ...query], signal)
    const gpu = (said ?? '').split('\n').flatMap((line) => {
      const match = /^(.{1,100}?),\s*(\d{1,9})\s*$/.exec(line)
      if (match?.[1] === undefined) return []
      return [{ name: match[1].trim(), memoryBytes: Number(match[2]) * 1024 * 1024 }]
    })
    return { gpu: gpu.slice(0, MAX_GPUS) }
  },
}

/** Cards that the kernel knows; NVIDIA's are left to nvidia-smi, which knows more. */
const drm: Detector = {
  name: 'drm',
  detect: async ({ drmDir }) => {
    if (platform() !== 'linux') return {}
    const names = await readdir(drmDir).catch(() => [])
    const cards = names.filter((name) => /^card\d+$/.test(name)).slice(0, MAX_GPUS)
    const gpu: Detected['gpu'] = []
    for (const card of cards) {
      const vendor = await readFile(join(drmDir, card, 'device', 'vendor'), 'utf8').catch(() => '')
      const known = VENDORS[vendor.trim()]
      if (known !== undefined && known !== 'NVIDIA') gpu.push({ name: `${known} graphics` })
    }
    return { gpu }
  },
}

const displays = z.object({
  SPDisplaysDataType: z.array(z.object({ sppci_model: z.string().max(200) })).max(MAX_GPUS),
})

const mac: Detector = {
  name: 'system_profiler',
  detect: async ({ probe }, signal) => {
    if (platform() !== 'darwin') return {}
    const said = await probe.ask(['system_profiler', 'SPDisplaysDataType', '-json'], signal)
    if (said === undefined) return {}
    const decoded = decodeJson(said, { what: 'displays', schema: displays, maxBytes: 256 * 1024 })
    return { gpu: decoded.SPDisplaysDataType.map((card) => ({ name: card.sppci_model })) }
  },
}

export const gpuDetectors: readonly Detector[] = [nvidia, drm, mac]
