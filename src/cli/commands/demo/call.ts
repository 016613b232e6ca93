/**
 * Asks the demo's forge, as the maintainer. A machine that is busy with four agents may answer late: what is
 * only read is asked for again, a write is waited for longer, since it may have been done.
 */
import { hasCode, sleep, withDeadline } from '../../../util/index.ts'
import { CliError } from '../../errors.ts'

/** Until one answer must be there, ms. */
const readMs = 15_000
const writeMs = 60_000
/** Times that a read is tried, and the pause after the first, ms; it doubles. */
const tries = 5
const pauseMs = 500

export interface CallInit {
  apiUrl: string
  token: string
  /** For tests. Default 15 s for a read, 60 s for a write. */
  limits?: { readMs: number; writeMs: number; pauseMs: number }
}

export type Call = (
  method: 'GET' | 'POST' | 'PUT',
  path: string,
  body?: object,
  signal?: AbortSignal,
) => Promise<unknown>

/** Errors: `DEMO_FORGE` when it refuses, or answers nothing for too long; `ABORTED`. */
export function createCall({ apiUrl, token, limits }: CallInit): Call {
  const at = limits ?? { readMs, writeMs, pauseMs }

  async function once(
    method: string,
    path: string,
    body: object | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Response> {
    const headers = { authorization: `token ${token}`, 'content-type': 'application/json' }
    const sent = body === undefined ? {} : { body: JSON.stringify(body) }
    const ms = method === 'GET' ? at.readMs : at.writeMs
    return withDeadline(
      `The forge's answer to ${method} ${path}`,
      ms,
      async (inner) => {
        const answer = await fetch(`${apiUrl}${path}`, { method, headers, ...sent, signal: inner })
        // The body belongs to the answer: it is read within the same time.
        return new Response(await answer.arrayBuffer(), { status: answer.status })
      },
      { signal },
    )
  }

  return async (method, path, body, signal) => {
    for (let turn = 1; ; turn += 1) {
      try {
        const answer = await once(method, path, body, signal)
        if (answer.ok) return await answer.json()
        if (answer.status < 500 || method !== 'GET' || turn === tries)
          throw new CliError('DEMO_FORGE', `The forge answered ${answer.status} to ${path}.`, {
            data: { path, status: answer.status },
            next: NEXT,
          })
      } catch (error) {
        if (signal?.aborted === true || error instanceof CliError) throw error
        if (method !== 'GET' || turn === tries) throw silent(method, path, turn, error)
      }
      await sleep(at.pauseMs * 2 ** (turn - 1), { signal })
    }
  }
}

const NEXT = 'Run it again when the machine has less to do, or with fewer --agents.'

function silent(method: string, path: string, turns: number, cause: unknown): CliError {
  const why = hasCode(cause, 'DEADLINE') ? 'answered too late' : 'gave no answer'
  const often = turns === 1 ? '' : `, ${turns} times`
  return new CliError('DEMO_FORGE', `The forge ${why} to ${method} ${path}${often}.`, {
    data: { path, tries: turns },
    next: NEXT,
    cause,
  })
}
