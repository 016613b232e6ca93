/** GraphQL: what REST lacks, and what one query answers instead of several calls. */
import type { Hono } from 'hono'
import { z } from 'zod'
import { caller } from '../auth.ts'
import { readBody } from '../body.ts'
import type { Ctx, Deps, Env } from '../context.ts'
import { runQuery } from '../graphql/run.ts'
import { forgeSchema } from '../graphql/schema.ts'
import { sha256 } from '../../util/index.ts'

/** Longest document, characters. */
const DOCUMENT = 100_000
const request = z.object({
  query: z.string().max(DOCUMENT),
  variables: z.record(z.string(), z.unknown()).nullish(),
  operationName: z.string().nullish(),
})

export function graphqlRoutes(api: Hono<Env>, deps: Deps): void {
  const schema = forgeSchema({ relations: deps.store.relations !== undefined })

  const handle = async (c: Ctx) => {
    const user = caller(c)
    const body = await readBody(c, 'Query', request)
    // One point was taken when the request came in.
    const pay = (points: number) => deps.limits.take(user, 'graphql', points - 1)
    const { isRead, body: answer } = await runQuery(schema, { deps, user }, body, pay)
    if (isRead) c.set('replicaKey', `graphql ${user.id} ${sha256(JSON.stringify(body))}`)
    return c.json(answer)
  }
  api.post('/graphql', handle)
  api.post('/api/graphql', handle)
}
