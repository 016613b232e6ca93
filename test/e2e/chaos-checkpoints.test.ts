/**
 * Real agents that are killed while a coding agent works: the last 3 of the 50 random points, of which
 * `checkpoints-model.test.ts` has the others. `npm run chaos:checkpoints` kills as often as asked.
 */
import { expect, it, onTestFinished } from 'vitest'
import { runKills } from '../chaos/checkpoints/run.ts'
import { onResponse } from '../compliance/observer.ts'

it('an agent that is killed loses nothing that was kept, and nothing is done twice', async () => {
  const over = new AbortController()
  onTestFinished(() => over.abort())
  const init = { kills: 3, seed: 4, size: 40, atOnce: 2, note: () => undefined, onResponse }
  const result = await runKills({ ...init, signal: over.signal })
  expect(result.violations).toEqual([])
  expect(result.orphans).toBe(0)
  expect(result.kills).toBe(3)
  expect(result.checkpoints).toBeGreaterThan(0)
})
