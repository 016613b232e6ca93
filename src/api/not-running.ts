/**
 * Why nothing answers on a home's socket: no agent runs, or one holds the home without a socket. It
 * opens the socket last and closes it first, so one that waits to be let into a mesh has none yet.
 */
import { ApiError } from './errors.ts'
import { homeOwner, lockedSince } from './lock.ts'

/** So long a start may take on a busy machine, ms; it is called one for no longer. */
export const STARTING_MS = 120_000

/**
 * `AGENT_NOT_RUNNING`; where a living process holds the home with `pid` in its data, and `starting: true` while
 * it has not held it for long.
 */
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
  const since = await lockedSince(home)
  if (since !== undefined && Date.now() - since < STARTING_MS) {
    return new ApiError(
      'AGENT_NOT_RUNNING',
      `The agent in ${home} does not answer yet: process ${pid} is starting, or waits to be let in by a signer.`,
      {
        data: { home, pid, starting: true },
        next: `Try again in a moment, or see its log; or ${end}.`,
        cause,
      },
    )
  }
  return new ApiError(
    'AGENT_NOT_RUNNING',
    `The agent in ${home} does not answer: process ${pid} waits to be let in by a signer, or is ending, or hangs in its start.`,
    { data: { home, pid }, next: `See its log; or ${end}.`, cause },
  )
}
