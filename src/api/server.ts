/**
 * Serves the API on the agent's socket. Only the owner may open it (directory 0700, socket 0600), and
 * requests bring the key that lies in the home (`key.ts`), where nothing in a sandbox can read it.
 */
import { chmod, lstat, rm, symlink } from 'node:fs/promises'
import type { Server } from 'node:http'
import { connect } from 'node:net'
import { hasCode, Lifecycle, type Logger, type Startable } from '../util/index.ts'
import { ApiError } from './errors.ts'
import { closeServer, listenPrivately, serverOf } from './listen.ts'
import { makeApiKey, removeApiKey } from './key.ts'
import { createRoutes } from './routes.ts'
import { prepareSocketDirectory, realHome, socketEnv, socketPathFor } from './socket-path.ts'
import type { ApiSources } from './types.ts'

export interface ApiInit {
  /** Home of the agent. Whoever starts the API holds its lock (`acquireHomeLock`). */
  home: string
  /**
   * Default: `socketPathFor(home)`, where clients look. For another path, a symbolic link to it is
   * kept there, so that clients need no configuration to find it.
   */
  socketPath?: string
}

export interface ApiComponents {
  logger: Logger
}

export interface Api extends Startable {
  /** After start. */
  readonly socketPath: string
}

/** Connections at once; clients are one person's terminals and probes. */
const maxConnections = 128
/** Until a stopping server cuts answers that are under way, ms. */
const stopMs = 2_000

/** Errors of start: `SOCKET_IN_USE`, `SOCKET_UNSAFE`, `HOME_UNUSABLE`. */
export function createApi(init: ApiInit, sources: ApiSources, { logger }: ApiComponents): Api {
  let socketPath = init.socketPath ?? ''
  let place = ''
  let home = ''
  let linked = false
  let server: Server | undefined
  let stopping = new AbortController()

  async function start(): Promise<void> {
    home = await realHome(init.home)
    place = socketPathFor(home, socketEnv())
    socketPath = init.socketPath ?? place
    await prepareSocketDirectory(place)
    await removeStale(place)
    if (socketPath !== place) await removeStale(socketPath)
    stopping = new AbortController()
    const key = await makeApiKey(home).catch((cause: unknown) => {
      throw unusable(`The key of the API cannot be written in ${home}.`, home, cause)
    })
    const routes = createRoutes(sources, { logger, stop: stopping.signal, key })
    const made = serverOf(routes, { maxHeaderSize: 16 * 1024, timeoutMs: 10_000 })
    server = made
    made.maxConnections = maxConnections
    await listen(made, socketPath)
    made.on('error', (error) => logger.error({ err: error }, 'the API server failed'))
    if (process.platform === 'win32') return
    await chmod(socketPath, 0o600)
    if (socketPath === place) return
    await symlink(socketPath, place)
    linked = true
  }

  async function stop(): Promise<void> {
    const made = server
    server = undefined
    stopping.abort()
    if (linked) await rm(place, { force: true })
    linked = false
    if (made === undefined) return
    await closeServer(made, stopMs)
    await removeApiKey(home)
  }

  const lifecycle = new Lifecycle(start, stop)
  return {
    start: () => lifecycle.start(),
    stop: () => lifecycle.stop(),
    get socketPath() {
      return socketPath
    },
  }
}

function listen(server: Server, path: string): Promise<void> {
  return listenPrivately(server, path).catch((cause: unknown) => {
    throw unusable(`The API cannot listen on ${path}.`, path, cause)
  })
}

const unusable = (message: string, path: string, cause: unknown) =>
  new ApiError('HOME_UNUSABLE', message, {
    data: { path },
    next: 'Make its directory writable, or choose another `--home DIR`.',
    cause,
  })

/** Removes the socket, or the link to one, that a killed agent left. A living server's, or another kind of file, stays. */
async function removeStale(path: string): Promise<void> {
  if (process.platform === 'win32') return
  const entry = await lstat(path).catch((error: unknown) => {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  })
  if (entry === undefined) return
  if (!entry.isSocket() && !entry.isSymbolicLink()) {
    throw new ApiError('SOCKET_UNSAFE', `${path} is not a socket.`, {
      data: { path },
      next: `Look what it is, and remove it: \`ls -l ${path}\`.`,
    })
  }
  if (await answers(path)) {
    throw new ApiError('SOCKET_IN_USE', `Another agent listens on ${path}.`, {
      data: { path },
      next: 'Stop it with `bzzz down`, or choose another `--home DIR`.',
    })
  }
  await rm(path, { force: true })
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    const end = (alive: boolean) => () => {
      socket.destroy()
      resolve(alive)
    }
    socket.once('connect', end(true))
    socket.once('error', end(false))
    socket.setTimeout(2_000, end(true))
  })
}
