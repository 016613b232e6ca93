/**
 * Why nothing was found: a name that nobody here knows is an error (a typo looks like emptiness
 * otherwise), while a known one of which there is nothing to say is not. Asked only after an empty
 * answer.
 */
import { ApiError, type ApiClient, type LogQuery } from '../../api/client.ts'
import { CliError } from '../errors.ts'

/** Errors: `AGENT_NOT_FOUND`, `TASK_NOT_FOUND`. */
export async function assertKnown(client: ApiClient, query: LogQuery): Promise<void> {
  const { agent, task } = query
  if (agent !== undefined && !(await knowsAgent(client, agent))) {
    throw new ApiError('AGENT_NOT_FOUND', `No agent ${agent} is known here.`, {
      data: { agent },
      next: 'List the agents with `bzzz peers ls`.',
    })
  }
  if (task !== undefined && !(await hasEntries(client, { task }))) {
    const name = task.repo === undefined ? `${task.issue}` : `${task.repo}#${task.issue}`
    throw new ApiError('TASK_NOT_FOUND', `No task ${name} is known here.`, {
      data: { ...task },
      next: 'List the tasks with `bzzz task ls`.',
    })
  }
}

async function knowsAgent(client: ApiClient, agent: string): Promise<boolean> {
  const [own, peers] = await Promise.all([client.status(), client.peers()])
  if ([own, ...peers].some(({ name, peerId }) => name === agent || peerId === agent)) return true
  return hasEntries(client, { agent })
}

async function hasEntries(client: ApiClient, query: LogQuery): Promise<boolean> {
  for await (const _ of client.logs(query)) return true
  return false
}

/** Errors: `REPOSITORY_NOT_FOUND`. */
export async function assertKnownRepository(client: ApiClient, repo: string): Promise<void> {
  const [{ github }, peers, tasks] = await Promise.all([
    client.status(),
    client.peers(),
    client.tasks(),
  ])
  const known = [
    ...github.repos.map((one) => one.repo),
    ...peers.flatMap(({ capabilities }) => capabilities?.repositories ?? []),
    ...tasks.map((row) => row.repo),
  ]
  if (known.some((name) => name.toLowerCase() === repo.toLowerCase())) return
  const listed = [...new Set(known)].slice(0, 20)
  throw new CliError('REPOSITORY_NOT_FOUND', `No repository ${repo} is known here.`, {
    data: { repo, known: listed },
    next: listed.length === 0 ? 'See `bzzz status`.' : `Name one of ${listed.join(', ')}.`,
  })
}
