/** What can be wrong with a configuration. All problems of a load are listed at once. */
import { CodedError } from '../util/index.ts'

export type ConfigErrorCode =
  | 'CONFIG_INVALID'
  | 'CONFIG_NOT_FOUND'
  | 'CONFIG_UNREADABLE'
  | 'CONFIG_TOO_LARGE'
  /** data: file */
  | 'CONFIG_UNWRITABLE'
  /** An executor of that name is in the file already. data: file, name */
  | 'EXECUTOR_KNOWN'

export class ConfigError extends CodedError<ConfigErrorCode> {}

/** One thing to change. Never holds the value that was given: it may be a secret in the wrong place. */
export interface Problem {
  /** "file ./bzzz.yaml:3:5", "env BZZZ_NAME", "flag --name". */
  source: string
  file?: string
  /** From 1. */
  line?: number
  column?: number
  /** "github.pollMs", "work.executors[0].kind"; empty for the file as a whole. */
  path: string
  message: string
  /** What would be accepted there. */
  allowed?: string
  /** The option that was probably meant. */
  suggestion?: string
}

/** Problems that are listed; a file with more is broken as a whole. */
const MAX_LISTED = 30

export function invalid(problems: readonly Problem[]): ConfigError {
  const listed = problems.slice(0, MAX_LISTED)
  const more = problems.length - listed.length
  const lines = listed.map((problem) => `  ${describe(problem)}`)
  if (more > 0) lines.push(`  … and ${more} more`)
  const head =
    problems.length === 1
      ? 'The configuration has a problem:'
      : `The configuration has ${problems.length} problems:`
  return new ConfigError('CONFIG_INVALID', [head, ...lines].join('\n'), {
    data: { problems: listed },
    next: 'Correct what is listed; docs/configuration.md names every option and its form.',
  })
}

function describe(problem: Problem): string {
  const meant = problem.suggestion === undefined ? '' : ` Did you mean ${problem.suggestion}?`
  const allowed = problem.allowed === undefined ? '' : ` Allowed: ${problem.allowed}.`
  const at = problem.path === '' ? '' : `${problem.path}: `
  return `${problem.source}: ${at}${problem.message}.${meant}${allowed}`
}
