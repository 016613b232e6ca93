/**
 * Runs nothing: what is in the workspace came from elsewhere, and is only collected and checked, by the
 * same steps as the work of any executor.
 */
import { NO_OUTPUT, type Runner } from '../executor.ts'

/** `name`: who the work is from. */
export function createNoExecutor(name: string, summary: string): Runner {
  const result = Promise.resolve({
    outcome: 'done' as const,
    reason: 'It was there already.',
    durationMs: 0,
    summary,
    output: NO_OUTPUT,
  })
  return {
    name,
    kind: 'none',
    models: [],
    capabilities: { turns: false, permissions: false, usage: false },
    detect: () => Promise.resolve({}),
    start: () => ({ events: nothing(), result, stop: () => Promise.resolve() }),
  }
}

// eslint-disable-next-line require-yield
async function* nothing(): AsyncGenerator<never> {
  await Promise.resolve()
}
