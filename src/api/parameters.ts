/** Parameters of requests: hostile text until decoded here. One schema per route. */
import { z } from 'zod'
import type { Query } from '../journal/types.ts'
import { ApiError } from './errors.ts'
import { expandEntryType, taskStates } from './vocabulary.ts'

const repoPattern = /^[\w.-]{1,100}\/[\w.-]{1,100}$/
const repo = z.string().regex(repoPattern, 'must be owner/name')
const agent = z.string().min(1, 'is empty').max(256, 'is longer than 256 characters')
const issue = z
  .string()
  .regex(/^[1-9]\d{0,9}$/, 'must be an issue number')
  .transform(Number)
const flag = z
  .enum(['true', 'false', '1', '0', ''])
  .transform((word) => word !== 'false' && word !== '0')

const task = z.string().transform((ref, context) => {
  const [, owner, name, number] =
    /^(?:([\w.-]{1,100})\/([\w.-]{1,100})#)?([1-9]\d{0,9})$/.exec(ref) ?? []
  if (number === undefined) {
    context.addIssue('must be owner/name#12 or 12')
    return z.NEVER
  }
  const found: NonNullable<Query['task']> = { issue: Number(number) }
  return owner === undefined ? found : { ...found, repo: `${owner}/${name}` }
})

const types = z
  .string()
  .max(1_000)
  .transform((words, context) => {
    const expanded = words.split(',').map((word) => expandEntryType(word.trim()))
    const known = expanded.filter((found) => found !== undefined)
    if (known.length === expanded.length) return [...new Set(known.flat())]
    context.addIssue('must be entry types such as claim.won, or groups such as claim')
    return z.NEVER
  })

const last = z
  .string()
  .regex(/^[1-9]\d{0,5}$/, 'must be a number of entries up to 100000')
  .transform((text) => Math.min(100_000, Number(text)))

const since = z.string().transform((text, context) => {
  const time = /^\d{1,15}$/.test(text) ? Number(text) : Date.parse(text)
  if (!Number.isNaN(time)) return time
  context.addIssue('must be an ISO 8601 date and time, or ms since 1970')
  return z.NEVER
})

export const taskListSchema = z.strictObject({
  repo: repo.optional(),
  state: z.enum(taskStates).optional(),
})
export const taskPathSchema = z.object({ repo, issue })
export const answerSchema = z.strictObject({
  question: z.string().regex(/^[0-9a-f]{1,40}$/, 'must be the id of a question'),
  answer: z.enum(['allow', 'deny']),
})
export const exportSchema = z.strictObject({ agent: agent.optional(), task: task.optional() })
export const verifySchema = z.strictObject({ agent: agent.optional() })
export const probeSchema = z.strictObject({ verbose: flag.optional() })
export const logsSchema = z.strictObject({
  agent: agent.optional(),
  task: task.optional(),
  type: types.optional(),
  since: since.optional(),
  until: since.optional(),
  last: last.optional(),
  follow: flag.optional(),
})

/** Errors: `INVALID_PARAMETER`, naming the first wrong parameter and what it must be. */
export function parameters<S extends z.ZodType>(schema: S, input: unknown): z.infer<S> {
  const parsed = schema.safeParse(input)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  const unknown = issue?.code === 'unrecognized_keys' ? issue.keys[0] : undefined
  const parameter = unknown ?? issue?.path.join('.') ?? ''
  const why = unknown === undefined ? (issue?.message ?? 'is invalid') : 'is not known here'
  throw new ApiError('INVALID_PARAMETER', `The parameter ${parameter} ${lead(why)}.`, {
    data: { parameter },
    next: 'Correct the parameter and ask again.',
  })
}

/** Our own messages continue the sentence; zod's begin one. */
function lead(why: string): string {
  return /^(must|is) /.test(why) ? why : `is invalid: ${why}`
}
