/**
 * What this machine can do, asked by a table of detectors that all run at once (their children at
 * most four at a time, see probe.ts). Each has a deadline of its own; one that fails says nothing,
 * and the whole ends after 20 s with what was found until then.
 */
import { explain, withDeadline, type Logger } from '../util/index.ts'
import type { DetectContext, Detector, Finding } from './detectors/detector.ts'
import { agentDetectors } from './detectors/agents.ts'
import { gpuDetectors, machine } from './detectors/machine.ts'
import { ollamaDetector } from './detectors/models.ts'
import { languageDetectors, toolDetectors } from './detectors/programs.ts'
import type { Executor } from './executor.ts'
import type { Detected } from './told.ts'

const ALL_MS = 20_000

export const DETECTORS: readonly Detector[] = [
  ...languageDetectors,
  ...toolDetectors,
  ...agentDetectors,
  ollamaDetector,
  ...gpuDetectors,
]

/** The detector of a configured executor. */
export function executorDetector(executor: Executor): Detector {
  return {
    name: executor.name,
    detect: async ({ probe }, signal) => {
      const found = await executor.detect(probe, signal)
      if (found === undefined) return {}
      const { name, kind, models } = executor
      return { executors: [{ name, kind, models: [...models], ...found }] }
    },
  }
}

/** Runs the detectors. Rejects only when `signal` fires. */
export async function detect(
  detectors: readonly Detector[],
  context: DetectContext,
  logger: Logger,
  signal?: AbortSignal,
): Promise<Detected> {
  const findings: Finding[] = []
  const run = async (detector: Detector, index: number, inner: AbortSignal) => {
    try {
      findings[index] = await detector.detect(context, inner)
    } catch (error) {
      logger.debug({ detector: detector.name, error: explain(error) }, 'a detector failed')
    }
  }
  let all: Promise<unknown> = Promise.resolve()
  try {
    await withDeadline(
      'look at the machine',
      ALL_MS,
      (inner) => (all = Promise.all(detectors.map((one, index) => run(one, index, inner)))),
      { signal },
    )
  } catch (error) {
    // Their signal has fired by now: they end their children, and nothing is left behind.
    await all
    if (signal?.aborted === true) throw error
    logger.debug({ error: explain(error) }, 'detection was cut short')
  }
  return merge(findings)
}

function merge(findings: readonly Finding[]): Detected {
  const all = <K extends keyof Finding>(key: K) =>
    findings.flatMap((finding) => (finding[key] ?? []) as NonNullable<Finding[K]>[number][])
  return {
    executors: all('executors'),
    models: [...new Set(all('models'))],
    languages: all('languages'),
    tools: all('tools'),
    gpu: all('gpu'),
    ...machine(),
  }
}
