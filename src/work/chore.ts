/**
 * From a declared chore and the arguments that an issue gives to a program and its arguments.
 * Nothing here meets a shell. Arguments are strangers' text: each must satisfy its rule, none may
 * hold control characters, and none may turn into an option by starting with "-".
 */
import { runInNewContext } from 'node:vm'
import { RE2JS, RE2JSException } from 're2js'
import { WorkError } from './errors.ts'
import type { Chore, WorkflowPolicy } from './terms.ts'

export type ArgumentValue = string | number | boolean
type Rule = Chore['arguments'][string]

const DEFAULT_MAX_LENGTH = 200
/** So long that a busy machine does not refuse what is right. */
const PATTERN_DEADLINE_MS = 1_000
const PLACEHOLDER = /\{\{\s*([A-Za-z][A-Za-z0-9_-]*)\s*\}\}/g

/** Names that `{{name}}` in the words of a chore refers to. */
export function placeholders(run: readonly string[]): string[] {
  return run.flatMap((word) => [...word.matchAll(PLACEHOLDER)].map((match) => match[1] ?? ''))
}

/** The declared chore. Errors: `CHORE_NOT_DECLARED` (data: chore, declared). */
export function findChore(policy: Pick<WorkflowPolicy, 'chores'>, name: string): Chore {
  const declared = Object.keys(policy.chores)
  const chore = Object.hasOwn(policy.chores, name) ? policy.chores[name] : undefined
  if (chore !== undefined) return chore
  const known = declared.length === 0 ? 'declares no chores' : `declares ${declared.join(', ')}`
  throw new WorkError(
    'CHORE_NOT_DECLARED',
    `The chore "${name.slice(0, 100)}" is not declared: WORKFLOW.md on the base branch ${known}.`,
    {
      data: { chore: name.slice(0, 100), declared },
      next: 'Name a declared chore, or add this one to the chores of WORKFLOW.md.',
    },
  )
}

/** Program and arguments of a chore. Errors: `CHORE_ARGUMENT` (data: argument). */
export function choreCommand(
  chore: Chore,
  given: Readonly<Record<string, ArgumentValue>>,
): [string, ...string[]] {
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(chore.arguments, name))
  if (unknown !== undefined) {
    const known = Object.keys(chore.arguments).join(', ') || 'none'
    refuse(unknown.slice(0, 100), `is not declared; declared: ${known}`)
  }
  const values = new Map(
    Object.entries(chore.arguments).map(([name, rule]) => {
      const value = Object.hasOwn(given, name) ? given[name] : rule.default
      if (value === undefined)
        refuse(name, `is missing; give it below "arguments", such as ${name}: ${exampleOf(rule)}`)
      const problem = checkArgument(rule, value)
      if (problem !== undefined) refuse(name, problem)
      return [name, { text: String(value), rule }] as const
    }),
  )
  const words = chore.run.map((word) =>
    word.replace(PLACEHOLDER, (whole, name: string, at: number) => {
      const value = values.get(name)
      if (value === undefined) return whole
      const { text, rule } = value
      if (at === 0 && text.startsWith('-') && rule.type === 'string' && rule.enum === undefined) {
        refuse(name, 'starts with "-", which would be read as an option')
      }
      return text
    }),
  )
  const [file, ...args] = words
  if (file === undefined) throw new WorkError('CHORE_NOT_DECLARED', 'The chore has no program.')
  return [file, ...args]
}

/** What is wrong with a value, or undefined. */
export function checkArgument(rule: Rule, value: ArgumentValue): string | undefined {
  if (rule.type === 'integer') {
    if (!Number.isSafeInteger(value)) return 'must be a whole number, without quotation marks'
  } else if (typeof value !== rule.type) {
    // YAML reads 2, 1.10 and true as what they look like; what was written is not known here.
    return rule.type === 'string'
      ? 'must be a string: write its value in quotation marks, such as "1.10"'
      : 'must be a boolean: true or false, without quotation marks'
  }
  const text = String(value)
  const maxLength = rule.maxLength ?? DEFAULT_MAX_LENGTH
  if (text.length > maxLength)
    return `has ${text.length} characters; at most ${maxLength} are allowed`
  // eslint-disable-next-line no-control-regex
  if (/[\u0000-\u001f\u007f]/.test(text) || !text.isWellFormed()) return 'has control characters'
  if (rule.enum !== undefined && !rule.enum.includes(text)) {
    return `must be one of ${rule.enum.join(', ')}`
  }
  if (rule.pattern !== undefined && !matchesPattern(rule.pattern, text)) {
    return `does not match ${rule.pattern}`
  }
  return undefined
}

/**
 * By RE2, which takes time in proportion to the text. What it does not know (looking around, references)
 * is JavaScript's; a pattern that takes longer than its deadline there (catastrophic backtracking) does not match.
 */
function matchesPattern(pattern: string, text: string): boolean {
  try {
    return RE2JS.compile(pattern).matcher(text).find()
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error
  }
  try {
    return (
      runInNewContext(
        'new RegExp(pattern, "u").test(text)',
        { pattern, text },
        { timeout: PATTERN_DEADLINE_MS },
      ) === true
    )
  } catch {
    return false
  }
}

/** A value as it is written in the block. */
function exampleOf({ type, enum: allowed, pattern }: Rule): string {
  if (type === 'integer') return '1'
  if (type === 'boolean') return 'true'
  if (allowed?.[0] !== undefined) return JSON.stringify(allowed[0])
  return pattern === undefined ? '"text"' : `"…", which matches ${pattern}`
}

function refuse(argument: string, problem: string): never {
  throw new WorkError('CHORE_ARGUMENT', `The argument "${argument}" ${problem}.`, {
    data: { argument },
    next: 'Correct the arguments in the `bzzz` block of the issue.',
  })
}
