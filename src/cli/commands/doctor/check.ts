/** A check of `bzzz doctor`, and how many of them are run. */
import { CodedError, explain, hasCode, withDeadline } from '../../../util/index.ts'

export type CheckStatus = 'ok' | 'warn' | 'fail' | 'skip'

/** What one look found. */
export interface Finding {
  status: CheckStatus
  seen: string
  /** What to type or do; absent when nothing is to be done. */
  next?: string
}

export interface Check {
  /** Stable: `git`, `repo:owner/name`. */
  id: string
  run: (signal: AbortSignal) => Promise<Finding>
  /** Deadline, ms. Default 20,000. */
  ms?: number
}

export interface CheckRow {
  id: string
  status: CheckStatus
  seen: string
  next: string | null
}

const defaultMs = 20_000
/** Checks at a time. */
const maxAtOnce = 4

export const ok = (seen: string): Finding => ({ status: 'ok', seen })
export const warn = (seen: string, next: string): Finding => ({ status: 'warn', seen, next })
export const fail = (seen: string, next: string): Finding => ({ status: 'fail', seen, next })
export const skip = (seen: string): Finding => ({ status: 'skip', seen })

/** An error as a finding: what it says, and its own advice. */
export function failed(error: unknown): Finding {
  const next = error instanceof CodedError ? error.next : undefined
  return {
    status: 'fail',
    seen: explain(error).replace(/\s+/g, ' '),
    ...(next === undefined ? {} : { next }),
  }
}

/** In the order given, whatever order they end in. A check that throws or hangs has failed. Errors: `ABORTED`. */
export async function runChecks(
  checks: readonly Check[],
  signal: AbortSignal,
): Promise<CheckRow[]> {
  const rows: CheckRow[] = []
  const left = [...checks.entries()]
  const worker = async () => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const [at, { id, run, ms = defaultMs }] = next
      const {
        status,
        seen,
        next: advice,
      } = await withDeadline(id, ms, run, { signal }).catch((error: unknown) => {
        if (signal.aborted && hasCode(error, 'ABORTED')) throw error
        return failed(error)
      })
      rows[at] = { id, status, seen, next: advice ?? null }
    }
  }
  await Promise.all(Array.from({ length: maxAtOnce }, worker))
  return rows
}
