/**
 * Says when a child and its descendants use too much. What the kernel limits per process (limits.ts) holds
 * at once; this is for all of them together.
 *
 * Memory and processes are looked at twice a second. The disk is looked at by a thread of its own
 * every 50 ms (`lookout.ts`), which stops the child when it may have written too much; then what it holds
 * is counted here (`disk.ts`), and it goes on or ends. So a child holds at most its limit and what it can write
 * between two looks.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import type { Logger } from '../../../util/index.ts'
import { familyOf, listProcesses } from '../../proc-fs.ts'
import type { ExceededLimit } from '../../types.ts'
import { machineMemory, type Limits } from '../limits.ts'
import type { Launch } from '../plan.ts'
import { diskOf } from './disk.ts'
import { exceedsMachine, isTight } from './exceeds.ts'
import type { Place } from './lookout.ts'
import type { Answer, Order } from './thread.ts'
import { availableMemory, memoryAndThreads, namelessBytes } from './usage.ts'

const LOOK_MS = 500
/** For the last look at a child that has ended, ms. */
const LAST_MS = 2_000
/** Until a thread that was lost is made again, ms. */
const AGAIN_MS = 1_000
/** The thread holds numbers of few children, MiB. */
const HEAP = { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 4 }

export interface WatchInit {
  pid: number
  limits: Limits
  /** Directories that it may write. */
  write: readonly string[]
  /** What stops it when its first process does it for all. */
  pause: Launch['pause']
  /** It was stopped to be counted (true), or may go on (false). */
  hold: (held: boolean) => void
  /** At most once, while it runs. */
  onExceeded: (limit: ExceededLimit) => void
}

export interface Watch {
  /** When the child has ended: what it exceeded since the last look. */
  end(): Promise<ExceededLimit | undefined>
}

export interface Watching {
  watch(init: WatchInit): Watch
  /** Ends the thread. Idempotent; another watch starts it again. */
  stop(): Promise<void>
}

export function createWatching({ logger }: { logger: Logger }): Watching {
  const places = new Map<number, Place>()
  const onStopped = new Map<number, () => void>()
  const onGone = new Map<number, (over: boolean) => void>()
  let thread: Worker | undefined
  let count = 0

  function tell(order: Order): void {
    thread?.postMessage(order)
  }

  /** Starts it at the first watch. */
  function begin(): void {
    if (thread !== undefined) return
    const made = new Worker(new URL('thread.ts', import.meta.url), {
      name: 'bzzz-lookout',
      env: {},
      resourceLimits: HEAP,
    })
    thread = made
    made.unref()
    made.on('message', (answer: Answer) => {
      if ('stopped' in answer) onStopped.get(answer.stopped)?.()
      else onGone.get(answer.gone)?.(answer.over)
    })
    const lost = (why: string) => {
      if (thread !== made) return
      thread = undefined
      logger.warn({ why }, 'the thread that looks at disk use is lost, and made again')
      setTimeout(() => {
        if (places.size > 0) begin()
      }, AGAIN_MS).unref()
    }
    made.on('error', (error: Error) => lost(error.message))
    made.on('exit', (code) => lost(`exit ${code}`))
    for (const place of places.values()) tell({ add: place })
  }

  function watch(init: WatchInit): Watch {
    const { pid, limits, write, pause, hold, onExceeded } = init
    const stopping = new AbortController()
    const { signal } = stopping
    count += 1
    const id = count
    const [first, ...others] = write
    const family = async () => familyOf(await listProcesses(), pid).map((row) => row.pid)
    const disk =
      first === undefined
        ? undefined
        : diskOf({ write: [first, ...others], limits, family, elsewhere: pause !== undefined })

    function exceeds(limit: ExceededLimit): void {
      if (signal.aborted) return
      stopping.abort()
      onExceeded(limit)
    }

    async function judge(): Promise<void> {
      if (signal.aborted || disk === undefined) return
      hold(true)
      const { over, credit } = await disk.count()
      if (signal.aborted) return
      if (over) return exceeds('disk')
      tell({ arm: id, credit })
      hold(false)
    }

    async function look(): Promise<void> {
      while (!signal.aborted) {
        const pids = await family()
        if (pids.length === 0) return
        tell({ know: id, pids })
        const exceeded = lookAtMachine(pids, limits)
        if (exceeded !== undefined) return exceeds(exceeded)
        await delay(LOOK_MS, undefined, { signal, ref: false })
      }
    }

    if (first !== undefined) {
      onStopped.set(id, () => void judge())
      const stop = { signal: pause?.freeze ?? 'SIGSTOP', alone: pause !== undefined } as const
      const place = { id, pid, at: first, credit: limits.diskBytes, stop }
      begin()
      places.set(id, place)
      tell({ add: place })
    }
    // Its only rejection is the end of the delay.
    look().catch(() => undefined)

    return {
      async end() {
        stopping.abort()
        onStopped.delete(id)
        places.delete(id)
        if (disk === undefined || thread === undefined) return undefined
        const late = AbortSignal.timeout(LAST_MS)
        const over = await new Promise<boolean>((resolve) => {
          onGone.set(id, resolve)
          late.addEventListener('abort', () => resolve(true), { once: true })
          tell({ remove: id })
        })
        onGone.delete(id)
        return over && (await disk.count()).over ? 'disk' : undefined
      },
    }
  }

  return {
    watch,
    async stop() {
      const ending = thread
      thread = undefined
      await ending?.terminate()
    },
  }
}

function lookAtMachine(pids: readonly number[], limits: Limits): ExceededLimit | undefined {
  const use = {
    ...memoryAndThreads(pids),
    availableMemory: availableMemory(),
    machineMemory: machineMemory(),
  }
  return exceedsMachine({ ...use, namelessBytes: isTight(use) ? namelessBytes(pids) : 0 }, limits)
}
