/** What `bzzz status` says of GitHub. */
import { expect, it } from 'vitest'
import type { Reach } from '../../../src/api/types.ts'
import { reachLine } from '../../../src/cli/client/reach.ts'
import { status } from '../api/fixture.ts'

const now = Date.UTC(2026, 0, 2, 12, 10, 0)
const resetAtMs = now + 20 * 60_000
const line = (reach: Reach, used = 1, hooks = false) => {
  const rateLimit = { remaining: 1_203, limit: 5_000, resetAtMs }
  const github = { ...status.github, rateLimit, reach, hooks }
  return reachLine({ github, slots: { total: 2, used } }, now)
}

it('says ok, slow or down, until when, and what goes on', () => {
  expect(line({ is: 'ok' })).toBe('ok')
  expect(line({ is: 'ok' }, 1, true)).toMatch(/^ok; webhooks arrive/)
  const slow = { is: 'slow', reason: 'the limit is near', takesWork: true, untilMs: null } as const
  expect(line(slow)).toMatch(
    /^slow \(the limit is near; 1.?203 left, better in 20m.*\): looks are rare$/,
  )
  expect(line({ ...slow, takesWork: false, untilMs: now + 60_000 })).toMatch(
    /better in 1m.*\): no new work is taken$/,
  )
  const down = { is: 'down', sinceMs: now - 180_000, reason: 'GitHub did not answer.' } as const
  expect(line(down)).toMatch(/^down since 2026-01-02T12:07:00Z \(3m.*\): GitHub did not answer\. /)
  expect(line(down)).toContain('what runs (1) goes on within its lease')
  expect(line(down, 0)).not.toContain('what runs')
  expect(line(down)).toContain('finished work is kept')
})
