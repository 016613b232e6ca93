/** The repository's checks, run one after the other in the workspace, each within its own limits. */
import type { Exit } from '../process/index.ts'
import { keepEnd, visible } from './clean.ts'
import { childEnvironment } from './environment.ts'
import type { ChildSettings } from './executor-settings.ts'
import type { Control, Place } from './executor.ts'
import { sandboxFor } from './sandbox.ts'
import { isOfTask, saysNotStarted } from './checks-start.ts'
import type { Check, CheckResult } from './terms.ts'

const TAIL_BYTES = 4 * 1024

type Outcome = CheckResult['outcome']

export interface CheckInit {
  label: string
  place: Place
  limits: { maxOutputBytes: number; graceMs: number }
}

/** Never rejects for what the check does; rejects with `ABORTED` when the signal fires. */
export async function runCheck(
  check: Check,
  { label, place, limits }: CheckInit,
  { processes, path, sandbox }: Pick<ChildSettings, 'processes' | 'path' | 'sandbox'>,
  { signal, permit }: Control,
): Promise<CheckResult | 'aborted'> {
  const [file = '', ...args] = check.run
  const exit = await processes.run({
    file,
    args,
    cwd: place.clone,
    env: childEnvironment({ path, home: place.home, tmp: place.tmp, ceiling: place.root }),
    purpose: `check ${check.name} of ${label}`,
    timeoutMs: check.timeoutMs,
    maxOutputBytes: limits.maxOutputBytes,
    graceMs: limits.graceMs,
    sandbox: sandboxFor({ place, settings: sandbox }),
    signal,
    permit,
  })
  if (exit.reason === 'aborted') return 'aborted'
  return {
    name: check.name,
    outcome: outcomeOf(exit, check.run, place),
    durationMs: exit.durationMs,
    tail: keepEnd(visible(exit.tail), TAIL_BYTES),
    outputSha256: exit.outputSha256,
    ...(exit.exitCode === undefined ? {} : { exitCode: exit.exitCode }),
  }
}

/** "check test: failed with exit 1 after 1.2 s" */
export function describeCheck(result: CheckResult): string {
  const seconds = `${(result.durationMs / 1000).toFixed(1)} s`
  const how =
    result.outcome === 'failed' && result.exitCode !== undefined
      ? ` with exit ${result.exitCode}`
      : ''
  const words = {
    passed: 'passed',
    failed: 'failed',
    timeout: 'took too long',
    error: 'could not run',
  }
  return `check ${result.name}: ${words[result.outcome]}${how} after ${seconds}`
}

function outcomeOf(exit: Exit, [program = '']: readonly string[], place: Place): Outcome {
  if (exit.reason === 'exited') {
    if (exit.exitCode === 0) return 'passed'
    return !isOfTask(program, place) && saysNotStarted(exit, program) ? 'error' : 'failed'
  }
  if (exit.reason === 'timeout') return 'timeout'
  const impossible = ['not-found', 'failed', 'refused']
  return impossible.includes(exit.reason) ? 'error' : 'failed'
}
