/** Refs: create-only, fast-forward-only or forced moves, and removal, each one compare-and-swap. */
import type { Hono } from 'hono'
import { z } from 'zod'
import { afterPush } from '../acts/pull-acts.ts'
import { guardTips } from '../acts/workflow-acts.ts'
import { notFound, unprocessable } from '../api-error.ts'
import { access } from '../auth.ts'
import { readBody, sha } from '../body.ts'
import type { Deps, Env } from '../context.ts'
import { ZERO, wellFormed, type Ref } from '../git/refs.ts'
import { cut } from '../paging.ts'
import { gitRef } from '../shapes/git.ts'
import type { RepoRow } from '../store/rows.ts'
import { R, notEmpty, param } from './common.ts'

const create = z.object({ ref: z.string().min(1), sha })
const move = z.object({ sha, force: z.boolean().default(false) })
/** Moves that a busy ref may cost before the caller is told to come back. */
const TRIES = 20

export function refRoutes(api: Hono<Env>, deps: Deps): void {
  const { urls, git } = deps

  async function typeOf(repo: RepoRow, oid: string): Promise<string> {
    const type = await git.refs.typeOf(deps.dirOf(repo), oid)
    if (type === undefined) throw unprocessable('Object does not exist')
    return type
  }

  function writable(ref: string): void {
    if (!wellFormed(ref))
      throw unprocessable(
        'Reference name must start with "refs/", contain at least two slashes and be well-formed.',
      )
    if (ref.startsWith('refs/pull/')) throw unprocessable('refs/pull belongs to the server.')
  }

  api.get(`${R}/git/ref/:ref{.+}`, async (c) => {
    const { repo } = access(deps, c, 'read')
    const ref = await git.refs.get(deps.dirOf(repo), `refs/${param(c, 'ref')}`)
    if (ref !== undefined) return c.json(gitRef(urls, repo, ref))
    await notEmpty(deps, repo)
    throw notFound()
  })

  const matching = async (repo: RepoRow, prefix: string): Promise<Ref[]> => {
    const refs = await git.refs.list(deps.dirOf(repo), `refs/${prefix}`)
    if (refs.length === 0) await notEmpty(deps, repo)
    return refs
  }
  api.get(`${R}/git/matching-refs/:ref{.*}`, async (c) => {
    const { repo } = access(deps, c, 'read')
    const refs = await matching(repo, param(c, 'ref'))
    return c.json(cut(c, urls, refs).map((ref) => gitRef(urls, repo, ref)))
  })

  api.post(`${R}/git/refs`, async (c) => {
    const { repo } = access(deps, c, 'push')
    const body = await readBody(c, 'Reference', create)
    writable(body.ref)
    await notEmpty(deps, repo)
    const type = await typeOf(repo, body.sha)
    await guardTips(deps, repo, c.get('user'), [body.sha])
    const result = await git.refs.swap(deps.dirOf(repo), body.ref, body.sha, ZERO)
    if (!result.done)
      throw unprocessable(
        result.sha === ZERO ? 'Reference could not be created' : 'Reference already exists',
      )
    await afterPush(deps, repo, c.get('user'))
    const shape = gitRef(urls, repo, { ref: body.ref, sha: body.sha, type })
    c.header('location', shape.url)
    return c.json(shape, 201)
  })

  api.patch(`${R}/git/refs/:ref{.+}`, async (c) => {
    const { repo } = access(deps, c, 'push')
    const name = `refs/${param(c, 'ref')}`
    const body = await readBody(c, 'Reference', move)
    writable(name)
    const type = await typeOf(repo, body.sha)
    await guardTips(deps, repo, c.get('user'), [body.sha])
    const dir = deps.dirOf(repo)
    for (let attempt = 0; attempt < TRIES; attempt += 1) {
      const now = await git.refs.get(dir, name)
      if (now === undefined) throw unprocessable('Reference does not exist')
      if (!body.force && !(await git.refs.isAncestor(dir, now.sha, body.sha)))
        throw unprocessable('Update is not a fast forward')
      if (!(await git.refs.swap(dir, name, body.sha, now.sha)).done) continue
      await afterPush(deps, repo, c.get('user'))
      return c.json(gitRef(urls, repo, { ref: name, sha: body.sha, type }))
    }
    throw unprocessable('Reference cannot be updated')
  })

  api.delete(`${R}/git/refs/:ref{.+}`, async (c) => {
    const { repo } = access(deps, c, 'push')
    const name = `refs/${param(c, 'ref')}`
    writable(name)
    if (name === `refs/heads/${repo.default_branch}`)
      throw unprocessable('Cannot delete the default branch')
    const dir = deps.dirOf(repo)
    for (let attempt = 0; attempt < TRIES; attempt += 1) {
      const now = await git.refs.get(dir, name)
      if (now === undefined) throw unprocessable('Reference does not exist')
      if (!(await git.refs.swap(dir, name, ZERO, now.sha)).done) continue
      await afterPush(deps, repo, c.get('user'))
      return c.body(null, 204)
    }
    throw unprocessable('Reference cannot be deleted')
  })
}
