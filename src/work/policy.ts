/**
 * `WORKFLOW.md` and `AGENTS.md` as they stand at a commit of the base branch: read as blobs, never
 * from a work tree, so that no work branch can change its own rules. The front matter is YAML with
 * a strict schema; an error names the file, the line and the field.
 */
import { LineCounter, parseDocument, type Document } from 'yaml'
import { z } from 'zod'
import { budgetsSchema } from './budget/limits.ts'
import { checkArgument, placeholders } from './chore.ts'
import { cutEnd } from './clean.ts'
import { WorkError } from './errors.ts'
import type { Chore, WorkflowPolicy } from './types.ts'

type Rule = Chore['arguments'][string]

export const MAX_POLICY_BYTES = 64 * 1024
const MAX_ALIASES = 20

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

/** Decodes the two files. Errors: `WORKFLOW_INVALID` (data: file, line, path). */
export function parsePolicy({ workflow = '', agents = '' }: PolicyFiles): WorkflowPolicy {
  const bytes = Buffer.byteLength(workflow)
  if (bytes > MAX_POLICY_BYTES) {
    throw invalid(`has ${bytes} bytes; at most ${MAX_POLICY_BYTES} are accepted`, 1, '')
  }
  const { yaml, prose } = split(workflow.replace(/^\ufeff/, '').replace(/\r\n?/g, '\n'))
  const decoded = frontMatter.safeParse(yaml === undefined ? {} : decode(yaml))
  if (!decoded.success) throw fromIssue(decoded.error.issues[0], yaml ?? '')
  const { paused, ...fields } = decoded.data
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
  if (close === null) throw invalid('opens front matter with "---" but never closes it', 1, '')
  return { yaml: rest.slice(0, close.index), prose: rest.slice(close.index + close[0].length) }
}

function parse(yaml: string): { document: Document; lines: LineCounter } {
  const lines = new LineCounter()
  return { document: parseDocument(yaml, { lineCounter: lines, version: '1.2' }), lines }
}

function decode(yaml: string): unknown {
  const { document } = parse(yaml)
  const problem = document.errors[0]
  if (problem !== undefined) {
    const text = problem.message.split('\n')[0]?.replace(/ at line \d+.*$/, '') ?? ''
    throw invalid(`is not YAML: ${text}`, (problem.linePos?.[0].line ?? 1) + 1, '')
  }
  try {
    return document.toJS({ maxAliasCount: MAX_ALIASES }) ?? {}
  } catch (cause) {
    throw invalid(`has more than ${MAX_ALIASES} aliases`, 1, '', cause)
  }
}

function fromIssue(issue: z.core.$ZodIssue | undefined, yaml: string): WorkError {
  const path = (issue?.path ?? []).map(String)
  if (issue?.code === 'unrecognized_keys') path.push(issue.keys[0] ?? '')
  const said = issue?.code === 'unrecognized_keys' ? 'is not a known field' : issue?.message
  const shown = path.join('.')
  const text = `is invalid at ${shown === '' ? 'its front matter' : shown}: ${said ?? 'unknown'}`
  return invalid(text, lineOf(yaml, path), shown)
}

/** Line in the file of the deepest part of `path` that is there; the front matter starts at line 2. */
function lineOf(yaml: string, path: readonly string[]): number {
  const { document, lines } = parse(yaml)
  for (let depth = path.length; depth > 0; depth -= 1) {
    const parent: unknown = document.getIn(path.slice(0, depth - 1), true) ?? document.contents
    const at = offsetOf(parent, path[depth - 1] ?? '')
    if (at !== undefined) return lines.linePos(at).line + 1
  }
  return 2
}

interface Placed {
  range?: [number, number, number] | null
}

function offsetOf(parent: unknown, key: string): number | undefined {
  const items = (parent as { items?: unknown[] } | null)?.items
  if (!Array.isArray(items)) return undefined
  const pair = items.find((item) => {
    const own = (item as { key?: { value?: unknown } }).key
    return own !== undefined && own !== null && String(own.value) === key
  })
  const node = pair === undefined ? items[Number(key)] : (pair as { key: unknown }).key
  return (node as Placed | undefined)?.range?.[0]
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

export function invalid(
  problem: string,
  line: number,
  path: string,
  cause?: unknown,
  file = 'WORKFLOW.md',
): WorkError {
  return new WorkError('WORKFLOW_INVALID', `${file} line ${line} ${problem}.`, {
    data: { file, line, path },
    next: `Correct ${file} on the base branch.`,
    cause,
  })
}
