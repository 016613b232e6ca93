/**
 * Serves the tools of running tasks to their executors: a unix socket and a token for each task alone,
 * in a directory of its own, which is bound into that task's sandbox. Both are void when the task ends.
 * It is not the agent's API: nothing but `routes.ts` can be asked there.
 */
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock, type Clock, type Logger } from '../../util/index.ts'
import type { PeerRow } from '../types.ts'
import { closeServer, listenPrivately, serverOf } from '../listen.ts'
import { CLOSE_MS, MAX_CONNECTIONS, MAX_HEADER, REQUEST_MS } from './limits.ts'
import { sweepTools, TOOLS_PREFIX, TOOLS_SOCKET } from './leftovers.ts'
import { createToolRoutes } from './routes.ts'
import type { OpenedTools, TaskTools, ToolCounter, ToolServer } from './types.ts'

export interface ToolServerComponents {
  peers: () => readonly PeerRow[]
  logger: Logger
  clock?: Clock
}

export interface TaskToolServer extends ToolServer {
  /** Of all tasks since it was made, by stable name. */
  counters(): Partial<Record<ToolCounter, number>>
  /** Removes what killed agents left. Resolves to how many; never rejects. */
  sweep(signal: AbortSignal): Promise<number>
}

const TOKEN_BYTES = 32

export function createToolServer(components: ToolServerComponents): TaskToolServer {
  const { peers, clock = systemClock } = components
  const logger = components.logger.child({ room: 'api' })
  const counts: Partial<Record<ToolCounter, number>> = {}

  async function open(tools: TaskTools): Promise<OpenedTools> {
    const { repo, issue } = tools.facts().task
    const label = `${repo}#${issue}`
    const token = randomBytes(TOKEN_BYTES).toString('base64url')
    const stopping = new AbortController()
    let refused = 0
    const routes = createToolRoutes({
      tools,
      token,
      peers,
      clock,
      stop: stopping.signal,
      count: (what) => {
        counts[what] = (counts[what] ?? 0) + 1
        if (what.startsWith('refused.')) refused += 1
      },
      onError: (error) => logger.error({ err: error, task: label }, 'a tool of a task failed'),
    })
    const server = serverOf(routes, { maxHeaderSize: MAX_HEADER, timeoutMs: REQUEST_MS })
    server.maxConnections = MAX_CONNECTIONS
    const dir = await mkdtemp(join(tmpdir(), TOOLS_PREFIX))
    const socket = join(dir, TOOLS_SOCKET)
    const remove = () => rm(dir, { recursive: true, force: true })
    try {
      await listenPrivately(server, socket)
    } catch (error) {
      await remove()
      throw error
    }
    server.on('error', (error) => logger.error({ err: error, task: label }, 'a tool socket failed'))
    let closing: Promise<void> | undefined
    const close = async () => {
      stopping.abort()
      await closeServer(server, CLOSE_MS)
      await remove()
      if (refused === 0) return
      const fields = { event: 'tools.refused', task: label, refused }
      logger.warn(fields, 'an executor asked for what its socket does not give')
    }
    return { socket, token, close: () => (closing ??= close()) }
  }

  return {
    open,
    counters: () => ({ ...counts }),
    sweep: (signal) => sweepTools(tmpdir(), { signal, nowMs: clock.now() }),
  }
}
