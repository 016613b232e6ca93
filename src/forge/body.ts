/** Request bodies: bounded, JSON, and of the form that the handler names. */
import { z } from 'zod'
import { ApiError, type FieldError } from './api-error.ts'
import type { Ctx } from './context.ts'

/** Largest request body of the API, bytes. */
export const BODY_BYTES = 1024 * 1024
/** Longest text of an issue, pull request or comment, characters, as on github.com. */
export const TEXT_CHARS = 65_536
/** Longest title, characters, as on github.com. */
export const TITLE_CHARS = 256

/** A long text: GitHub's limit, GitHub's words. */
export const longText = z
  .string()
  .max(TEXT_CHARS, `body is too long (maximum is ${TEXT_CHARS} characters)`)
export const title = z
  .string()
  .min(1)
  .max(TITLE_CHARS, `title is too long (maximum is ${TITLE_CHARS} characters)`)
export const sha = z.string().regex(/^[0-9a-f]{40}$/, 'is not a SHA-1 in lower-case hex')
export const logins = z.array(z.string().max(100)).max(100)
/** Label names; GitHub also takes objects with a name. */
export const labelNames = z
  .array(z.union([z.string(), z.object({ name: z.string() }).transform(({ name }) => name)]))
  .max(100)

async function readAll(c: Ctx): Promise<string> {
  const declared = Number(c.req.header('content-length') ?? '0')
  const tooLarge = () => new ApiError(413, `Payload too large: at most ${BODY_BYTES} bytes.`)
  if (declared > BODY_BYTES) throw tooLarge()
  const body = c.req.raw.body
  if (body === null) return ''
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength
    if (size > BODY_BYTES) throw tooLarge()
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function fieldError(resource: string, issue: z.core.$ZodIssue, input: unknown): FieldError {
  const field = issue.path.join('.') || 'body'
  const given = issue.path.reduce<unknown>(
    (at, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key],
    input,
  )
  if (given === undefined || given === '') return { resource, field, code: 'missing_field' }
  if (issue.code === 'too_big') return { resource, field, code: 'custom', message: issue.message }
  return { resource, field, code: 'invalid', message: issue.message }
}

/** Errors: 413, 400 for what is not JSON, 422 with `errors` for what has another form. */
export async function readBody<S extends z.ZodType>(
  c: Ctx,
  resource: string,
  schema: S,
): Promise<z.infer<S>> {
  const text = await readAll(c)
  let value: unknown
  try {
    value = text.trim() === '' ? {} : JSON.parse(text)
  } catch {
    throw new ApiError(400, 'Problems parsing JSON')
  }
  if (typeof value !== 'object' || value === null)
    throw new ApiError(400, 'Body should be a JSON object')
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw new ApiError(
    422,
    'Validation Failed',
    parsed.error.issues.slice(0, 10).map((issue) => fieldError(resource, issue, value)),
  )
}
