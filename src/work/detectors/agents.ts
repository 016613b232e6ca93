/**
 * Coding agents on PATH that are not configured as executors: announced as tools only, because
 * being installed is no permission to use somebody's login.
 */
import type { Detector } from './detector.ts'
import { PRESETS } from '../presets.ts'

export const agentDetectors: readonly Detector[] = PRESETS.map((preset) => ({
  name: preset.name,
  detect: async ({ probe, configured }, signal) => {
    if (configured.has(preset.name)) return {}
    if ((await probe.find(preset.command[0])) === undefined) return {}
    const version = await probe.version(preset.version, signal)
    const { name } = preset
    return { tools: [version === undefined ? { name } : { name, version }] }
  },
}))
