/** `updateRefs`: several refs in one transaction, each from a known value to another. */
import { z } from 'zod'
import { afterPush } from '../acts/pull-acts.ts'
import { guardTips } from '../acts/workflow-acts.ts'
import { ApiError } from '../api-error.ts'
import { atLeast } from '../auth.ts'
import type { Deps } from '../context.ts'
import { ZERO, wellFormed, type RefMove } from '../git/refs.ts'
import { grants, refusal } from '../permissions.ts'
import { nodeId } from '../shapes/urls.ts'
import type { RepoRow, UserRow } from '../store/rows.ts'
import { GraphqlError } from './error.ts'

/** Refs of one call. */
const MOST = 100
/** Moves that busy refs may cost before the caller is told to come back. */
const TRIES = 20

const oid = z.string().regex(/^[0-9a-f]{40}$/, 'is not a Git object ID')
export const updateRefsInput = z.strictObject({
  repositoryId: z.string().max(200),
  refUpdates: z
    .array(
      z.strictObject({
        name: z.string().max(1_000),
        afterOid: oid,
        beforeOid: oid.nullish(),
        force: z.boolean().nullish(),
      }),
    )
    .min(1)
    .max(MOST),
  clientMutationId: z.string().max(1_000).nullish(),
})
type Input = z.infer<typeof updateRefsInput>
type Update = Input['refUpdates'][number]

const refuse = (message: string) => new GraphqlError('UNPROCESSABLE', message)

function repoOf({ store }: Deps, id: string, user: UserRow): RepoRow {
  const repo = store.repos.all().find((each) => nodeId('Repository', each.id) === id)
  const role = repo === undefined ? 'none' : store.users.roleIn(user, repo)
  if (repo === undefined || !atLeast(role, 'read'))
    throw new GraphqlError('NOT_FOUND', `Could not resolve to a node with the global id of '${id}'`)
  if (!grants(user.grant, { name: 'contents', level: 'write' }))
    throw new GraphqlError('FORBIDDEN', refusal(user.grant))
  if (atLeast(role, 'push')) return repo
  throw new GraphqlError(
    'FORBIDDEN',
    `${user.login} does not have permission to update refs of ${repo.owner}/${repo.name}.`,
  )
}

function checkNames(repo: RepoRow, updates: readonly Update[]): void {
  const seen = new Set<string>()
  for (const { name, afterOid } of updates) {
    if (!wellFormed(name)) throw refuse(`${name} is not a fully qualified, well-formed ref name.`)
    if (name.startsWith('refs/pull/')) throw refuse('refs/pull belongs to the server.')
    if (afterOid === ZERO && name === `refs/heads/${repo.default_branch}`)
      throw refuse('Cannot delete the default branch')
    if (seen.has(name)) throw refuse(`${name} is named twice.`)
    seen.add(name)
  }
}

/** The move of one ref from what it holds now. Errors: UNPROCESSABLE. */
async function moveOf(deps: Deps, dir: string, update: Update): Promise<RefMove> {
  const { name: ref, afterOid: sha, beforeOid, force } = update
  const now = (await deps.git.refs.get(dir, ref))?.sha ?? ZERO
  if (typeof beforeOid === 'string' && beforeOid !== now)
    throw refuse(
      beforeOid === ZERO
        ? `A ref named "${ref}" already exists.`
        : `The ref "${ref}" does not point at ${beforeOid}.`,
    )
  if (sha === ZERO && now === ZERO) throw refuse(`The ref "${ref}" does not exist.`)
  const moves = sha !== ZERO && now !== ZERO && sha !== now
  if (moves && force !== true && !(await deps.git.refs.isAncestor(dir, now, sha)))
    throw refuse(`The update of "${ref}" is not a fast forward.`)
  return { ref, sha, old: now }
}

/** All refs or none. Errors: `GraphqlError`. */
export async function updateRefs(deps: Deps, user: UserRow, input: Input): Promise<void> {
  const repo = repoOf(deps, input.repositoryId, user)
  const dir = deps.dirOf(repo)
  checkNames(repo, input.refUpdates)
  const wanted = input.refUpdates.map(({ afterOid }) => afterOid).filter((sha) => sha !== ZERO)
  const types = wanted.length === 0 ? [] : await deps.git.refs.typesOf(dir, wanted)
  const missing = wanted.find((_, at) => types[at] === undefined)
  if (missing !== undefined) throw refuse(`The object ${missing} does not exist.`)
  await guardTips(deps, repo, user, wanted).catch((error: unknown) => {
    throw error instanceof ApiError ? new GraphqlError('FORBIDDEN', error.message) : error
  })
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const moves: RefMove[] = []
    for (const update of input.refUpdates) moves.push(await moveOf(deps, dir, update))
    const outcome = await deps.git.refs.swapAll(dir, moves)
    if (outcome === 'refused') break
    if (outcome === 'moved') continue
    await afterPush(deps, repo, user)
    return
  }
  throw refuse('The refs could not be updated.')
}
