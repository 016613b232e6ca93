/** HTTP servers on unix sockets that are nobody else's. */
import { createAdaptorServer } from '@hono/node-server'
import type { Hono } from 'hono'
import { createServer, type Server } from 'node:http'
import { withDeadline } from '../util/index.ts'

/** `timeoutMs`: until a request is whole. */
export function serverOf(
  routes: Hono,
  { maxHeaderSize, timeoutMs }: { maxHeaderSize: number; timeoutMs: number },
): Server {
  return createAdaptorServer({
    fetch: routes.fetch,
    overrideGlobalObjects: false,
    createServer,
    serverOptions: { maxHeaderSize, requestTimeout: timeoutMs, headersTimeout: timeoutMs },
  }) as Server
}

/** The socket is nobody else's from its first moment: its mode comes from the mask at the bind. */
export function listenPrivately(server: Server, path: string): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    const mask = process.umask(0o177)
    try {
      server.listen(path, () => {
        server.off('error', reject)
        resolve()
      })
    } finally {
      process.umask(mask)
    }
  })
}

/** Lets answers that are under way end within `ms`. */
export async function closeServer(server: Server, ms: number): Promise<void> {
  if (!server.listening) return
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  server.closeIdleConnections()
  await withDeadline('answer the last requests', ms, () => closed).catch(() => {
    server.closeAllConnections()
    return closed
  })
}
