/** GraphQL: the mutations that REST lacks, and `repository`. Everything else gets a clear error. */
import type { Hono } from 'hono'
import { z } from 'zod'
import { atLeast, caller } from '../auth.ts'
import { readBody } from '../body.ts'
import type { Ctx, Deps, Env } from '../context.ts'
import { GraphqlError } from '../graphql/error.ts'
import { draftInput, setDraft } from '../graphql/drafts.ts'
import { deleteInput, remove, transfer, transferInput } from '../graphql/issues.ts'
import { GraphqlSyntaxError, parse, type Operation, type Selected } from '../graphql/parse.ts'
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

type Shape = { readonly [name: string]: true | Shape }
const REPOSITORY: Shape = { id: true, nameWithOwner: true }
const ISSUE: Shape = {
  id: true,
  databaseId: true,
  number: true,
  title: true,
  url: true,
  repository: REPOSITORY,
}

const PULL: Shape = { id: true, number: true, isDraft: true }

/** What may be asked of each field. */
const KNOWN: Record<string, { kind: Operation['kind']; shape: Shape }> = {
  repository: { kind: 'query', shape: REPOSITORY },
  updateRefs: { kind: 'mutation', shape: { clientMutationId: true } },
  transferIssue: { kind: 'mutation', shape: { clientMutationId: true, issue: ISSUE } },
  markPullRequestReadyForReview: {
    kind: 'mutation',
    shape: { clientMutationId: true, pullRequest: PULL },
  },
  convertPullRequestToDraft: {
    kind: 'mutation',
    shape: { clientMutationId: true, pullRequest: PULL },
  },
  deleteIssue: { kind: 'mutation', shape: { clientMutationId: true, repository: REPOSITORY } },
}

function checkSelection(path: string, shape: Shape, selection: readonly Selected[]): void {
  const names = Object.keys(shape).join(', ')
  for (const { name, fields } of selection) {
    const part = Object.hasOwn(shape, name) ? shape[name] : undefined
    if (part === undefined || (part === true && fields.length > 0))
      throw new GraphqlSyntaxError(
        `The forge answers ${path} with ${names} only, not with '${name}'.`,
      )
    if (part !== true) checkSelection(`${path}.${name}`, part, fields)
  }
  if (selection.length === 0)
    throw new GraphqlSyntaxError(`Field '${path}' must have a selection of: ${names}.`)
}

function checkOperation({ kind, field, selection }: Operation): void {
  const known = Object.hasOwn(KNOWN, field) ? KNOWN[field] : undefined
  const root = kind === 'query' ? 'Query' : 'Mutation'
  if (known?.kind !== kind)
    throw new GraphqlSyntaxError(
      `Field '${field}' doesn't exist on type '${root}' of the forge, which knows ${Object.keys(KNOWN).join(', ')}.`,
    )
  checkSelection(field, known.shape, selection)
}

/** `at`: one argument; without it all of them. */
function argsOf<S extends z.ZodType>(
  schema: S,
  { field, args }: Operation,
  at?: 'input',
): z.infer<S> {
  const parsed = schema.safeParse(at === undefined ? args : args[at])
  const other = at === undefined ? undefined : Object.keys(args).find((name) => name !== at)
  if (parsed.success && other === undefined) return parsed.data
  const issue = parsed.error?.issues[0]
  const path = [...(at === undefined ? [] : [at]), ...(issue?.path ?? [])].join('.')
  throw new GraphqlSyntaxError(
    `Argument ${other ?? (path || 'list')} on Field '${field}' is invalid: ${issue?.message ?? 'unknown'}`,
  )
}

/** Of an answer, what was asked for. */
function pick(answer: Record<string, unknown>, selection: readonly Selected[]): unknown {
  return Object.fromEntries(
    selection.map(({ name, fields }) => [
      name,
      fields.length === 0
        ? (answer[name] ?? null)
        : pick(answer[name] as Record<string, unknown>, fields),
    ]),
  )
}

export function graphqlRoutes(api: Hono<Env>, deps: Deps): void {
  const { store } = deps

  function repository(operation: Operation, user: UserRow) {
    const { owner, name } = argsOf(repositoryArgs, operation)
    const repo = store.repos.byName(owner, name)
    if (repo === undefined || !atLeast(store.users.roleIn(user, repo), 'read'))
      throw new GraphqlError(
        'NOT_FOUND',
        `Could not resolve to a Repository with the name '${owner}/${name}'.`,
      )
    return { id: nodeId('Repository', repo.id), nameWithOwner: `${repo.owner}/${repo.name}` }
  }

  async function answer(operation: Operation, user: UserRow): Promise<Record<string, unknown>> {
    if (operation.field === 'repository') return repository(operation, user)
    if (operation.field === 'transferIssue') {
      const input = argsOf(transferInput, operation, 'input')
      return { clientMutationId: input.clientMutationId, issue: transfer(deps, user, input) }
    }
    if (operation.field === 'deleteIssue') {
      const input = argsOf(deleteInput, operation, 'input')
      return { clientMutationId: input.clientMutationId, repository: remove(deps, user, input) }
    }
    const { field } = operation
    if (field === 'markPullRequestReadyForReview' || field === 'convertPullRequestToDraft') {
      const input = argsOf(draftInput, operation, 'input')
      const pullRequest = setDraft(deps, user, input, field === 'convertPullRequestToDraft')
      return { clientMutationId: input.clientMutationId, pullRequest }
    }
    const input = argsOf(updateRefsInput, operation, 'input')
    await updateRefs(deps, user, input)
    return { clientMutationId: input.clientMutationId }
  }

  const handle = async (c: Ctx) => {
    const user = caller(c)
    const body = await readBody(c, 'Query', request)
    let field = ''
    try {
      const operation = parse(body.query, body.variables ?? {})
      checkOperation(operation)
      field = operation.field
      const data = pick(await answer(operation, user), operation.selection)
      return c.json({ data: { [field]: data } })
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
