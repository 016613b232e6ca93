/** Asking in a world of model time. */
import type { AskRequest, HelpOutcome, HelpStep } from '../../../src/help/index.ts'
import type { World } from './world.ts'

export const request: AskRequest = {
  task: { repo: 'acme/widgets', issue: 7, attempt: 1 },
  needs: [],
  want: ['patch', 'advice'],
  summary: 'The build is slow.',
  question: 'Why?',
  lifeMs: 120_000,
  budget: { ms: 60_000 },
}

export interface Asked {
  steps: HelpStep[]
  outcome: () => HelpOutcome | undefined
  failed: () => unknown
}

/** Begins, and reads the steps as they come. */
export function begin(
  world: World,
  at: number,
  change: Partial<AskRequest> = {},
  signal?: AbortSignal,
): Asked {
  const steps: HelpStep[] = []
  let error: unknown
  const read = async () => {
    for await (const step of world.help(at).ask({ ...request, ...change }, signal)) steps.push(step)
  }
  read().catch((cause: unknown) => {
    error = cause
  })
  return {
    steps,
    outcome: () => steps.flatMap((step) => (step.is === 'ended' ? [step.outcome] : []))[0],
    failed: () => error,
  }
}

/** Until it ended, at most so much model time. */
export async function end(world: World, asked: Asked, ms = 200_000): Promise<HelpOutcome> {
  await world.clock.run(ms, () => asked.outcome() !== undefined || asked.failed() !== undefined)
  if (asked.failed() !== undefined) throw asked.failed()
  const outcome = asked.outcome()
  if (outcome === undefined) throw new Error(`no end: ${JSON.stringify(asked.steps)}`)
  return outcome
}

export const ofType = <T extends string>(entries: readonly { type: string }[], type: T) =>
  entries.filter((entry) => entry.type === type) as ({ type: T } & Record<string, unknown>)[]
