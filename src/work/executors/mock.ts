/**
 * The executor that sets the contract: it works in this process, does exactly what its
 * configuration says, and is held to the same suite as the real ones.
 */
import { createHash } from 'node:crypto'
import { BoundedQueue, sleep, standing, type Clock } from '../../util/index.ts'
import { cutEnd } from '../clean.ts'
import type { MockConfig } from '../config.ts'
import { confinedFiles } from '../confined.ts'
import {
  MAX_SUMMARY_BYTES,
  MAX_WAITING_EVENTS,
  type Executor,
  type ExecutorEvent,
  type ExecutorTask,
  type Place,
  type TurnResult,
  type Usage,
} from '../executor.ts'

const FLOOD_CHUNK = 64 * 1024

export function createMockExecutor(config: MockConfig, { clock }: { clock: Clock }): Executor {
  return {
    name: config.name,
    kind: 'mock',
    models: config.models,
    capabilities: { turns: true, permissions: false, usage: true },
    detect: async () => ({}),
    start: (task, place, { signal, permit }) => {
      const events = new BoundedQueue<ExecutorEvent>(MAX_WAITING_EVENTS)
      const stopping = new AbortController()
      const onAbort = () => stopping.abort()
      signal.addEventListener('abort', onAbort, { once: true })
      if (signal.aborted) onAbort()
      const own = { clock: standing(clock, permit), signal: stopping.signal }
      const turn = () => work(config, task, place, events, own)
      const result = turn()
      let last = result
      return {
        events,
        result,
        again: () => {
          last = turn()
          return last
        },
        stop: async () => {
          stopping.abort()
          await last
          signal.removeEventListener('abort', onAbort)
          events.close()
        },
      }
    },
  }
}

/** Parts in which usage is told. */
const PARTS = 10

const part = (usage: NonNullable<MockConfig['usage']>, parts: number): Usage =>
  Object.fromEntries(
    Object.entries(usage).map(([name, value = 0]) => [name, Math.round((value * parts) / PARTS)]),
  )

async function work(
  config: MockConfig,
  task: ExecutorTask,
  place: Place,
  events: BoundedQueue<ExecutorEvent>,
  { clock, signal }: { clock: Clock; signal: AbortSignal },
): Promise<TurnResult> {
  const began = clock.monotonic()
  const hash = createHash('sha256')
  let bytes = 0
  const emit = (text: string): boolean => {
    bytes += Buffer.byteLength(text)
    hash.update(text)
    return bytes <= task.limits.maxOutputBytes
  }
  const end = (outcome: TurnResult['outcome'], reason: string, exitCode?: number): TurnResult => ({
    outcome,
    reason,
    durationMs: clock.monotonic() - began,
    summary: cutEnd(config.says.at(-1) ?? '', MAX_SUMMARY_BYTES),
    output: {
      sha256: hash.copy().digest('hex'),
      bytes: Math.min(bytes, task.limits.maxOutputBytes),
      truncated: bytes > task.limits.maxOutputBytes,
    },
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(config.usage === undefined || config.trouble !== undefined
      ? {}
      : { usage: part(config.usage, told) }),
  })
  let told = 0
  if (config.trouble !== undefined) {
    const { retryAfterMs } = config
    const later = retryAfterMs === undefined ? {} : { retryAt: clock.now() + retryAfterMs }
    return { ...end(config.trouble, `It was told to have trouble: ${config.trouble}.`), ...later }
  }
  const killed = config.killAfterMs !== undefined && config.killAfterMs <= config.runForMs
  const workMs = killed ? (config.killAfterMs ?? 0) : config.runForMs
  const { wallTimeMs, idleTimeMs } = task.limits
  try {
    for (const text of config.says) {
      events.push({ type: 'text', text })
      if (!emit(text)) return end('flood', 'It wrote more output than allowed.')
    }
    for (let left = config.floodBytes; left > 0; left -= FLOOD_CHUNK) {
      if (!emit('x'.repeat(Math.min(left, FLOOD_CHUNK)))) {
        return end('flood', 'It wrote more output than allowed.')
      }
    }
    const pauseMs = Math.min(workMs, wallTimeMs, idleTimeMs)
    if (config.usage === undefined) await sleep(pauseMs, { signal, clock })
    else
      for (; told < PARTS; told += 1) {
        await sleep(pauseMs / PARTS, { signal, clock })
        events.push({ type: 'usage', ...part(config.usage, told + 1) })
      }
    if (workMs > wallTimeMs) return end('timeout', `It took longer than ${wallTimeMs} ms.`)
    if (workMs > idleTimeMs) return end('idle', `It said nothing for ${idleTimeMs} ms.`)
    if (killed) return end('failed', 'It was killed.')
    if (config.exitCode !== 0) {
      return end('failed', `It ended with exit ${config.exitCode}.`, config.exitCode)
    }
    const files = await confinedFiles(place.clone)
    for (const [path, content] of Object.entries(config.edits)) {
      events.push({ type: 'file', path: await files.write(path, content) })
    }
    const { asks: question } = config
    if (question !== undefined && task.texts?.advice === undefined)
      return { ...end('stuck', `It asks for help: ${question}`), question }
    return end('done', 'It finished.', 0)
  } catch (error) {
    if (signal.aborted) return end('aborted', 'It was stopped.')
    return end('failed', error instanceof Error ? error.message : String(error))
  }
}
