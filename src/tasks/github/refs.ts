/**
 * Refs and claim records by REST and GraphQL: thin calls with decoded answers. None of them decides a
 * claim: an error says nothing about what was applied.
 *
 * A ref is looked up among the matching ones, not by its name: GitHub answers 404 for an absent ref
 * and for a repository that the token cannot see, and the second must not look like the first.
 */
import { z } from 'zod'
import { asTasksError } from './errors.ts'
import { TasksError } from '../errors.ts'

/** One ref of an atomic update. Zeros: it must be absent before, or is deleted. */
export interface AtomicUpdate {
  /** Full ref name. */
  name: string
  beforeOid: string
  afterOid: string
  /** It need not build on what is there. Default false. */
  force?: boolean
}

export interface NewCommit {
  message: string
  tree: string
  parents: string[]
  /** Author and committer. `date`: ISO 8601, whole seconds, UTC. */
  person: { name: string; email: string; date: string }
}

export interface RefsApi {
  /**
   * OID by full name of all refs whose name begins so; `prefix` begins with `refs/`. One call for 100
   * refs. Errors: `GITHUB_ANSWER` for more than 20,000, since a cut list would show refs as absent.
   */
  list(prefix: string, signal: AbortSignal): Promise<Map<string, string>>
  /** Returns the OID that GitHub gave it. */
  createCommit(commit: NewCommit, signal: AbortSignal): Promise<string>
  /** Errors: `GITHUB_REFUSED` (422) when the ref exists. */
  create(ref: string, oid: string, signal: AbortSignal): Promise<void>
  /** Fast-forward only. Errors: `GITHUB_REFUSED` (422) when it is none, or the ref is absent. */
  forward(ref: string, oid: string, signal: AbortSignal): Promise<void>
  /** Unconditional; a ref that is gone already is no error. */
  remove(ref: string, signal: AbortSignal): Promise<void>
  /** GraphQL `updateRefs`: all or nothing. Errors: `UPDATE_REFS_MISSING`. */
  updateAll(updates: AtomicUpdate[], signal: AbortSignal): Promise<void>
}

/** One REST call with a deadline, coded errors and a decoded answer. */
type Call = <S extends z.ZodType>(
  route: string,
  parameters: Record<string, unknown>,
  schema: S,
  signal: AbortSignal,
) => Promise<{ data: z.infer<S>; headers: Record<string, unknown> }>

export interface RefsApiComponents {
  call: Call
  /** Throws what octokit throws. */
  graphql: (
    query: string,
    variables: Record<string, unknown>,
    signal: AbortSignal,
  ) => Promise<unknown>
}

const perPage = 100
const maxPages = 200

const oid = z.string().regex(/^([0-9a-f]{40}|[0-9a-f]{64})$/)
const refsSchema = z.array(z.object({ ref: z.string().max(1_024), object: z.object({ sha: oid }) }))
const commitSchema = z.object({ sha: oid })
const nodeSchema = z.object({ node_id: z.string().max(256) })
const failureSchema = z.object({
  errors: z
    .array(z.object({ message: z.string(), type: z.string().nullish() }))
    .min(1)
    .max(100),
})
const answerSchema = z.object({ updateRefs: z.object({}) })

const updateRefs = `mutation ($input: UpdateRefsInput!) {
  updateRefs(input: $input) { clientMutationId }
}`

export function createRefsApi(
  at: { owner: string; repo: string },
  { call, graphql }: RefsApiComponents,
): RefsApi {
  const git = '/repos/{owner}/{repo}/git'
  let nodeId: string | undefined
  const nodeOf = async (signal: AbortSignal) =>
    (nodeId ??= (await call('GET /repos/{owner}/{repo}', at, nodeSchema, signal)).data.node_id)
  return {
    async list(prefix, signal) {
      const found = new Map<string, string>()
      for (let page = 1; page <= maxPages; page += 1) {
        const { data, headers } = await call(
          `GET ${git}/matching-refs/{ref}`,
          { ...at, ref: short(prefix), per_page: perPage, page },
          refsSchema,
          signal,
        )
        for (const { ref, object } of data) if (ref.startsWith(prefix)) found.set(ref, object.sha)
        if (!String(headers['link'] ?? '').includes('rel="next"')) return found
      }
      throw new TasksError('GITHUB_ANSWER', `There are too many refs below ${prefix}.`, {
        data: { prefix, max: perPage * maxPages },
        next: 'Delete the claim refs of closed issues, or set github.claims.transport to git.',
      })
    },
    async createCommit({ message, tree, parents, person }, signal) {
      const body = { message, tree, parents, author: person, committer: person }
      return (await call(`POST ${git}/commits`, { ...at, ...body }, commitSchema, signal)).data.sha
    },
    async create(ref, sha, signal) {
      await call(`POST ${git}/refs`, { ...at, ref, sha }, z.unknown(), signal)
    },
    async forward(ref, sha, signal) {
      const body = { ref: short(ref), sha, force: false }
      await call(`PATCH ${git}/refs/{ref}`, { ...at, ...body }, z.unknown(), signal)
    },
    async remove(ref, signal) {
      const parameters = { ...at, ref: short(ref) }
      await call(`DELETE ${git}/refs/{ref}`, parameters, z.unknown(), signal).catch(
        (error: unknown) => {
          const status = error instanceof TasksError ? error.data['status'] : undefined
          if (status !== 404 && status !== 422) throw error
        },
      )
    },
    async updateAll(updates, signal) {
      const refUpdates = updates.map((update) => ({ ...update, force: update.force ?? false }))
      const input = { repositoryId: await nodeOf(signal), refUpdates }
      const answer = await graphql(updateRefs, { input }, signal).catch((error: unknown) => {
        throw asUpdateError(error, at)
      })
      if (!answerSchema.safeParse(answer).success)
        throw new TasksError('GITHUB_ANSWER', 'updateRefs answered in an unknown form.')
    },
  }
}

/** As the routes have it: without `refs/`. */
const short = (ref: string) => ref.slice('refs/'.length)

function asUpdateError(error: unknown, at: { owner: string; repo: string }): Error {
  const said = failureSchema.safeParse(error).data?.errors
  const coded = said === undefined ? asTasksError(error, 'POST /graphql', at) : undefined
  const missing =
    said?.some(({ message, type }) => type === 'undefinedField' || unknown.test(message)) ??
    (coded instanceof TasksError && coded.code === 'GITHUB_NOT_FOUND')
  if (missing) {
    return new TasksError('UPDATE_REFS_MISSING', 'This GitHub has no GraphQL updateRefs.', {
      data: { repo: `${at.owner}/${at.repo}` },
      next: 'Set github.claims.transport to git.',
    })
  }
  if (coded !== undefined) return coded
  const details = (said ?? [])
    .map(({ message }) => message)
    .join('; ')
    .slice(0, 500)
  const limited = said?.some(({ type }) => type === 'RATE_LIMITED') === true
  return new TasksError(
    limited ? 'GITHUB_RATE_LIMITED' : 'GITHUB_REFUSED',
    `GitHub refused updateRefs (${details}).`,
    {
      data: { repo: `${at.owner}/${at.repo}`, details },
      next: limited ? 'Wait for the reset, or use a token of its own.' : 'See the details.',
    },
  )
}

/** How servers say that their schema has no such mutation or input. */
const unknown =
  /\b(updateRefs|UpdateRefsInput)\b['"]? (doesn't exist on type|isn't a defined)|cannot query field ['"]updateRefs\b|unknown type ['"]UpdateRefsInput\b/i
