/** The work of an attempt, and when it does not come to a change, what other agents make of it. */
import { execute } from '../attempt/execute.ts'
import type { Context, Held } from '../context.ts'
import type { WorkOutcome } from '../needs.ts'
import { rescue } from './rescue.ts'

export interface WithHelpInit {
  /** Commit that the work starts from, what the work branch holds unless it is a round; null: the base. */
  start: string | null
  /** How the executor is run; it may be by the checks alone first. */
  work: (run: (only?: 'checks') => Promise<WorkOutcome>) => Promise<WorkOutcome>
  /** Told of each result, whose workspace stands until it is disposed of. */
  onResult: (result: WorkOutcome) => void
}

/** `again`: the executor is to work once more, with advice. Disposes of every result but the last. */
export async function workWithHelp(
  context: Context,
  held: Held,
  { start, onResult, work }: WithHelpInit,
): Promise<WorkOutcome | 'again'> {
  const { signal } = held
  const result = await work((only) => execute(context, held, start, only))
  onResult(result)
  if (result.outcome === 'changed' || signal.aborted) return result
  try {
    const helped = await rescue(context, held, { work: result, start, signal })
    if (helped.is === 'none' || helped.is === 'handed') return result
    if (helped.is === 'failed') return { ...result, ...helped.work }
    await result.dispose()
    if (helped.is === 'again') return helped.is
    onResult(helped.work)
    return helped.work
  } catch (error) {
    // Why it ended is told by the signal.
    if (signal.aborted) return result
    throw error
  }
}
