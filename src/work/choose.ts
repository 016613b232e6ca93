/** Which executor does a task. Pure: configuration and what detection found come in. */
import type { ExecutorConfig } from './config.ts'
import { choreCommand, findChore } from './chore.ts'
import { failureCode } from './errors.ts'
import type { Instructions, WorkFailureCode, WorkflowPolicy } from './types.ts'

/** Of an executor, what the choice depends on. */
export type Candidate = Pick<ExecutorConfig, 'name' | 'kind'> & { present: boolean }

export type Choice = { executor: string } | { reason: string; code: WorkFailureCode }

/**
 * A chore goes to the command executor. Otherwise the executor that is named, or the first coding
 * agent that is here in the order of the configuration (a model endpoint when there is none, and a
 * mock only when there is no other).
 */
export function choose(
  instructions: Instructions,
  policy: WorkflowPolicy,
  candidates: readonly Candidate[],
): Choice {
  const { chore, executor } = instructions
  if (chore !== undefined) return chooseForChore(chore, instructions, policy, candidates)
  if (executor !== undefined) {
    const named = candidates.find((one) => one.name === executor)
    if (named?.kind === 'command') {
      return missing('The issue names the executor "command" but no chore for it.')
    }
    if (named?.present === true) return { executor: named.name }
    const state = named === undefined ? 'not configured here' : 'configured but not found on PATH'
    return missing(`The issue asks for the executor "${executor}", which is ${state}.`)
  }
  const usable = candidates.filter((one) => one.present && one.kind !== 'command')
  const kind = ['acp', 'chat', 'mock'].find((one) => usable.some((other) => other.kind === one))
  const first = usable.find((one) => one.kind === kind)
  if (first !== undefined) return { executor: first.name }
  const agents = candidates
    .filter((one) => one.kind === 'acp' || one.kind === 'chat')
    .map((one) => one.name)
  return missing(
    agents.length === 0
      ? 'The issue names no chore, and no coding agent is configured here.'
      : `The issue names no chore, and no coding agent was found; looked for ${agents.join(', ')}.`,
  )
}

function chooseForChore(
  chore: string,
  instructions: Instructions,
  policy: WorkflowPolicy,
  candidates: readonly Candidate[],
): Choice {
  try {
    choreCommand(findChore(policy, chore), instructions.arguments ?? {})
  } catch (error) {
    const code = failureCode(error)
    if (code === undefined) throw error
    return { reason: error instanceof Error ? error.message : String(error), code }
  }
  const command = candidates.find((one) => one.kind === 'command')
  if (command === undefined) {
    return missing('The issue names a chore, and the executor "command" is not configured here.')
  }
  return { executor: command.name }
}

const missing = (reason: string): Choice => ({ reason, code: 'NO_EXECUTOR' })
