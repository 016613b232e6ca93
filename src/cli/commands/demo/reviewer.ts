/**
 * The person of the demo: the maintainer, who asks for a change of one pull request, looks at what came
 * of it, and merges it. By the forge's API, as anybody would; nothing here talks to the agents.
 */
import { z } from 'zod'
import type { TaskRow } from '../../../tasks/index.ts'
import { repo, type Stage } from './stage.ts'

export interface Reviewer {
  /** Does what is due, if anything is; called again and again. Errors: what the forge refuses. */
  step(rows: readonly TaskRow[], signal: AbortSignal): Promise<void>
}

const pullSchema = z.object({
  head: z.object({ sha: z.string() }),
  mergeable: z.boolean().nullable(),
})

export function createReviewer({ issues, read, write }: Stage): Reviewer {
  /** By issue: the commit that was reviewed, or that it was merged. */
  const reviewed = new Map<number, string>()
  const merged = new Set<number>()
  return {
    async step(rows, signal) {
      for (const { number, review } of issues) {
        const row = rows.find(({ issue }) => issue === number)
        const pull = row?.pullRequest?.number
        if (review === undefined || pull === undefined || merged.has(number)) continue
        if (row?.state !== 'review') continue
        const at = `/repos/${repo}/pulls/${pull}`
        const before = reviewed.get(number)
        const { head, mergeable } = pullSchema.parse(await read(at, signal))
        if (before === undefined) {
          const asks = { event: 'REQUEST_CHANGES', body: review }
          await write('POST', `${at}/reviews`, asks, signal)
          reviewed.set(number, head.sha)
        } else if (head.sha !== before && mergeable === true) {
          await write('POST', `${at}/reviews`, { event: 'APPROVE', body: 'Thank you.' }, signal)
          await write('PUT', `${at}/merge`, { sha: head.sha }, signal)
          merged.add(number)
        }
      }
    },
  }
}
