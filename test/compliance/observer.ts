/**
 * Watches every answer of a forge: importing this file makes each test fail during which some
 * answer was not what GitHub's description says, whoever asked and however. A forge takes part by
 * `forge(init, { processes, onResponse })`. Forges of other processes (`bzzz forge`, `bzzz demo`)
 * are out of reach.
 */
import { expect } from 'vitest'
import type { ForgeAnswer } from '../../src/forge/index.ts'
import { afterEveryTest } from '../every-test.ts'
import { openApiJudge } from './openapi.ts'

/** What the forge answers and no description covers: operation, and why. */
const UNDESCRIBED: Readonly<Record<string, string>> = {
  'POST /graphql 200': 'GraphQL has a schema of its own, which OpenAPI does not describe',
  'POST /api/graphql 200': "GraphQL at an enterprise server's address",
}

const judge = openApiJudge()
const wrong: string[] = []

export const onResponse = ({ method, path, status, headers, body }: ForgeAnswer): void => {
  const json = /json/.test(headers.get('content-type') ?? '')
  // A diff, a patch or raw bytes, which were asked for by their type.
  if (!json && body !== '') return
  const parsed: unknown = body === '' ? undefined : JSON.parse(body)
  const verdict = judge.judge({ method, path, status, body: parsed })
  const asked = `${method} ${path} ${status}`
  if (verdict.is === 'invalid') wrong.push(`${asked}: ${verdict.errors}\n${body.slice(0, 2_000)}`)
  if (verdict.is === 'unknown' && !Object.hasOwn(UNDESCRIBED, verdict.operation))
    wrong.push(`${asked}: no description has it`)
}

afterEveryTest(() => expect(wrong.splice(0)).toEqual([]))
