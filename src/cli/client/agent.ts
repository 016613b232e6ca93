/** How client commands reach the agent. */
import { ApiError, connect, type ApiClient, type TaskRef } from '../../api/client.ts'
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'

const answerMs = 10_000

export async function agentOf(context: Context): Promise<ApiClient> {
  const { signal } = context
  return connect(await context.home(), { signal, timeoutMs: context.timeoutMs(answerMs) })
}

export interface GivenTask {
  repo?: string
  issue: number
}

const forms = [
  /^#?(?<issue>[1-9]\d{0,9})$/,
  /^(?<repo>[\w.-]{1,100}\/[\w.-]{1,100})#(?<issue>[1-9]\d{0,9})$/,
  /^https?:\/\/[^/]+\/(?<repo>[\w.-]{1,100}\/[\w.-]{1,100})\/issues\/(?<issue>[1-9]\d{0,9})\/?$/,
]

/** `owner/name#12`, `12`, `#12` or the issue's URL. Errors: `USAGE`. */
export function parseTask(text: string): GivenTask {
  for (const form of forms) {
    const groups = form.exec(text)?.groups
    if (groups === undefined) continue
    const { repo, issue } = groups
    return { issue: Number(issue), ...(repo === undefined ? {} : { repo }) }
  }
  throw new CliError('USAGE', `${text} names no task.`, {
    next: 'Write it as owner/name#12, or 12 when only one repository has that issue.',
  })
}

/** With the repository that the agent knows for the number. Errors: `TASK_AMBIGUOUS`, `TASK_NOT_FOUND`. */
export async function completeTask(agent: ApiClient, given: GivenTask): Promise<TaskRef> {
  const { issue, repo } = given
  if (repo !== undefined) return { repo, issue }
  const found = (await agent.tasks()).filter((row) => row.issue === issue)
  const [only] = found
  if (found.length > 1) {
    const tasks = found.map((row) => `${row.repo}#${issue}`)
    throw new CliError('TASK_AMBIGUOUS', `Several repositories have an issue ${issue}.`, {
      data: { tasks },
      next: `Name one of ${tasks.join(', ')}.`,
    })
  }
  if (only !== undefined) return { repo: only.repo, issue }
  throw new ApiError('TASK_NOT_FOUND', `No task with the issue number ${issue} is known here.`, {
    data: { issue },
    next: 'List the tasks with `bzzz task ls`.',
  })
}
