/** Which sandbox work would run in, tried as the agent tries it. */
import { join } from 'node:path'
import { sandboxOf } from '../../../agent/index.ts'
import type { Config } from '../../../config/index.ts'
import { createProcesses, type SandboxState } from '../../../process/index.ts'
import { nullLogger } from '../../../util/index.ts'
import { fail, ok, skip, warn, type Check, type Finding } from './check.ts'

/** Each sandbox that is tried has 15 s, which a busy machine may need. */
const tryMs = 60_000

export const sandboxCheck = (config: Config, dir: string): Check => ({
  id: 'sandbox',
  ms: tryMs,
  run: async () => {
    if (!config.roles.includes('worker')) return skip('an observer runs no work')
    const processes = createProcesses({
      stateDir: join(dir, 'sandbox'),
      logger: nullLogger,
      ...sandboxOf(config),
    })
    try {
      return sandboxFinding(await processes.prepare())
    } finally {
      await processes.stop()
    }
  },
})

/** Pure. */
export function sandboxFinding({ kind, off, why, next, lacks }: SandboxState): Finding {
  const seen = [kind === 'none' ? 'none' : kind, why, ...lacks.map((lack) => `Lacks: ${lack}`)]
  if (kind !== 'none') return ok(`${seen[0]}. ${seen.slice(1).join(' ')}`)
  return (off ? warn : fail)(why, next ?? 'See docs/sandbox.md.')
}
