/**
 * Smart HTTP: `git upload-pack` and `git receive-pack` with `--stateless-rpc`, bytes streamed both
 * ways. This is what git's own CGI does, without the CGI in between: the CGI buffers whole requests
 * that come without a length, and knows nothing of accounts.
 */
import { pipeline } from 'node:stream/promises'
import { PassThrough, Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { Hono } from 'hono'
import { explain } from '../util/index.ts'
import { ApiError } from './api-error.ts'
import { afterPush } from './acts/pull-acts.ts'
import { mayChangeWorkflows } from './acts/workflow-acts.ts'
import { atLeast, identify } from './auth.ts'
import type { Ctx, Deps, Env } from './context.ts'
import { faultyWay } from './faults/middleware.ts'
import type { GitChild } from './git/run.ts'
import { grants, refusal } from './permissions.ts'
import { param } from './routes/common.ts'
import type { RepoRow, UserRow } from './store/rows.ts'

type Service = 'git-upload-pack' | 'git-receive-pack'
const SERVICES: readonly string[] = ['git-upload-pack', 'git-receive-pack']

const plain = (c: Ctx, status: 400 | 401 | 403 | 404 | 503, text: string) => {
  if (status === 401) c.header('www-authenticate', 'Basic realm="Forge"')
  return c.text(`${text}\n`, status)
}

/**
 * Of one answer, bytes that may wait in memory for a slow client: what a child wrote last must be
 * read soon after its end, and a pack of this size is then read at once.
 */
const AHEAD_BYTES = 64 * 1024 * 1024

/** Configuration by environment, which stands above the repository's own. */
const HOOKED = { GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'core.hooksPath' }

/** A line of git's packet format. */
const packet = (text: string) => `${(text.length + 4).toString(16).padStart(4, '0')}${text}`

export function gitHttp(deps: Deps): Hono<Env> {
  const app = new Hono<Env>()
  app.use('*', faultyWay(deps))

  /** The repository and the caller, or the refusal. */
  function open(c: Ctx, service: Service): { repo: RepoRow; user: UserRow | undefined } | Response {
    let user: UserRow | undefined
    try {
      user = identify(deps, c.req.header('authorization')).user
    } catch (error) {
      if (error instanceof ApiError) return plain(c, 401, 'Invalid username or token.')
      throw error
    }
    const repo = deps.store.repos.byName(param(c, 'owner'), param(c, 'repo').replace(/\.git$/, ''))
    const role = repo === undefined ? 'none' : deps.store.users.roleIn(user, repo)
    const need = service === 'git-receive-pack' ? 'push' : 'read'
    if (repo !== undefined && atLeast(role, need)) {
      const level = need === 'push' ? 'write' : 'read'
      const open = need === 'read' && repo.private === 0
      if (!open && !grants(user?.grant, { name: 'contents', level }))
        return plain(c, 403, `${refusal(user?.grant)}.`)
      if (deps.git.runner.mayOpen()) return { repo, user }
      c.header('retry-after', '5')
      return plain(c, 503, 'Too many clones and pushes at once.')
    }
    if (user === undefined) return plain(c, 401, 'Authentication is required.')
    if (repo === undefined || !atLeast(role, 'read')) return plain(c, 404, 'Repository not found.')
    return plain(c, 403, `Permission to ${repo.owner}/${repo.name}.git denied to ${user.login}.`)
  }

  const protocol = (c: Ctx): Record<string, string> => {
    const asked = c.req.header('git-protocol') ?? ''
    return /^version=[012]$/.test(asked) ? { GIT_PROTOCOL: asked } : {}
  }

  function headers(c: Ctx, type: string): void {
    c.header('content-type', type)
    c.header('cache-control', 'no-cache, max-age=0, must-revalidate')
  }

  app.get('/:owner/:repo/info/refs', (c) => {
    const service = c.req.query('service') ?? ''
    if (!SERVICES.includes(service)) return plain(c, 403, 'Please upgrade your git client.')
    const found = open(c, service as Service)
    if (found instanceof Response) return found
    const env = protocol(c)
    const command = service.slice('git-'.length)
    const child = deps.git.runner.open(
      [command, '--stateless-rpc', '--http-backend-info-refs', deps.dirOf(found.repo)],
      env,
    )
    child.stdin.end()
    headers(c, `application/x-${service}-advertisement`)
    const announce = env.GIT_PROTOCOL === 'version=2' && command === 'upload-pack'
    const prefix = announce ? '' : `${packet(`# service=${service}\n`)}0000`
    return c.body(answer(c, child, { prefix }))
  })

  for (const service of ['git-upload-pack', 'git-receive-pack'] as const) {
    app.post(`/:owner/:repo/${service}`, (c) => {
      if (c.req.header('content-type') !== `application/x-${service}-request`)
        return plain(c, 400, 'Unexpected content type.')
      const found = open(c, service)
      if (found instanceof Response) return found
      const { repo, user } = found
      const command = service.slice('git-'.length)
      const guard = mayChangeWorkflows(user) ? {} : { ...HOOKED, GIT_CONFIG_VALUE_0: deps.hooksDir }
      const child = deps.git.runner.open([command, '--stateless-rpc', deps.dirOf(repo)], {
        ...protocol(c),
        ...guard,
      })
      feed(c, child)
      headers(c, `application/x-${service}-result`)
      const after = service === 'git-receive-pack' ? () => afterPush(deps, repo, user) : undefined
      return c.body(answer(c, child, after === undefined ? {} : { after }))
    })
  }

  /** Request body into the child; a client that goes away ends the child. */
  function feed(c: Ctx, child: GitChild): void {
    const body = c.req.raw.body
    const source = body === null ? Readable.from([]) : Readable.fromWeb(body)
    const zipped = /^(x-)?gzip$/.test(c.req.header('content-encoding') ?? '')
    const flow = zipped
      ? pipeline(source, createGunzip(), child.stdin)
      : pipeline(source, child.stdin)
    flow.catch((error: unknown) => {
      deps.logger.debug({ error: String(error) }, 'a git request ended early')
      child.stdin.destroy()
    })
  }

  /** The child's output as a body that ends after `after` is done: the client then sees its effects. */
  function answer(
    c: Ctx,
    child: GitChild,
    { prefix = '', after }: { prefix?: string; after?: () => Promise<void> },
  ): ReadableStream {
    const ahead = child.stdout.pipe(new PassThrough({ highWaterMark: AHEAD_BYTES }))
    child.stdout.once('close', () => ahead.end())
    async function* bytes(): AsyncGenerator<Uint8Array> {
      if (prefix !== '') yield Buffer.from(prefix)
      for await (const chunk of ahead) yield chunk as Buffer
      const { reason, exitCode, tail } = await child.exit
      if (reason !== 'exited' || exitCode !== 0) {
        const fields = { reason, exitCode, tail: tail.slice(-500), path: c.req.path }
        deps.logger.warn(fields, 'git ended with an error')
      }
      await after?.().catch((error: unknown) => {
        deps.logger.error({ error: explain(error), path: c.req.path }, 'after a push')
      })
    }
    const readable = Readable.from(bytes(), { objectMode: false })
    readable.once('close', () => {
      if (!readable.readableEnded) void child.stop('the client went away')
    })
    return Readable.toWeb(readable) as ReadableStream
  }

  return app
}
