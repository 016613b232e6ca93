/**
 * Bytes and JSON from outside, decoded with a size limit before anything else looks at them, and
 * canonical JSON (RFC 8785's key order) for what is signed or hashed.
 */
import { createHash } from 'node:crypto'
import type { z } from 'zod'
import { CommonError } from './errors.ts'

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

/** JSON with sorted keys and no `undefined`: the same value always gives the same text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
      : inner,
  )
}

export interface DecodeOptions<S extends z.ZodType> {
  /** What it is, for the error: "capability announcement". */
  what: string
  schema: S
  /** Largest accepted size in bytes. */
  maxBytes: number
}

/** Decodes hostile bytes or text. Errors: `TOO_LARGE` (data: bytes, maxBytes), `INVALID` (data: path). */
export function decodeJson<S extends z.ZodType>(
  input: Uint8Array | string,
  { what, schema, maxBytes }: DecodeOptions<S>,
): z.infer<S> {
  const bytes = typeof input === 'string' ? Buffer.byteLength(input) : input.byteLength
  if (bytes > maxBytes) {
    throw new CommonError(
      'TOO_LARGE',
      `${what} has ${bytes} bytes; at most ${maxBytes} are accepted.`,
      {
        data: { what, bytes, maxBytes },
      },
    )
  }
  let value: unknown
  try {
    value = JSON.parse(
      typeof input === 'string' ? input : new TextDecoder('utf-8', { fatal: true }).decode(input),
    )
  } catch (cause) {
    throw new CommonError('INVALID', `${what} is not JSON.`, { data: { what, path: '' }, cause })
  }
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  const path = (issue?.path ?? []).join('.')
  throw new CommonError(
    'INVALID',
    `${what} is invalid at ${path || 'its root'}: ${issue?.message ?? 'unknown'}.`,
    {
      data: { what, path },
    },
  )
}

export function encodeJson(value: unknown): Uint8Array {
  return new TextEncoder().encode(canonicalJson(value))
}

/** SHA-256 as lower-case hex. */
export function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex')
}
