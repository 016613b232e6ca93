/**
 * Whether a change of the capabilities is worth an announcement to the whole mesh. Pure.
 *
 * What others decide by (slots, tags, executors, repositories, another journal) goes out at once.
 * What drifts by itself (load, free memory, the length of the journal) goes out now and then, and load
 * and memory only when they are a good step away from what was announced last: compared with that
 * and not by fixed steps, a value that swings around a step's edge does not announce each swing.
 */
import { canonicalJson } from '../../util/index.ts'
import type { LocalCapabilities } from '../wire.ts'

/** Change of the 1-minute load average per core. */
const LOAD_STEP = 0.25
/** Change of the free part of the memory. */
const MEMORY_STEP = 1 / 8

export type Weight = 'same' | 'drift' | 'material'

/** `before`: as announced last. */
export function weigh(before: LocalCapabilities, after: LocalCapabilities): Weight {
  if (canonicalJson(essence(before)) !== canonicalJson(essence(after))) return 'material'
  if (canonicalJson(before.journal ?? null) !== canonicalJson(after.journal ?? null)) return 'drift'
  const load = Math.abs(loadOf(after) - loadOf(before))
  const memory = Math.abs(freeOf(after) - freeOf(before))
  return load >= LOAD_STEP || memory >= MEMORY_STEP ? 'drift' : 'same'
}

function essence({ cpu, memory, journal, ...rest }: LocalCapabilities): object {
  return {
    ...rest,
    cores: cpu.cores,
    totalBytes: memory.totalBytes,
    journal: journal && { key: journal.key, epoch: journal.epoch, fork: journal.fork },
  }
}

const loadOf = ({ cpu }: LocalCapabilities) => cpu.load1 / Math.max(1, cpu.cores)
const freeOf = ({ memory }: LocalCapabilities) => memory.freeBytes / Math.max(1, memory.totalBytes)
