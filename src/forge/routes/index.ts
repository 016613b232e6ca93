/** The API: middleware in order, then the routes. The more special path is registered first. */
import { Hono } from 'hono'
import { randomUUID } from 'node:crypto'
import { explain, hasCode } from '../../util/index.ts'
import { ApiError, notFound } from '../api-error.ts'
import { authenticate } from '../auth.ts'
import type { Deps, Env } from '../context.ts'
import { etags } from '../etag.ts'
import { faultyWay, staleReads } from '../faults/middleware.ts'
import { limitRequests } from '../limit-requests.ts'
import type { ForgeRepository } from '../types.ts'
import { enforcePermissions } from '../permissions.ts'
import { observe } from '../observe.ts'
import { appRoutes } from './apps.ts'
import { assigneeRoutes } from './assignees.ts'
import { checkRoutes } from './checks.ts'
import { commentRoutes } from './comments.ts'
import { contentRoutes } from './contents.ts'
import { eventRoutes } from './events.ts'
import { gitDataRoutes } from './git-data.ts'
import { graphqlRoutes } from './graphql.ts'
import { hookRoutes } from './hooks.ts'
import { issueRoutes } from './issues.ts'
import { labelRoutes } from './labels.ts'
import { metaRoutes } from './meta.ts'
import { pullRoutes } from './pulls.ts'
import { refRoutes } from './refs.ts'
import { relationRoutes } from './relations.ts'
import { repoRoutes } from './repos.ts'
import { reviewCommentRoutes } from './review-comments.ts'
import { reviewRequestRoutes } from './review-requests.ts'
import { reviewRoutes } from './reviews.ts'
import { userRoutes } from './users.ts'

const PREFIX = '/api/v3'

/** Path of an API request without the optional prefix. */
export function apiPath(path: string): string {
  if (path !== PREFIX && !path.startsWith(`${PREFIX}/`)) return path
  return path.slice(PREFIX.length) || '/'
}

export function apiApp(deps: Deps, create: (init: ForgeRepository) => Promise<void>): Hono<Env> {
  /** `/repositories/ID/…`, where redirects lead, is the repository of that id. */
  const byId = (path: string): string => {
    const [, id, rest = ''] = /^\/repositories\/(\d{1,15})(\/.*)?$/.exec(path) ?? []
    const repo = id === undefined ? undefined : deps.store.repos.byId(Number(id))
    return repo === undefined ? path : `/repos/${repo.owner}/${repo.name}${rest}`
  }
  const api = new Hono<Env>({
    getPath: (request) => byId(apiPath(new URL(request.url).pathname)),
  })

  api.use('*', async (c, next) => {
    await next()
    c.res.headers.set('x-github-request-id', randomUUID())
    c.res.headers.set('x-github-media-type', 'github.v3; format=json')
    c.res.headers.set('x-content-type-options', 'nosniff')
    // Clients set their clocks by it, so it is the forge's and not the machine's.
    c.res.headers.set('date', new Date(deps.clock.now()).toUTCString())
  })
  api.use('*', faultyWay(deps))
  api.use('*', observe(deps))
  api.use('*', authenticate(deps))
  api.use('*', (c, next) => limitRequests(deps.limits)(c, next))
  api.use('*', enforcePermissions(deps))
  api.use('*', etags)
  api.use('*', staleReads(deps))

  metaRoutes(api, deps)
  graphqlRoutes(api, deps)
  userRoutes(api, deps)
  appRoutes(api, deps)
  hookRoutes(api, deps)
  assigneeRoutes(api, deps)
  labelRoutes(api, deps)
  commentRoutes(api, deps)
  eventRoutes(api, deps)
  issueRoutes(api, deps)
  relationRoutes(api, deps)
  refRoutes(api, deps)
  gitDataRoutes(api, deps)
  contentRoutes(api, deps)
  checkRoutes(api, deps)
  repoRoutes(api, deps, create)
  reviewRoutes(api, deps)
  reviewCommentRoutes(api, deps)
  reviewRequestRoutes(api, deps)
  pullRoutes(api, deps)

  api.notFound((c) => c.json(notFound().body(), 404))
  api.onError((error, c) => {
    if (error instanceof ApiError) {
      if (error.status === 413) c.header('connection', 'close')
      for (const [name, value] of Object.entries(error.headers)) c.header(name, value)
      return c.json(error.body(), error.status)
    }
    const busy = hasCode(error, 'FORGE_BUSY')
    deps.logger.error(
      { path: c.req.path, method: c.req.method, error: explain(error) },
      'request failed',
    )
    return busy
      ? c.json(new ApiError(503, 'Service unavailable. Try again later.').body(), 503)
      : c.json(new ApiError(500, 'Server Error').body(), 500)
  })
  return api
}
