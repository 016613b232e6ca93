/** Which executors an agent has: those of its configuration, `command`, and coding agents that may be found. Pure. */
import type { Config } from '../config/index.ts'
import { PRESETS, presetExecutor, type ExecutorConfigInput } from '../work/index.ts'

/**
 * In order of preference. `use: auto`: the configured ones, `command`, then every known coding
 * agent (detection says which are there). A list: exactly those names, in its order.
 */
export function executorsOf({ work }: Pick<Config, 'work'>): ExecutorConfigInput[] {
  const configured: ExecutorConfigInput[] = work.executors
  const command: ExecutorConfigInput = { name: 'command', kind: 'command' }
  const known = [
    ...configured,
    command,
    ...PRESETS.flatMap(({ name }) => presetExecutor(name) ?? []),
  ]
  const first = known.filter(
    (one, index) => known.findIndex(({ name }) => name === one.name) === index,
  )
  const { use } = work
  if (use === 'auto') return first
  return use.flatMap((name) => first.find((one) => one.name === name) ?? [])
}
