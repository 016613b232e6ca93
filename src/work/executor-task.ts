/** What an executor is given of an order: the prompt, the chore, the texts of others, the limits. */
import { choreCommand, findChore } from './chore.ts'
import { cleanIssueText } from './clean.ts'
import type { WorkLimits } from './config.ts'
import type { ExecutorTask } from './executor.ts'
import { buildPrompt, newFence } from './prompt.ts'
import type { WorkOrder } from './types.ts'
import type { Instructions } from './terms.ts'

export const REPAIR_ROUNDS = 1
const MAX_TEXT_BYTES = 32 * 1024

interface TaskInit {
  order: WorkOrder
  instructions: Instructions
  limits: WorkLimits
  model?: string
}

/** The chore is declared; errors: those of `choreCommand`. */
export function makeTask({ order, instructions, limits, model }: TaskInit): ExecutorTask {
  const { policy, repo, issue } = order
  const wallTimeMs = Math.min(policy.wallTimeMs, limits.wallTimeMs)
  const checksMs = policy.checks.reduce((sum, check) => sum + check.timeoutMs, 0)
  const { chore } = instructions
  const declared = chore === undefined ? undefined : findChore(policy, chore)
  return {
    label: `${repo}#${issue.number}`,
    prompt: buildPrompt(order, policy, newFence()),
    ...(model === undefined ? {} : { model }),
    ...textsOf(order),
    declared: { checks: policy.checks, chores: policy.chores },
    limits: {
      ...limits,
      wallTimeMs,
      lifeTimeMs: 2 * wallTimeMs + (REPAIR_ROUNDS + 1) * checksMs + 15 * 60_000,
    },
    ...(chore === undefined || declared === undefined
      ? {}
      : {
          chore: {
            name: chore,
            declared,
            command: choreCommand(declared, instructions.arguments ?? {}),
          },
        }),
  }
}

/** For executors that read no prompt. */
function textsOf({ quoted, help }: WorkOrder): Pick<ExecutorTask, 'texts'> {
  const advice = quoted?.advice
  const texts = {
    ...(advice === undefined ? {} : { advice: cleanIssueText(advice, MAX_TEXT_BYTES) }),
    ...(help === undefined ? {} : { question: cleanIssueText(help.question, MAX_TEXT_BYTES) }),
  }
  return Object.keys(texts).length === 0 ? {} : { texts }
}
