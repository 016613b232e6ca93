/**
 * The listening half: one HTTP server for three programs told apart by path – git, the API and the
 * pages – and a stop that leaves no connection behind.
 */
import { createAdaptorServer } from '@hono/node-server'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Hono } from 'hono'
import type { Env } from './context.ts'
import { ForgeError } from './errors.ts'
import { apiPath } from './routes/index.ts'

export interface Programs {
  git: Hono<Env>
  api: Hono<Env>
  pages: Hono<Env>
}

export interface Listening {
  /** http://host:port */
  url: string
  close(): Promise<void>
}

/** First segments of paths that belong to the API; no owner may have such a name. */
export const API_SEGMENTS = [
  'api',
  'repos',
  'user',
  'users',
  'rate_limit',
  'meta',
  'graphql',
  'search',
  'app',
  'apps',
  'installation',
  'orgs',
  'repositories',
]
const GIT = /^\/[^/]+\/[^/]+\/(info\/refs|git-upload-pack|git-receive-pack)$/
/** Requests in progress get this long at stop, ms. */
const GRACE_MS = 2_000

export function programOf(programs: Programs, request: Request): Hono<Env> {
  const { pathname } = new URL(request.url)
  if (GIT.test(pathname)) return programs.git
  const first = pathname.split('/')[1] ?? ''
  if (apiPath(pathname) !== pathname || API_SEGMENTS.includes(first)) return programs.api
  const browser = /\btext\/html\b/.test(request.headers.get('accept') ?? '')
  return pathname === '/' && !browser ? programs.api : programs.pages
}

/** Errors: `FORGE_PORT_TAKEN` (data: port), `FORGE_LISTEN_FAILED` (data: host, port). */
export async function listen(init: {
  host: string
  port: number
  programs: Programs
}): Promise<Listening> {
  const { host, port, programs } = init
  const server = createAdaptorServer({
    fetch: (request, env) => programOf(programs, request).fetch(request, env),
    hostname: host,
    serverOptions: { keepAliveTimeout: 5_000, requestTimeout: 15 * 60_000, headersTimeout: 30_000 },
  }) as Server
  let active = 0
  let idle = () => {}
  server.on('request', (_request, response) => {
    active += 1
    response.once('close', () => {
      active -= 1
      if (active === 0) idle()
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  }).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'EADDRINUSE') {
      throw new ForgeError('FORGE_PORT_TAKEN', `Port ${port} on ${host} is taken.`, {
        data: { port, host },
        next: 'Choose another port, or 0 for any free one.',
        cause,
      })
    }
    throw new ForgeError('FORGE_LISTEN_FAILED', `The forge cannot listen on ${host}:${port}.`, {
      data: { port, host, code: cause.code },
      next: 'Choose an address of this machine and a port that you may use.',
      cause,
    })
  })
  const address = server.address() as AddressInfo
  const name = address.family === 'IPv6' ? `[${address.address}]` : address.address

  return {
    url: `http://${name}:${address.port}`,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      // Browsers keep connections that never carried a request: those count as busy to node.
      idle = () => setImmediate(() => server.closeAllConnections())
      if (active === 0) idle()
      const late = setTimeout(() => server.closeAllConnections(), GRACE_MS)
      await closed
      clearTimeout(late)
    },
  }
}
