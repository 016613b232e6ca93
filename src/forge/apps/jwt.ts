/**
 * A GitHub App's own proof: a JWT signed with RS256, issued by the App's id, for ten minutes at
 * most. The words of the refusals are GitHub's: octokit tells from them that its clock is wrong.
 */
import { createPublicKey, verify, type KeyObject } from 'node:crypto'
import { z } from 'zod'
import { ApiError } from '../api-error.ts'

/** Longest life of a JWT, s. */
const LIFE_S = 600
/** Clocks may differ by this much, s. */
const SKEW_S = 60
/** Longest JWT, characters. */
const CHARS = 4_096

const header = z.object({ alg: z.literal('RS256') })
const claims = z.object({
  iss: z.union([z.string().max(100), z.number()]).transform(String),
  iat: z.number(),
  exp: z.number(),
})

export const isJwt = (token: string): boolean => /^[\w-]+\.[\w-]+\.[\w-]*$/.test(token)

const refuse = (message: string) => new ApiError(401, message)
const undecoded = () => refuse('A JSON web token could not be decoded')

function part<S extends z.ZodType>(text: string, schema: S): z.infer<S> {
  try {
    return schema.parse(JSON.parse(Buffer.from(text, 'base64url').toString('utf8')))
  } catch {
    throw undecoded()
  }
}

/** From PEM, of the public or the private half. Throws when it is no RSA key. */
export function appKey(pem: string): KeyObject {
  const key = createPublicKey(pem)
  if (key.asymmetricKeyType !== 'rsa') throw new TypeError('The key is not an RSA key.')
  return key
}

/**
 * The App that `token` proves. `keyOf` finds an issuer's key; `nowMs` is the wall clock.
 * Errors: 401 as GitHub words it.
 */
export function checkJwt<T extends { key: KeyObject }>(
  token: string,
  nowMs: number,
  appOf: (issuer: string) => T | undefined,
): T {
  if (token.length > CHARS) throw undecoded()
  const [head = '', body = '', signature = ''] = token.split('.')
  part(head, header)
  const { iss, iat, exp } = part(body, claims)
  const app = appOf(iss)
  if (app === undefined) throw new ApiError(404, 'Integration not found')
  const signed = Buffer.from(`${head}.${body}`)
  if (!verify('sha256', signed, app.key, Buffer.from(signature, 'base64url'))) throw undecoded()
  const now = nowMs / 1_000
  if (iat > now + SKEW_S)
    throw refuse(
      "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued",
    )
  if (exp <= now - SKEW_S)
    throw refuse(
      "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires",
    )
  if (exp > now + LIFE_S + SKEW_S)
    throw refuse("'Expiration time' claim ('exp') is too far in the future")
  return app
}
