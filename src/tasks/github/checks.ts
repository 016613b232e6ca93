/** Check runs and commit statuses of one commit, told as one: what failed, and what has not ended. Pure. */
import type { z } from 'zod'
import type { checkRunsSchema, combinedStatusSchema } from './review-schemas.ts'

export interface FailedCheck {
  /** `run`: a check run, `status`: a commit status. */
  kind: 'run' | 'status'
  id: number
  name: string
  conclusion: string
  /** What it says of itself. */
  title: string
  text: string
  url: string
  /** A job of GitHub Actions, whose log can be asked for. */
  isJob: boolean
}

export interface Checks {
  total: number
  pending: number
  failed: FailedCheck[]
}

const good: ReadonlySet<string> = new Set(['success', 'neutral', 'skipped'])
/** Ended, and not because of the change: nothing that another commit could put right. */
const foreign: ReadonlySet<string> = new Set(['cancelled', 'stale', 'action_required'])

export function checksOf(
  runs: z.infer<typeof checkRunsSchema>['check_runs'],
  statuses: z.infer<typeof combinedStatusSchema>['statuses'],
): Checks {
  const failed: FailedCheck[] = []
  let pending = 0
  for (const run of runs) {
    const conclusion = run.conclusion ?? ''
    if (run.status !== 'completed') pending += 1
    else if (!good.has(conclusion) && !foreign.has(conclusion)) {
      const { title = '', summary = '', text = '' } = run.output
      failed.push({
        kind: 'run',
        id: run.id,
        name: run.name,
        conclusion,
        title,
        text: [summary, text].filter((part) => part !== '').join('\n\n'),
        url: run.html_url ?? '',
        isJob: run.app?.slug === 'github-actions',
      })
    }
  }
  for (const { id, context, state, description, target_url } of statuses) {
    if (state === 'pending') pending += 1
    else if (state !== 'success')
      failed.push({
        kind: 'status',
        id,
        name: context,
        conclusion: state,
        title: description,
        text: '',
        url: target_url ?? '',
        isJob: false,
      })
  }
  return { total: runs.length + statuses.length, pending, failed }
}
