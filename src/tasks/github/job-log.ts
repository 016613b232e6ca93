/**
 * The end of an Actions job's log. GitHub answers with a redirect to a signed address on another host: that
 * one is asked without the token and without anything else of the call, over https where the API is, once.
 * A log may be far larger than what is wanted of it, and a server may send it forever.
 *
 * Source: docs.github.com/rest/actions/workflow-jobs, "Download job logs for a workflow run".
 */
import { z } from 'zod'
import { withDeadline } from '../../util/index.ts'
import type { Call } from './gate-calls.ts'
import { endOfStream } from './log-end.ts'

/** Of a log, bytes: what is kept of its end, and what is read at most. */
const limits = { kept: 16 * 1024, read: 32 * 1024 * 1024 }
/** For all of it, ms. */
const allMs = 60_000
/** A repository that was renamed answers with one of its own before. */
const maxRedirects = 2

const route = 'GET /repos/{owner}/{repo}/actions/jobs/{job_id}/logs'

export interface JobLogInit {
  apiUrl: string
  /** For tests. Default 60 s. */
  timeoutMs?: number
}

/** Undefined where it cannot be had. Errors: `ABORTED`. */
export function jobLogs(
  { apiUrl, timeoutMs = allMs }: JobLogInit,
  call: Call,
): (
  at: { owner: string; repo: string },
  id: number,
  signal: AbortSignal,
) => Promise<string | undefined> {
  const api = new URL(apiUrl)

  async function read(
    at: { owner: string; repo: string },
    id: number,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const request = { redirect: 'manual', parseSuccessResponseBody: false }
    let answer = await call(route, { ...at, job_id: id, request }, z.unknown(), signal)
    for (let turn = 0; turn < maxRedirects; turn += 1) {
      const { location } = answer.headers
      if (typeof location !== 'string') return endOfStream(answer.data, limits, signal)
      await discard(answer.data)
      if (!URL.canParse(location, api.href)) return undefined
      const to = new URL(location, api)
      if (to.origin !== api.origin) return elsewhere(to, signal)
      answer = await call(`GET ${to.href}`, { request }, z.unknown(), signal)
    }
    await discard(answer.data)
    return undefined
  }

  async function elsewhere(to: URL, signal: AbortSignal): Promise<string | undefined> {
    if (to.protocol !== 'https:' && to.protocol !== api.protocol) return undefined
    if (to.username !== '' || to.password !== '') return undefined
    const answer = await fetch(to, { redirect: 'error', credentials: 'omit', signal })
    if (answer.ok) return endOfStream(answer.body, limits, signal)
    await discard(answer.body)
    return undefined
  }

  return async (at, id, signal) => {
    try {
      return await withDeadline('a job’s log', timeoutMs, (inner) => read(at, id, inner), {
        signal,
      })
    } catch (error) {
      // Without its log a failed check is still told.
      if (signal.aborted) throw error
      return undefined
    }
  }
}

async function discard(data: unknown): Promise<void> {
  if (data instanceof ReadableStream) await data.cancel().catch(() => undefined)
}
