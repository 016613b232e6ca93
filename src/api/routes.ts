/** The routes of the agent's API: each reads its parameters, asks the sources, answers JSON. */
import { Hono } from 'hono'
import type { Logger } from '../util/index.ts'
import { bearerCheck } from './bearer.ts'
import { body } from './body.ts'
import { envelopeOf, statusOf } from './envelope.ts'
import { ApiError } from './errors.ts'
import { helpRoutes } from './help/routes.ts'
import { membershipRoutes } from './membership-routes.ts'
import * as schemas from './parameters.ts'
import { describeJournal, isWritten } from './journal-state.ts'
import { ndjsonResponse } from './stream.ts'
import type { ApiSources, Status } from './types.ts'

const { parameters } = schemas

export interface RoutesComponents {
  logger: Logger
  /** Fires when the server stops; open streams end then. */
  stop: AbortSignal
  /** What requests must bring; probes need none. */
  key: string
}

export function createRoutes(sources: ApiSources, { logger, stop, key }: RoutesComponents): Hono {
  const isKey = bearerCheck(key)
  const api = new Hono()
  const onError = (error: unknown) => logger.error({ err: error }, 'a request failed')

  api.get('/status', (context) => context.json(sources.status()))
  api.get('/peers', (context) => context.json(sources.peers()))
  api.get('/tasks', (context) => {
    const { repo, state } = parameters(schemas.taskListSchema, context.req.query())
    const rows = sources
      .tasks()
      .filter((row) => repo === undefined || row.repo.toLowerCase() === repo.toLowerCase())
      .filter((row) => state === undefined || row.state === state)
    return context.json(rows)
  })
  api.get('/tasks/:owner/:repo/:issue', async (context) => {
    const ref = taskOf(context.req.param())
    const task = await sources.task(ref)
    if (task !== undefined) return context.json(task)
    throw new ApiError('TASK_NOT_FOUND', `No task ${ref.repo}#${ref.issue} is known here.`, {
      data: ref,
      next: 'List the tasks with `bzzz task ls`.',
    })
  })
  api.post('/tasks/:owner/:repo/:issue/answer', async (context) => {
    const ref = taskOf(context.req.param())
    const { question, answer } = parameters(schemas.answerSchema, await body(context.req))
    return context.json(sources.answer(ref, question, answer))
  })
  api.get('/logs', (context) => {
    const { follow, type, ...rest } = parameters(schemas.logsSchema, context.req.query())
    const query = withoutUndefined({ ...rest, types: type })
    const open = (signal: AbortSignal) =>
      follow === true ? sources.tail(query, signal) : sources.logs(query, signal)
    return ndjsonResponse({ open, stop, onError })
  })
  api.get('/logs/export', (context) => {
    const query = withoutUndefined(parameters(schemas.exportSchema, context.req.query()))
    return ndjsonResponse({ open: () => sources.bundle(query), stop, onError })
  })
  api.get('/logs/verify', async (context) => {
    const { agent } = parameters(schemas.verifySchema, context.req.query())
    const results = await sources.verify(agent)
    if (agent === undefined || results.length > 0) return context.json(results)
    throw new ApiError('AGENT_NOT_FOUND', `No journal of an agent ${agent} is here.`, {
      data: { agent },
      next: 'List the agents with `bzzz peers ls`.',
    })
  })
  api.post('/stop', (context) => {
    sources.stop()
    return context.json({ state: 'draining' }, 202)
  })

  const app = new Hono()
  app.use('/api/*', async ({ req }, next) => {
    if (isKey(req.header('authorization'))) return next()
    throw new ApiError('API_KEY_WRONG', 'The key of the API is wrong, or missing.', {
      next: 'Send `Authorization: Bearer` with what is in run/api.key of the home; `bzzz` does so by itself.',
    })
  })
  app.route('/api/v1', api)
  app.route('/api/v1', membershipRoutes(sources.membership))
  app.route('/api/v1', helpRoutes(sources, { stop, onError }))
  app.get('/livez', (context) => {
    const status = sources.status()
    return probe(context.req.query(), [['answering', status.pid > 0]])
  })
  app.get('/readyz', (context) => probe(context.req.query(), readiness(sources.status())))
  app.all('*', (context) => {
    const { method, path } = context.req
    if (method === 'GET' || method === 'POST') {
      throw new ApiError('ROUTE_NOT_FOUND', `There is no ${method} ${path}.`, { data: { path } })
    }
    throw new ApiError('METHOD_NOT_ALLOWED', `${method} is not used here.`, { data: { method } })
  })
  app.onError((error, context) => {
    const status = statusOf(error)
    if (status >= 500) onError(error)
    return context.json(envelopeOf(error), status)
  })
  return app
}

const taskOf = ({ owner, repo, issue }: { owner: string; repo: string; issue: string }) =>
  parameters(schemas.taskPathSchema, { repo: `${owner}/${repo}`, issue })

type Check = [name: string, ok: boolean, text?: string]

/** Being alone or without GitHub is degraded, not unready: nobody should restart an agent for that. */
function readiness(status: Status): Check[] {
  return [
    ['listening', status.mesh.addresses.length > 0],
    ['journal', isWritten(status.journal.state), describeJournal(status.journal.state)],
    ['not-draining', status.state === 'running'],
  ]
}

function probe(query: unknown, checks: Check[]): Response {
  const { verbose } = parameters(schemas.probeSchema, query)
  const ok = checks.every(([, passed]) => passed)
  const lines = checks.map(
    ([name, passed, text]) =>
      `[${passed ? '+' : '-'}]${name} ${text ?? (passed ? 'ok' : 'failed')}`,
  )
  const text = verbose === true || !ok ? lines.join('\n') : 'ok'
  return new Response(`${text}\n`, { status: ok ? 200 : 503 })
}

type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> }

function withoutUndefined<T extends object>(object: T): Defined<Partial<T>> {
  return Object.fromEntries(
    Object.entries(object).filter(([, value]) => value !== undefined),
  ) as Defined<Partial<T>>
}
