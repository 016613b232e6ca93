/** How GitHub answers, in one line: ok, slow or down, since when and why, and what goes on meanwhile. Pure. */
import type { Status } from '../../api/client.ts'
import { age, thousands } from '../output/text.ts'

export function reachLine(
  { github, slots }: Pick<Status, 'github' | 'slots'>,
  nowMs: number,
): string {
  const { reach = { is: 'ok' }, rateLimit, hooks = false } = github
  switch (reach.is) {
    case 'ok':
      return hooks ? 'ok; webhooks arrive, so looks are rare' : 'ok'
    case 'slow': {
      const until = reach.untilMs ?? rateLimit?.resetAtMs
      const left = rateLimit === null ? '' : `; ${thousands(rateLimit.remaining)} left`
      const resets = until === undefined ? '' : `, better in ${age(until - nowMs)}`
      const takes = reach.takesWork ? 'looks are rare' : 'no new work is taken'
      return `slow (${reach.reason}${left}${resets}): ${takes}`
    }
    case 'down': {
      const since = new Date(reach.sinceMs).toISOString().replace(/\.\d+/, '')
      const running = slots.used === 0 ? '' : `; what runs (${slots.used}) goes on within its lease`
      const rest = `No new work is taken${running}; finished work is kept until it can be delivered.`
      return `down since ${since} (${age(nowMs - reach.sinceMs)}): ${reach.reason} ${rest}`
    }
  }
}
