/**
 * The four things that an executor's socket speaks. Every request names the token of its task; one that
 * names another task is refused, whatever its token. All that is refused is counted.
 */
import { Hono, type Context } from 'hono'
import { z } from 'zod'
import { CodedError, type Clock } from '../../util/index.ts'
import { bearerCheck } from '../bearer.ts'
import { body } from '../body.ts'
import { envelopeOf } from '../envelope.ts'
import { ApiError } from '../errors.ts'
import { replied } from '../help/routes.ts'
import { wantedFields, wantedOf } from '../help/schemas.ts'
import { parameters } from '../parameters.ts'
import { ndjsonResponse } from '../stream.ts'
import type { PeerRow } from '../types.ts'
import { BURST, MAX_ASKS, MAX_BODY, PER_SECOND } from './limits.ts'
import type {
  BudgetView,
  HelpReply,
  HelpWanted,
  TaskTools,
  TaskView,
  ToolCounter,
} from './types.ts'
import { peerViews } from './view.ts'

export interface ToolRoutesComponents {
  tools: TaskTools
  token: string
  peers: () => readonly PeerRow[]
  count: (what: ToolCounter) => void
  clock: Clock
  /** Fires when the task is over. */
  stop: AbortSignal
  onError: (error: unknown) => void
}

const task = z
  .string()
  .regex(/^[\w.-]{1,100}\/[\w.-]{1,100}#[1-9]\d{0,9}$/, 'must be owner/name#12')
  .optional()
const query = z.strictObject({ task })
const asked = z.strictObject({ ...wantedFields, task })

export function createToolRoutes(components: ToolRoutesComponents): Hono {
  const { tools, count, stop, onError } = components
  const isToken = bearerCheck(components.token)
  const mayPass = bucket(components.clock)
  const api = new Hono()
  let asking = 0

  const own = (named: string | undefined) => {
    const { repo, issue } = tools.facts().task
    if (named === undefined || named.toLowerCase() === `${repo}#${issue}`.toLowerCase()) return
    throw new ApiError('OTHER_TASK', `This socket is for ${repo}#${issue} alone.`, {
      data: { task: named },
      next: 'Leave the task out.',
    })
  }
  const read = ({ req }: Context) => own(parameters(query, req.query()).task)

  async function ask(wanted: HelpWanted, signal: AbortSignal): Promise<HelpReply> {
    if (asking >= MAX_ASKS) {
      count('refused.busy')
      throw new ApiError('ASK_BUSY', 'A request for help of this task is under way.', {
        next: 'Wait for its answer.',
      })
    }
    count('used.ask')
    asking += 1
    try {
      return await tools.askHelp(wanted, signal)
    } finally {
      asking -= 1
    }
  }

  api.use(async ({ req }, next) => {
    if (!isToken(req.header('authorization'))) {
      throw new ApiError('TOKEN_WRONG', 'The token is not that of this task.', {
        next: 'Send `Authorization: Bearer` with what is in the file that BZZZ_TASK_TOKEN_FILE names.',
      })
    }
    if (!mayPass()) {
      throw new ApiError('TOO_MANY', `At most ${PER_SECOND} requests a second are answered.`, {
        next: 'Ask again in a second.',
      })
    }
    await next()
  })
  api.get('/v1/peers', (context) => {
    read(context)
    count('used.peers')
    return context.json(peerViews(components.peers()))
  })
  api.get('/v1/task', (context) => {
    read(context)
    count('used.task')
    const { used: _used, left: _left, requestsLeft: _requests, ...view } = tools.facts()
    return context.json(view satisfies TaskView)
  })
  api.get('/v1/budget', (context) => {
    read(context)
    count('used.budget')
    const { task: of, used, left, requestsLeft } = tools.facts()
    return context.json({ task: of, used, left, requestsLeft } satisfies BudgetView)
  })
  api.post('/v1/ask', async ({ req }) => {
    const given = parameters(asked, await body(req, MAX_BODY))
    own(given.task)
    const open = (signal: AbortSignal) => replied(() => ask(wantedOf(given), signal))
    return ndjsonResponse({ open, stop, onError })
  })
  api.all('*', ({ req }) => {
    throw new ApiError('ROUTE_NOT_FOUND', `There is no ${req.method} ${req.path} here.`, {
      next: 'There are GET /v1/peers, /v1/task and /v1/budget, and POST /v1/ask.',
    })
  })
  api.onError((error, context) => {
    if (!(error instanceof CodedError)) onError(error)
    const [counter, status] = refusals[error instanceof CodedError ? error.code : ''] ?? OTHER
    count(counter)
    return context.json(envelopeOf(error), error instanceof CodedError ? status : 500)
  })
  return api
}

const OTHER: [ToolCounter, 400] = ['refused.form', 400]
const refusals: Record<string, [ToolCounter, 400 | 401 | 403 | 404 | 413 | 429]> = {
  TOKEN_WRONG: ['refused.token', 401],
  OTHER_TASK: ['refused.task', 403],
  TOO_MANY: ['refused.rate', 429],
  TOO_LARGE: ['refused.size', 413],
  ROUTE_NOT_FOUND: ['refused.form', 404],
}

/** Full at first; fills up again. */
function bucket(clock: Clock): () => boolean {
  let left = BURST
  let at = clock.monotonic()
  return () => {
    const now = clock.monotonic()
    left = Math.min(BURST, left + ((now - at) * PER_SECOND) / 1_000)
    at = now
    if (left < 1) return false
    left -= 1
    return true
  }
}
