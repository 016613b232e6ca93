/**
 * `WORKFLOW.md` and `AGENTS.md` as they stand at a commit of the base branch: read as blobs, never
 * from a work tree, so that no work branch can change its own rules. The front matter is YAML with
 * a strict schema; an error names the file, the line and the field.
 */
import { z } from 'zod'
import { decodeYaml, placedTexts, type Problem } from '../config/index.ts'
import { budgetsSchema } from './budget/limits.ts'
import { checkArgument, placeholders } from './chore.ts'
import { cutEnd } from './clean.ts'
import { WorkError } from './errors.ts'
import { form } from './policy-form.ts'
import { scriptWords } from './script-words.ts'
import type { Chore, WorkflowPolicy } from './terms.ts'

type Rule = Chore['arguments'][string]

export const MAX_POLICY_BYTES = 64 * 1024

const name = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'must be 1 to 64 of letters, digits, ".", "_", "-"')
const word = z
  .string()
  .min(1)
  .max(4096)
  .refine((text) => !text.includes('\0'), 'must not hold a NUL character')
const run = z
  .array(word, 'must be a list: the program, then its arguments, one by one (no shell line)')
  .min(1)
  .max(64)

const argument = z
  .strictObject({
    type: z.enum(['string', 'integer', 'boolean']),
    pattern: z
      .string()
      .max(500)
      .refine(compiles, 'is not a regular expression that JavaScript can compile')
      .optional(),
    enum: z.array(z.string().max(1000)).min(1).max(100).optional(),
    default: z.union([z.string(), z.number(), z.boolean()]).optional(),
    maxLength: z.number().int().min(1).max(1000).optional(),
    description: z.string().max(1000).optional(),
  })
  .superRefine((rule, context) => {
    if (rule.default === undefined) return
    const problem = checkArgument(withoutUndefined(rule) as Rule, rule.default)
    if (problem !== undefined)
      context.addIssue({ code: 'custom', path: ['default'], message: problem })
  })

const chore = z
  .strictObject({
    description: z.string().max(1000).optional(),
    run,
    arguments: z.record(name, argument).default({}),
  })
  .superRefine((value, context) => {
    value.run.forEach((text, index) => {
      const missing = placeholders([text]).find((one) => !Object.hasOwn(value.arguments, one))
      if (missing === undefined) return
      const message = `uses {{${missing}}}, which is not among the arguments`
      context.addIssue({ code: 'custom', path: ['run', index], message })
    })
    const isChosen = (one: string) =>
      Object.hasOwn(value.arguments, one) && value.arguments[one]?.enum !== undefined
    for (const { index, message } of scriptWords(value.run, isChosen))
      context.addIssue({ code: 'custom', path: ['run', index], message })
  })

const frontMatter = z.strictObject({
  paused: z
    .union(
      [z.boolean(), z.string().trim().min(1).max(500)],
      'must be true, false, or the reason as a text of up to 500 characters',
    )
    .default(false),
  requiredLabels: z.array(z.string().min(1).max(100)).max(20).default([]),
  checks: z
    .array(
      z.strictObject({
        name,
        run,
        timeoutMs: z.number().int().min(100).max(3_600_000).default(600_000),
      }),
    )
    .max(32)
    .default([])
    .refine((all) => new Set(all.map((one) => one.name)).size === all.length, {
      message: 'has two checks of the same name',
    }),
  chores: z.record(name, chore).default({}),
  wallTimeMs: z.number().int().min(100).max(86_400_000).default(1_800_000),
  budget: budgetsSchema.optional(),
})

export interface PolicyFiles {
  /** Text of WORKFLOW.md; undefined when there is none. */
  workflow: string | undefined
  /** Text of AGENTS.md; undefined when there is none. */
  agents: string | undefined
}

/** Decodes the two files. Errors: `WORKFLOW_INVALID` (data: file, line, column, path of the first problem; problems). */
export function parsePolicy({ workflow = '', agents = '' }: PolicyFiles): WorkflowPolicy {
  const bytes = Buffer.byteLength(workflow)
  if (bytes > MAX_POLICY_BYTES) {
    throw invalid(`has ${bytes} bytes; at most ${MAX_POLICY_BYTES} are accepted`)
  }
  const { yaml, prose } = split(workflow.replace(/^\ufeff/, '').replace(/\r\n?/g, '\n'))
  const decoded = decodeYaml(yaml ?? '', { ...form, schema: frontMatter })
  if ('problems' in decoded) throw fromProblems(decoded.problems)
  const { paused, ...fields } = decoded.value
  return {
    ...(paused === false ? {} : { paused: paused === true ? '' : paused }),
    ...(withoutUndefined(fields) as Pick<
      WorkflowPolicy,
      'requiredLabels' | 'checks' | 'chores' | 'wallTimeMs' | 'budget'
    >),
    agentsText: cutEnd(agents, MAX_POLICY_BYTES),
    workflowText: prose.trim(),
  }
}

/** The policy of a repository that has neither file. */
export function emptyPolicy(): WorkflowPolicy {
  return parsePolicy({ workflow: undefined, agents: undefined })
}

function split(text: string): { yaml: string | undefined; prose: string } {
  const open = /^---[ \t]*\n/.exec(text)
  if (open === null) return { yaml: undefined, prose: text }
  const rest = text.slice(open[0].length)
  const close = /^(?:---|\.\.\.)[ \t]*$/m.exec(rest)
  if (close === null) throw invalid('opens front matter with "---" but never closes it')
  return { yaml: rest.slice(0, close.index), prose: rest.slice(close.index + close[0].length) }
}

function fromProblems(all: readonly Problem[]): WorkError {
  const { text, problems } = placedTexts(all)
  const { line = 1, column = 1, path = '' } = problems[0] ?? {}
  return refusal(text, { line, column, path, problems })
}

function compiles(pattern: string): boolean {
  try {
    return new RegExp(pattern, 'u') instanceof RegExp
  } catch {
    return false
  }
}

function withoutUndefined<T>(value: T): T {
  if (Array.isArray(value)) return value.map(withoutUndefined) as T
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, inner]) => inner !== undefined)
      .map(([key, inner]) => [key, withoutUndefined(inner)]),
  ) as T
}

/** Of a file as a whole, or of where it begins. */
export function invalid(problem: string, file = 'WORKFLOW.md'): WorkError {
  return refusal(`${file}:1:1: it ${problem}.`, { file, line: 1, column: 1, path: '' })
}

function refusal(
  message: string,
  at: { file?: string; line: number; column: number; path: string; problems?: Problem[] },
): WorkError {
  const data = { file: 'WORKFLOW.md', ...at }
  return new WorkError('WORKFLOW_INVALID', message, {
    data,
    next: `Correct ${data.file} on the base branch.`,
  })
}
