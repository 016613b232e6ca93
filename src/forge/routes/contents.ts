/** Files by path: read, write with one commit, remove with one commit; the README. */
import type { Hono } from 'hono'
import { z } from 'zod'
import { afterPush } from '../acts/pull-acts.ts'
import { guardPath } from '../acts/workflow-acts.ts'
import { ApiError, notFound, unprocessable } from '../api-error.ts'
import { access, caller } from '../auth.ts'
import { readBody, sha } from '../body.ts'
import type { Ctx, Deps, Env } from '../context.ts'
import { ZERO } from '../git/refs.ts'
import type { TreeEntry } from '../git/trees.ts'
import { gitCommit } from '../shapes/git.ts'
import { pathOf } from '../shapes/urls.ts'
import type { RepoRow } from '../store/rows.ts'
import { R, param } from './common.ts'
import { personBody, personFrom, safePath } from './git-data.ts'

const write = z.object({
  message: z.string().min(1),
  content: z.string(),
  sha: sha.optional(),
  branch: z.string().max(255).optional(),
  author: personBody.optional(),
  committer: personBody.optional(),
})
const remove = write.omit({ content: true }).extend({ sha })
const README = /^readme(\.(md|markdown|txt|rst))?$/i

export function contentRoutes(api: Hono<Env>, deps: Deps): void {
  const { git, urls } = deps

  function describe(repo: RepoRow, ref: string, entry: TreeEntry, path: string) {
    const name = path.split('/').at(-1) ?? ''
    const kind =
      entry.type === 'tree'
        ? 'dir'
        : entry.mode === '120000'
          ? 'symlink'
          : entry.type === 'commit'
            ? 'submodule'
            : 'file'
    const self = `${urls.repo(repo)}/contents/${pathOf(path)}?ref=${encodeURIComponent(ref)}`
    const page = `${urls.page(repo)}/${kind === 'dir' ? 'tree' : 'blob'}/${pathOf(ref)}/${pathOf(path)}`
    const object = `${urls.repo(repo)}/git/${entry.type === 'tree' ? 'trees' : 'blobs'}/${entry.sha}`
    return {
      type: kind,
      size: entry.size ?? 0,
      name,
      path,
      sha: entry.sha,
      url: self,
      git_url: object,
      html_url: page,
      download_url:
        kind === 'file' ? `${urls.page(repo)}/raw/${pathOf(ref)}/${pathOf(path)}` : null,
      _links: { self, git: object, html: page },
    }
  }

  async function file(repo: RepoRow, ref: string, entry: TreeEntry, path: string) {
    const bytes = await git.trees.blob(deps.dirOf(repo), entry.sha)
    const shape = describe(repo, ref, entry, path)
    if (entry.mode === '120000') return { ...shape, target: bytes.toString('utf8') }
    const lines = bytes.toString('base64').replaceAll(/(.{60})/g, '$1\n')
    return {
      ...shape,
      encoding: 'base64',
      content: lines.endsWith('\n') || lines === '' ? lines : `${lines}\n`,
    }
  }

  const raw = (c: Ctx) => /\braw\b/.test(c.req.header('accept') ?? '')
  const bytesOf = async (c: Ctx, repo: RepoRow, entry: TreeEntry) =>
    c.body(new Uint8Array(await git.trees.blob(deps.dirOf(repo), entry.sha)), 200, {
      'content-type': 'application/vnd.github.raw',
    })

  /** The commit that `?ref=` names. Errors: 404, also for an empty repository. */
  async function start(c: Ctx, repo: RepoRow): Promise<{ ref: string; commit: string }> {
    const ref = c.req.query('ref') || repo.default_branch
    const commit = await git.refs.commitOf(deps.dirOf(repo), ref)
    if (commit !== undefined) return { ref, commit }
    const refs = await git.refs.list(deps.dirOf(repo), 'refs/heads/')
    throw new ApiError(
      404,
      refs.length === 0 ? 'This repository is empty.' : `No commit found for the ref ${ref}`,
    )
  }

  api.get(`${R}/readme`, async (c) => {
    const { repo } = access(deps, c, 'read')
    const { ref, commit } = await start(c, repo)
    const entries = (await git.trees.list(deps.dirOf(repo), commit)) ?? []
    const entry = entries.find(({ path, type }) => type === 'blob' && README.test(path))
    if (entry === undefined) throw notFound()
    return raw(c) ? bytesOf(c, repo, entry) : c.json(await file(repo, ref, entry, entry.path))
  })

  const read = async (c: Ctx) => {
    const { repo } = access(deps, c, 'read')
    const path = param(c, 'path').replace(/^\/+|\/+$/g, '')
    const { ref, commit } = await start(c, repo)
    const entry = await git.trees.at(deps.dirOf(repo), commit, path)
    if (entry === undefined || entry.type === 'commit') throw notFound()
    if (entry.type === 'blob')
      return raw(c) ? bytesOf(c, repo, entry) : c.json(await file(repo, ref, entry, path))
    const entries = (await git.trees.list(deps.dirOf(repo), entry.sha)) ?? []
    return c.json(
      entries.map((each) =>
        describe(repo, ref, each, path === '' ? each.path : `${path}/${each.path}`),
      ),
    )
  }
  api.get(`${R}/contents`, read)
  api.get(`${R}/contents/:path{.*}`, read)

  interface Change {
    path: string
    blob: string | null
    /** The blob that the caller saw. */
    seen: string | undefined
    body: Omit<z.infer<typeof write>, 'content'>
  }
  async function commitChange(c: Ctx, repo: RepoRow, change: Change) {
    const dir = deps.dirOf(repo)
    const branch = change.body.branch ?? repo.default_branch
    const ref = `refs/heads/${branch}`
    const now = await git.refs.get(dir, ref)
    const any = now !== undefined || (await git.refs.list(dir, 'refs/heads/')).length > 0
    if (now === undefined && any) throw new ApiError(404, `Branch ${branch} not found`)
    const entry = now === undefined ? undefined : await git.trees.at(dir, now.sha, change.path)
    if (entry?.type === 'tree') throw unprocessable(`${change.path} is a directory`)
    if (entry === undefined && change.blob === null) throw notFound()
    if (entry !== undefined && change.seen === undefined)
      throw unprocessable('Invalid request.\n\n"sha" wasn\'t supplied.')
    if (entry !== undefined && change.seen !== entry.sha)
      throw new ApiError(409, `${change.path} does not match ${change.seen}`)
    const tree = await git.trees.write(dir, now?.sha, [
      { path: change.path, mode: entry?.mode ?? '100644', sha: change.blob },
    ])
    const committer = personFrom(deps, caller(c), change.body.committer)
    const made = await git.commits.write(dir, {
      message: change.body.message,
      tree,
      parents: now === undefined ? [] : [now.sha],
      author:
        change.body.author === undefined
          ? committer
          : personFrom(deps, caller(c), change.body.author),
      committer,
    })
    if (!(await git.refs.swap(dir, ref, made, now?.sha ?? ZERO)).done)
      throw new ApiError(409, `is at another commit but expected ${now?.sha ?? ZERO}`)
    await afterPush(deps, repo, caller(c))
    const [commit, fresh] = await Promise.all([
      git.commits.one(dir, made),
      git.trees.at(dir, made, change.path),
    ])
    if (commit === undefined) throw notFound()
    return {
      content: fresh === undefined ? null : describe(repo, branch, fresh, change.path),
      commit: gitCommit(deps, repo, commit),
      existed: entry !== undefined,
    }
  }

  const target = (c: Ctx) => {
    const path = param(c, 'path')
    if (!safePath(path)) throw unprocessable('path contains a malformed path component')
    guardPath(c.get('user'), path)
    return path
  }

  api.put(`${R}/contents/:path{.+}`, async (c) => {
    const { repo } = access(deps, c, 'push')
    const body = await readBody(c, 'Content', write)
    const path = target(c)
    const blob = await git.trees.writeBlob(deps.dirOf(repo), Buffer.from(body.content, 'base64'))
    const { existed, ...shape } = await commitChange(c, repo, { path, blob, seen: body.sha, body })
    return c.json(shape, existed ? 200 : 201)
  })

  api.delete(`${R}/contents/:path{.+}`, async (c) => {
    const { repo } = access(deps, c, 'push')
    const body = await readBody(c, 'Content', remove)
    const { existed: _, ...shape } = await commitChange(c, repo, {
      path: target(c),
      blob: null,
      seen: body.sha,
      body,
    })
    return c.json(shape)
  })
}
