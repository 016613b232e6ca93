/**
 * Which commands a model may run: those that the repository declares as checks and chores on its base
 * branch, and those of the operator's configuration. Compared word by word; there is no shell. Pure.
 */
import { choreCommand, type ArgumentValue } from '../../../chore.ts'
import { WorkError } from '../../../errors.ts'
import type { Check, Chore } from '../../../terms.ts'

export interface Allowance {
  checks: readonly Pick<Check, 'name' | 'run' | 'timeoutMs'>[]
  chores: Readonly<Record<string, Chore>>
  /** Of the operator; a last word `...` stands for any further arguments. */
  operator: readonly (readonly string[])[]
}

export interface Allowed {
  argv: [string, ...string[]]
  timeoutMs: number
}

/** A chore or a command of the operator, ms. */
const DEFAULT_MS = 10 * 60_000
const REST = '...'

/** The command as it is to be run, or undefined. */
export function allowedCommand(
  argv: readonly string[],
  { checks, chores, operator }: Allowance,
): Allowed | undefined {
  const check = checks.find((one) => same(one.run, argv))
  if (check !== undefined) return allow(argv, check.timeoutMs)
  const byOperator = operator.some((run) =>
    run.length > 1 && run.at(-1) === REST
      ? same(run.slice(0, -1), argv.slice(0, run.length - 1))
      : same(run, argv),
  )
  if (byOperator) return allow(argv, DEFAULT_MS)
  const chore = Object.values(chores).find((one) => isChore(one, argv))
  return chore === undefined ? undefined : allow(argv, DEFAULT_MS)
}

/** For the model: one command per line. */
export function describeAllowance({ checks, chores, operator }: Allowance): string[] {
  return [
    ...checks.map((check) => JSON.stringify(check.run)),
    ...Object.values(chores).map((chore) => JSON.stringify(chore.run)),
    ...operator.map((run) => JSON.stringify(run)),
  ]
}

/** A line that is exactly an allowed command written with spaces; models like to write them so. */
export function splitLine(line: string, allowance: Allowance): readonly string[] | undefined {
  const words = line.trim().split(/\s+/)
  return allowedCommand(words, allowance) === undefined ? undefined : words
}

const same = (a: readonly string[], b: readonly string[]) =>
  a.length === b.length && a.every((word, index) => word === b[index])

function allow([file = '', ...args]: readonly string[], timeoutMs: number): Allowed {
  return { argv: [file, ...args], timeoutMs }
}

/** Reads the arguments back out of the words, and asks the chore's own rules what comes of them. */
function isChore(chore: Chore, argv: readonly string[]): boolean {
  if (chore.run.length !== argv.length) return false
  const given: Record<string, ArgumentValue> = {}
  for (const [index, word] of chore.run.entries()) {
    const [before, name, after] = splitPlaceholder(word)
    if (name === undefined) continue
    const actual = argv[index] ?? ''
    if (!actual.startsWith(before) || !actual.endsWith(after)) return false
    if (actual.length < before.length + after.length) return false
    const text = actual.slice(before.length, actual.length - after.length)
    const value = typed(chore.arguments[name]?.type, text)
    if (value === undefined) return false
    given[name] = value
  }
  try {
    return same(choreCommand(chore, given), argv)
  } catch (error) {
    if (error instanceof WorkError) return false
    throw error
  }
}

/** The first placeholder of a word with what stands around it; with a second one nothing fits. */
function splitPlaceholder(word: string): [string, string | undefined, string] {
  const match = /\{\{\s*([A-Za-z][A-Za-z0-9_-]*)\s*\}\}/.exec(word)
  if (match === null) return [word, undefined, '']
  return [word.slice(0, match.index), match[1], word.slice(match.index + match[0].length)]
}

function typed(type: 'string' | 'integer' | 'boolean' | undefined, text: string) {
  if (type === 'integer') return /^-?\d{1,15}$/.test(text) ? Number(text) : undefined
  if (type === 'boolean') return text === 'true' ? true : text === 'false' ? false : undefined
  return text
}
