/**
 * One GraphQL request: read, judged by the schema, paid for, executed. What is wrong with it is said
 * in GitHub's form: 200 with `errors`, without `data` when nothing was executed.
 */
import {
  execute,
  getOperationAST,
  GraphQLError as Fault,
  OperationTypeNode,
  parse,
  validate,
  type DocumentNode,
  type GraphQLSchema,
} from 'graphql'
import type { z } from 'zod'
import { atLeast } from '../auth.ts'
import { costOf } from './cost.ts'
import { GraphqlError } from './error.ts'
import { draftInput, setDraft } from './drafts.ts'
import { deleteInput, remove, transfer, transferInput } from './issues.ts'
import { repositoryNode, type Viewer } from './nodes.ts'
import { updateRefs, updateRefsInput } from './update-refs.ts'

/** Words and signs of a document: deeper nesting than this allows for is not read. */
const MOST_TOKENS = 5_000

export interface Query {
  query: string
  variables?: Record<string, unknown> | null | undefined
  operationName?: string | null | undefined
}

export interface Result {
  /** Whether it only read. */
  isRead: boolean
  body: { data?: unknown; errors?: readonly object[] }
}

const failed = (...errors: object[]): Result => ({ isRead: false, body: { errors } })

/** `pay`: takes points; false when that many are not left. */
export async function runQuery(
  schema: GraphQLSchema,
  viewer: Viewer,
  { query, variables, operationName }: Query,
  pay: (points: number) => boolean,
): Promise<Result> {
  const document = read(query)
  if (document instanceof Fault) return failed({ message: document.message })
  const faults = validate(schema, document, undefined, { maxErrors: 20 })
  if (faults.length > 0) return failed(...faults.map(inGitHubsWords))
  const operation = getOperationAST(document, operationName)
  if (operation === null || operation === undefined)
    return failed({ message: 'An operation name is required, or none has that name.' })
  const points = costOf(document, variables ?? {})
  if (points === Infinity) return failed({ message: 'The selection is nested too deeply.' })
  if (!pay(points))
    return failed({
      type: 'RATE_LIMITED',
      message: `API rate limit exceeded for user ID ${viewer.user.id}.`,
    })
  const { data, errors } = await execute({
    schema,
    document,
    rootValue: root(viewer),
    variableValues: variables ?? {},
    operationName: operationName ?? null,
  })
  const body = {
    ...(data === undefined ? {} : { data }),
    ...(errors === undefined ? {} : { errors: errors.map(shown) }),
  }
  return { isRead: operation.operation === OperationTypeNode.QUERY && errors === undefined, body }
}

function read(query: string): DocumentNode | Fault {
  try {
    return parse(query, { maxTokens: MOST_TOKENS, noLocation: false })
  } catch (error) {
    if (error instanceof Fault) return error
    if (error instanceof RangeError) return new Fault('The document is nested too deeply.')
    throw error
  }
}

/** An unknown field has a code by which clients tell what a server lacks. */
function inGitHubsWords({ message, locations }: Fault): object {
  const [, field, type] = /^Cannot query field "(\w+)" on type "(\w+)"/.exec(message) ?? []
  if (field === undefined) return { message, locations }
  const extensions = { code: 'undefinedField', typeName: type, fieldName: field }
  return { extensions, locations, message: `Field '${field}' doesn't exist on type '${type}'` }
}

/** A fault that no handler foresaw is the server's own, and told as every other one. */
function shown({ originalError, message, path, locations }: Fault): object {
  if (originalError instanceof GraphqlError)
    return { type: originalError.type, path, locations, message }
  if (originalError !== undefined && !(originalError instanceof Fault)) throw originalError
  return { path, locations, message }
}

/** The two roots share an object: a document says which of them it means. */
function root(viewer: Viewer) {
  const { deps, user } = viewer
  const drafted = (raw: object, draft: boolean) => {
    const input = inputOf(draftInput, raw)
    const pullRequest = setDraft(deps, user, input, draft)
    return { clientMutationId: input.clientMutationId, pullRequest }
  }
  return {
    repository({ owner, name }: { owner: string; name: string }) {
      const repo = deps.store.repos.byName(owner, name)
      if (repo === undefined || !atLeast(deps.store.users.roleIn(user, repo), 'read'))
        throw new GraphqlError(
          'NOT_FOUND',
          `Could not resolve to a Repository with the name '${owner}/${name}'.`,
        )
      return repositoryNode(viewer, repo)
    },
    async updateRefs({ input: raw }: { input: object }) {
      const input = inputOf(updateRefsInput, raw)
      await updateRefs(deps, user, input)
      return { clientMutationId: input.clientMutationId }
    },
    transferIssue({ input: raw }: { input: object }) {
      const input = inputOf(transferInput, raw)
      return { clientMutationId: input.clientMutationId, issue: transfer(viewer, input) }
    },
    deleteIssue({ input: raw }: { input: object }) {
      const input = inputOf(deleteInput, raw)
      return { clientMutationId: input.clientMutationId, repository: remove(viewer, input) }
    },
    markPullRequestReadyForReview: ({ input }: { input: object }) => drafted(input, false),
    convertPullRequestToDraft: ({ input }: { input: object }) => drafted(input, true),
  }
}

/** What the schema's types leave open: lengths, forms. Errors: UNPROCESSABLE. */
function inputOf<S extends z.ZodType>(schema: S, input: object): z.infer<S> {
  const parsed = schema.safeParse({ ...input })
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  const path = ['input', ...(issue?.path ?? [])].join('.')
  throw new GraphqlError(
    'UNPROCESSABLE',
    `Argument ${path} is invalid: ${issue?.message ?? 'unknown'}`,
  )
}
