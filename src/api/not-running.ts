/**
 * Why nothing answers on a home's socket: no agent runs, or one holds the home without a socket. It
 * opens the socket last and closes it first, so one that waits to be let into a mesh has none yet.
 */
import { ApiError } from './errors.ts'
import { homeOwner } from './lock.ts'

/** `AGENT_NOT_RUNNING`; with `pid` in its data where a living process holds the home. */
export async function notRunning(home: string, cause?: unknown): Promise<ApiError> {
  const owner = await homeOwner(home).catch(() => undefined)
  if (owner === undefined) {
    return new ApiError('AGENT_NOT_RUNNING', `No agent runs in ${home}.`, {
      data: { home },
      next: 'Start it with `bzzz up`, or name its home with `--home DIR`.',
      cause,
    })
  }
  const { pid, startTime } = owner
  // Where the start time is unknown, the number alone does not tell whose process it is.
  const end = startTime === null ? `look at process ${pid} and end it` : 'end it with `bzzz down`'
  return new ApiError(
    'AGENT_NOT_RUNNING',
    `The agent in ${home} does not answer: process ${pid} is starting, or waits to be let in by a signer, or is ending.`,
    { data: { home, pid }, next: `See its log; or ${end}.`, cause },
  )
}
