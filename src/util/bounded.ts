/**
 * Work on hostile text that cannot be interrupted from within, such as a parser whose time grows with the
 * square of what it reads: while it runs nothing else does, also no renewal of a lease.
 */
import { createContext, Script } from 'node:vm'
import { CommonError } from './errors.ts'

const script = new Script('run()')

/**
 * Runs to its end, or until the time is over. Nothing of it goes on then. Errors: `DEADLINE`, those of `run`.
 * `what`: for the error.
 */
export function boundedSync<T>(what: string, ms: number, run: () => T): T {
  let result: { value: T } | undefined
  let failure: { error: unknown } | undefined
  const room = createContext({
    run: () => {
      try {
        result = { value: run() }
      } catch (error) {
        failure = { error }
      }
    },
  })
  try {
    script.runInContext(room, { timeout: ms })
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error
    throw new CommonError('DEADLINE', `${what} took longer than ${ms} ms.`)
  }
  if (failure !== undefined) throw failure.error
  return (result as { value: T }).value
}
