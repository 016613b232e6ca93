/**
 * Scans texts in a thread of its own, one after the other, within a limit of size and time. What could
 * not be scanned counts as not scanned: nobody may let it go.
 */
import { Worker } from 'node:worker_threads'
import { CommonError, throwIfAborted } from '../../util/index.ts'
import { SecretError } from '../errors.ts'
import type { HeldSecrets } from '../held.ts'
import { HIDDEN } from '../secret.ts'
import type { ScanPart, SecretHit, SecretScanner } from './types.ts'
import type { ScanAnswer, ScanRequest } from './worker.ts'

/** Of all parts together, UTF-16 units; above what a change may have by default. */
const MAX_TEXT = 64 * 1024 * 1024
const MAX_PARTS = 20_000
const TIMEOUT_MS = 60_000
/** Memory of the thread, MiB: the text in several forms, and what matching needs. */
const MAX_HEAP_MIB = 768

export interface ScannerInit {
  /** Names of rules that do not count; values that are held always do. Default none. */
  ignore?: readonly string[]
  /** Default 60,000. */
  timeoutMs?: number
}

export function createSecretScanner(
  { ignore = [], timeoutMs = TIMEOUT_MS }: ScannerInit,
  { held }: { held: Pick<HeldSecrets, 'forms'> },
): SecretScanner {
  let worker: Worker | undefined
  /** Takes the answer that is waited for. */
  let settle: (answer: ScanAnswer) => void = () => undefined
  let last: Promise<unknown> = Promise.resolve()

  async function end(): Promise<void> {
    const ended = worker
    worker = undefined
    await ended?.terminate()
  }

  function ready(): Worker {
    if (worker !== undefined) return worker
    const thread = new Worker(new URL('worker.ts', import.meta.url), {
      env: {},
      argv: [],
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MIB },
    })
    const onGone = () => {
      if (worker === thread) settle({ failed: 'its thread ended' })
    }
    thread.on('message', (answer: ScanAnswer) => settle(answer))
    thread.on('error', onGone).on('exit', onGone)
    thread.unref()
    worker = thread
    return thread
  }

  async function ask(request: ScanRequest, signal: AbortSignal | undefined): Promise<SecretHit[]> {
    throwIfAborted(signal)
    const { promise, resolve, reject } = Promise.withResolvers<ScanAnswer>()
    settle = resolve
    const onAbort = () => reject(new CommonError('ABORTED', 'The scan was aborted.'))
    const timer = setTimeout(() => resolve({ failed: `more than ${timeoutMs} ms` }), timeoutMs)
    signal?.addEventListener('abort', onAbort, { once: true })
    ready().postMessage(request)
    try {
      const answer = await promise
      if ('hits' in answer) return answer.hits
      throw failed(answer.failed)
    } catch (error) {
      // What it does now belongs to nobody.
      await end()
      throw error
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
    }
  }

  async function scan(parts: readonly ScanPart[], signal?: AbortSignal): Promise<SecretHit[]> {
    const size = parts.reduce((sum, { text }) => sum + text.length, 0)
    if (size > MAX_TEXT || parts.length > MAX_PARTS) throw failed('too much text')
    const turn = last.then(() => ask({ parts, held: held.forms(), ignore }, signal))
    last = turn.catch(() => undefined)
    return turn
  }

  return {
    scan,
    async mask(text, signal) {
      try {
        return masked(text, await scan([{ where: 'text', text }], signal))
      } catch (error) {
        if (error instanceof CommonError && error.code === 'ABORTED') throw error
        return HIDDEN
      }
    },
    stop: end,
  }
}

/** From the end to the start, and what overlaps as one. */
export function masked(text: string, hits: readonly Pick<SecretHit, 'start' | 'end'>[]): string {
  const merged: { start: number; end: number }[] = []
  for (const { start, end } of [...hits].sort((a, b) => a.start - b.start)) {
    const before = merged.at(-1)
    if (before !== undefined && start <= before.end) before.end = Math.max(before.end, end)
    else merged.push({ start, end })
  }
  return merged.reduceRight(
    (shown, { start, end }) => shown.slice(0, start) + HIDDEN + shown.slice(end),
    text,
  )
}

const failed = (why: string) =>
  new SecretError('SCAN_FAILED', `The text could not be searched for secrets: ${why}.`, {
    data: { why },
    next: 'Make the change smaller, or publish it by hand.',
  })
