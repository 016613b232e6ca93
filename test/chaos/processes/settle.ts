/** The end of a run, as the forge shows it. */
import { stat } from 'node:fs/promises'
import { hasCode, until } from '../../../src/util/index.ts'
import { endingOf } from './evidence.ts'
import { readForge, type Stage } from './stage.ts'

const lookMs = 3_000
/** No ref moves for this long: everything has ended, ms. */
const quietMs = 5_000
const maxQuietMs = 120_000

export const rethrowUnless = (code: string) => (error: unknown) => {
  if (!hasCode(error, code)) throw error
}

/** Until every issue is done, failed or a person's. Errors: `DEADLINE`. */
export async function ended(
  stage: Stage,
  logins: readonly string[],
  { ms, signal, note }: { ms: number; signal: AbortSignal; note: (text: string) => void },
): Promise<void> {
  const agents = new Set(logins.map((login) => login.toLowerCase()))
  let said = ''
  await until(
    'the end of all issues',
    ms,
    async () => {
      const now = await readForge(stage).catch(() => undefined)
      if (now === undefined) return false
      const endings = now.issues.map((issue) => endingOf(issue, now.pulls, agents))
      const left = endings.filter((one) => one === 'unfinished').length
      const text = `${left} of ${endings.length} issues left`
      if (said !== text) note((said = text))
      return left === 0
    },
    { signal, everyMs: lookMs },
  )
}

/** Until the ledger has not grown for a while: nobody renews a claim any more. */
export async function quiet({ ledger, executions }: Stage, signal: AbortSignal): Promise<void> {
  let last = -1
  let since = Date.now()
  await until(
    'quiet',
    maxQuietMs,
    async () => {
      const size = (await stat(ledger)).size + (await stat(executions)).size
      if (size !== last) since = Date.now()
      last = size
      return Date.now() - since >= quietMs
    },
    { signal, everyMs: 500 },
  ).catch(rethrowUnless('DEADLINE'))
}
