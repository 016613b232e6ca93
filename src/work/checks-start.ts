/**
 * Whether the repository's checks can be started here at all. It is asked before any executor works: what
 * this machine lacks is nothing that a model could repair, and nothing to ask other agents' advice about.
 * The answer comes from within the sandbox, since that decides which programs there are.
 *
 * Programs in the task's own directories are left to the check itself: the work may still make them, and
 * that they are missing afterwards is the work's fault.
 */
import { createHash } from 'node:crypto'
import { isAbsolute, sep } from 'node:path'
import type { Exit } from '../process/index.ts'
import { oneLine } from './clean.ts'
import { childEnvironment } from './environment.ts'
import { WorkError } from './errors.ts'
import type { ChildSettings } from './executor-settings.ts'
import type { Control, Place } from './executor.ts'
import { sandboxFor } from './sandbox.ts'
import type { Check, CheckResult } from './terms.ts'

const LOOK_MS = 20_000
const LOOK_OUTPUT_BYTES = 64 * 1024
/** Exit codes of whoever was to start a program: it may not be run, it is not there. */
const NOT_STARTED = new Set([126, 127])
/** As `process/sandbox` words it. */
const NOT_STARTED_WORDS = ' could not be started: '
const ABSENT = 'is not there, or may not be run'
const NEXT =
  'Install it where the sandbox shows it, name its directory in work.readable, or correct the check in WORKFLOW.md.'
const SHA256_OF_NOTHING = createHash('sha256').digest('hex')

/** Prints the positions of those of its arguments that are no programs, from 0. */
const LOOK = `i=0
for one; do
  case $one in
    */*) [ -x "$one" ] && [ ! -d "$one" ] ;;
    *) command -v -- "$one" >/dev/null 2>&1 ;;
  esac || echo "$i"
  i=$((i + 1))
done`

export interface Missing {
  check: Check
  result: CheckResult
}

/** True for a program that the work may make: below the clone, or in its home or temporary files. */
export function isOfTask(program: string, place: Pick<Place, 'clone' | 'home' | 'tmp'>): boolean {
  if (!program.includes('/')) return false
  if (!isAbsolute(program)) return true
  const own = [place.clone, place.home, place.tmp, '/tmp', '/var/tmp']
  // A path with ".." is not judged by how it begins.
  return program.split(sep).includes('..') || own.some((path) => program.startsWith(path + sep))
}

/**
 * Checks whose programs are not there. None when nobody could look: then the check itself tells.
 * Errors: `ABORTED`.
 */
export async function missingPrograms(
  checks: readonly Check[],
  { label, place, limits }: { label: string; place: Place; limits: { graceMs: number } },
  { processes, path, sandbox }: Pick<ChildSettings, 'processes' | 'path' | 'sandbox'>,
  { signal, permit }: Control,
): Promise<Missing[]> {
  const asked = checks.filter(({ run: [program = ''] }) => !isOfTask(program, place))
  if (asked.length === 0 || process.platform === 'win32') return []
  const exit = await processes.run({
    file: '/bin/sh',
    args: ['-c', LOOK, 'sh', ...asked.map(({ run: [program = ''] }) => program)],
    cwd: place.clone,
    env: childEnvironment({ path, home: place.home, tmp: place.tmp, ceiling: place.root }),
    purpose: `programs of the checks of ${label}`,
    timeoutMs: LOOK_MS,
    maxOutputBytes: LOOK_OUTPUT_BYTES,
    graceMs: limits.graceMs,
    sandbox: sandboxFor({ place, settings: sandbox }),
    signal,
    permit,
  })
  if (exit.reason === 'aborted') throw new WorkError('ABORTED', 'Stopped before the work began.')
  if (exit.reason !== 'exited' || exit.exitCode !== 0) return []
  const absent = new Set(exit.stdout.split('\n'))
  return asked
    .filter((_, index) => absent.has(String(index)))
    .map((check) => ({ check, result: notRun(check, exit.durationMs) }))
}

/** True when a sandbox's starter, and nobody else, says that it could not start the program. */
export function saysNotStarted({ exitCode = 0, tail }: Exit, program: string): boolean {
  if (!NOT_STARTED.has(exitCode)) return false
  const said = tail.trim()
  if (said.includes('\n') || !said.includes(program)) return false
  return /^(prlimit|setpriv): failed to execute /.test(said) || said.includes(NOT_STARTED_WORDS)
}

/** `ENVIRONMENT` (data: programs). `why`: what was said of the first. */
export function cannotStart(checks: readonly Check[], why?: string): WorkError {
  const programs = [...new Set(checks.map(({ run: [program = ''] }) => oneLine(program, 300)))]
  const names = checks.map(({ name }) => name).join(', ')
  const how = why === undefined ? ABSENT : `cannot be started (${oneLine(why, 300)})`
  const text = `The check ${names} cannot start on this machine: ${programs.join(', ')} ${how}.`
  return new WorkError('ENVIRONMENT', `${text} ${NEXT}`, { data: { programs }, next: NEXT })
}

function notRun({ name, run: [program = ''] }: Check, durationMs: number): CheckResult {
  const tail = `${oneLine(program, 300)} ${ABSENT}.`
  return { name, outcome: 'error', durationMs, tail, outputSha256: SHA256_OF_NOTHING }
}
