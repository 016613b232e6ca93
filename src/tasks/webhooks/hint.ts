/**
 * What a delivery of GitHub's says, as a hint. Only the few fields that are used are read, and nobody
 * believes them: whoever gets a hint reads the issue again. Pure.
 */
import { z } from 'zod'
import { CommonError, decodeJson } from '../../util/index.ts'

export interface WebhookHint {
  /** owner/name, as GitHub spells it. */
  repo: string
  issue?: number
  event: string
  /** Such as `labeled`; empty where an event has none. */
  action: string
  /** ISO 8601, GitHub's clock. */
  updatedAt?: string
}

/** Of one delivery, bytes. GitHub cuts at 25 MiB; what concerns an issue is far smaller. */
export const maxBodyBytes = 5 * 1024 * 1024

/** Events that may change what an agent does. */
const wanted = new Set([
  'issues',
  'issue_comment',
  'pull_request',
  'pull_request_review',
  'pull_request_review_comment',
  'check_run',
  'status',
  'push',
])

const time = z.string().max(64)
const payloadSchema = z.object({
  action: z.string().max(100).optional(),
  repository: z
    .object({ full_name: z.string().regex(/^[A-Za-z0-9][\w.-]{0,99}\/[\w.-]{1,100}$/) })
    .optional(),
  issue: z.object({ number: z.int().positive(), updated_at: time.optional() }).optional(),
  pull_request: z.object({ updated_at: time.optional() }).optional(),
  updated_at: time.optional(),
})

/**
 * The hint of a body whose signature was good; undefined when it says nothing about a repository's
 * tasks. `form`: GitHub sent it as a form. Errors: `INVALID` (data: path).
 */
export function hintOf(event: string, body: Uint8Array, form: boolean): WebhookHint | undefined {
  const {
    action = '',
    repository,
    issue,
    pull_request,
    updated_at,
  } = decodeJson(form ? payloadOf(body) : body, {
    what: 'webhook',
    schema: payloadSchema,
    maxBytes: maxBodyBytes,
  })
  if (!wanted.has(event) || repository === undefined) return undefined
  const updatedAt = issue?.updated_at ?? pull_request?.updated_at ?? updated_at
  return {
    repo: repository.full_name,
    ...(issue === undefined ? {} : { issue: issue.number }),
    event,
    action,
    ...(updatedAt === undefined ? {} : { updatedAt }),
  }
}

/** Of `payload=…`, as GitHub sends it unless a webhook's content type is set to JSON. */
function payloadOf(body: Uint8Array): string {
  const payload = new URLSearchParams(new TextDecoder().decode(body)).get('payload')
  if (payload !== null) return payload
  throw new CommonError('INVALID', 'webhook holds no payload.', {
    data: { what: 'webhook', path: 'payload' },
    next: 'Set the content type of the webhook to application/json.',
  })
}
