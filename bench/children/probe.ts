/**
 * Loaded into an agent before its own code (`node --expose-gc --import …`): answers on a socket what
 * the process holds after a forced collection. It keeps nothing alive and changes nothing else.
 * Questions are lines: `held`, or `snapshot FILE`.
 */
import { rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { getHeapSpaceStatistics, getHeapStatistics, writeHeapSnapshot } from 'node:v8'
import { isMainThread } from 'node:worker_threads'

/** What the process holds, bytes, and how many. */
export interface Held {
  /** Before the collection. */
  before: { heapUsed: number; heapTotal: number; rss: number; external: number }
  heapUsed: number
  /** Compiled code and its metadata, part of `heapUsed`. */
  code: number
  heapTotal: number
  external: number
  rss: number
  malloced: number
  detachedContexts: number
  /** Of `process` itself. */
  listeners: number
  /** Open handles and requests by kind. */
  resources: Record<string, number>
}

function held(): Held {
  const { heapUsed, heapTotal, rss, external } = process.memoryUsage()
  const collect = globalThis.gc
  for (let n = 0; n < 3; n += 1) collect?.()
  const after = process.memoryUsage()
  const heap = getHeapStatistics()
  const code = getHeapSpaceStatistics()
    .filter(({ space_name }) => space_name.startsWith('code') || space_name.startsWith('trusted'))
    .reduce((sum, space) => sum + space.space_used_size, 0)
  const resources: Record<string, number> = {}
  for (const kind of process.getActiveResourcesInfo()) resources[kind] = (resources[kind] ?? 0) + 1
  return {
    before: { heapUsed, heapTotal, rss, external },
    heapUsed: after.heapUsed,
    code,
    heapTotal: after.heapTotal,
    external: after.external,
    rss: after.rss,
    malloced: heap.malloced_memory,
    detachedContexts: heap.number_of_detached_contexts,
    listeners: process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0),
    resources,
  }
}

const socket = process.env['PROBE_SOCKET']
if (socket !== undefined && isMainThread) {
  // `up` begins anew in the same process: what listened before it did is gone.
  rmSync(socket, { force: true })
  const server = createServer((asking) => {
    asking.on('error', () => undefined)
    createInterface({ input: asking }).on('line', (line) => {
      const file = line.startsWith('snapshot ') ? line.slice(9) : undefined
      asking.end(`${JSON.stringify(file === undefined ? held() : writeHeapSnapshot(file))}\n`)
    })
  })
  server.on('error', () => undefined)
  server.listen(socket).unref()
}
