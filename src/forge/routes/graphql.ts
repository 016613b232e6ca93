/** GraphQL: `updateRefs` and `repository { id }`. Everything else gets a clear error. */
import type { Hono } from 'hono'
import { z } from 'zod'
import { atLeast, caller } from '../auth.ts'
import { readBody } from '../body.ts'
import type { Ctx, Deps, Env } from '../context.ts'
import { GraphqlError } from '../graphql/error.ts'
import { GraphqlSyntaxError, parse, type Operation } from '../graphql/parse.ts'
import { updateRefs, updateRefsInput } from '../graphql/update-refs.ts'
import { nodeId } from '../shapes/urls.ts'
import type { UserRow } from '../store/rows.ts'

/** Longest document, characters. */
const DOCUMENT = 100_000
const request = z.object({
  query: z.string().max(DOCUMENT),
  variables: z.record(z.string(), z.unknown()).nullish(),
  operationName: z.string().nullish(),
})
const repositoryArgs = z.strictObject({ owner: z.string(), name: z.string() })
const mutationArgs = z.strictObject({ input: updateRefsInput })

const KNOWN: Record<string, { kind: Operation['kind']; selection: string }> = {
  updateRefs: { kind: 'mutation', selection: 'clientMutationId' },
  repository: { kind: 'query', selection: 'id' },
}

function checkOperation({ kind, field, selection }: Operation): void {
  const known = Object.hasOwn(KNOWN, field) ? KNOWN[field] : undefined
  const root = kind === 'query' ? 'Query' : 'Mutation'
  if (known?.kind !== kind)
    throw new GraphqlSyntaxError(
      `Field '${field}' doesn't exist on type '${root}' of the forge, which knows updateRefs and repository.`,
    )
  const other = selection.find((each) => each !== known.selection)
  if (other !== undefined || selection.length === 0)
    throw new GraphqlSyntaxError(
      `The forge answers ${field} with '${known.selection}' only, not with '${other ?? 'nothing'}'.`,
    )
}

function argsOf<S extends z.ZodType>(schema: S, { field, args }: Operation): z.infer<S> {
  const parsed = schema.safeParse(args)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw new GraphqlSyntaxError(
    `Argument ${issue?.path.join('.') || 'list'} on Field '${field}' is invalid: ${issue?.message ?? ''}`,
  )
}

export function graphqlRoutes(api: Hono<Env>, deps: Deps): void {
  const { store } = deps

  function repositoryId(operation: Operation, user: UserRow): { id: string } {
    const { owner, name } = argsOf(repositoryArgs, operation)
    const repo = store.repos.byName(owner, name)
    if (repo === undefined || !atLeast(store.users.roleIn(user, repo), 'read'))
      throw new GraphqlError(
        'NOT_FOUND',
        `Could not resolve to a Repository with the name '${owner}/${name}'.`,
      )
    return { id: nodeId('Repository', repo.id) }
  }

  async function answer(operation: Operation, user: UserRow): Promise<unknown> {
    if (operation.field === 'repository') return repositoryId(operation, user)
    const { input } = argsOf(mutationArgs, operation)
    await updateRefs(deps, user, input)
    return { clientMutationId: input.clientMutationId ?? null }
  }

  const handle = async (c: Ctx) => {
    const user = caller(c)
    const body = await readBody(c, 'Query', request)
    let field = ''
    try {
      const operation = parse(body.query, body.variables ?? {})
      checkOperation(operation)
      field = operation.field
      return c.json({ data: { [field]: await answer(operation, user) } })
    } catch (error) {
      if (error instanceof GraphqlSyntaxError)
        return c.json({ errors: [{ message: error.message }] })
      if (!(error instanceof GraphqlError)) throw error
      const { type, message } = error
      return c.json({ data: { [field]: null }, errors: [{ type, path: [field], message }] })
    }
  }
  api.post('/graphql', handle)
  api.post('/api/graphql', handle)
}
