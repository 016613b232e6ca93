/** Git objects, read and written one by one. */
import type { Hono } from 'hono'
import { z } from 'zod'
import { person as personOf } from '../acts/pull-acts.ts'
import { invalid, notFound, unprocessable } from '../api-error.ts'
import { access, caller } from '../auth.ts'
import { readBody, sha } from '../body.ts'
import type { Ctx, Deps, Env } from '../context.ts'
import { instant, type Person } from '../git/commits.ts'
import type { TreeChange } from '../git/trees.ts'
import { gitCommit, treeItem } from '../shapes/git.ts'
import { nodeId } from '../shapes/urls.ts'
import type { RepoRow, UserRow } from '../store/rows.ts'
import { R, notEmpty, param } from './common.ts'

export const personBody = z.object({
  name: z.string().min(1).max(255),
  email: z.string().min(1).max(255),
  date: z.string().optional(),
})
const newCommit = z.object({
  message: z.string(),
  tree: sha,
  parents: z.array(sha).max(32).default([]),
  author: personBody.optional(),
  committer: personBody.optional(),
  signature: z.string().max(20_000).nullish(),
})
const MODES = ['100644', '100755', '040000', '160000', '120000'] as const
const newTree = z.object({
  base_tree: sha.nullish(),
  tree: z
    .array(
      z.object({
        path: z.string().min(1).max(4_096),
        mode: z.enum(MODES).default('100644'),
        type: z.enum(['blob', 'tree', 'commit']).optional(),
        sha: sha.nullish(),
        content: z.string().optional(),
      }),
    )
    .max(1_000),
})
const newBlob = z.object({
  content: z.string(),
  encoding: z.enum(['utf-8', 'base64']).default('utf-8'),
})
const newTag = z.object({
  tag: z.string().min(1).max(255),
  message: z.string(),
  object: sha,
  type: z.enum(['commit', 'tree', 'blob']),
  tagger: personBody.optional(),
})
const WORDS = { blob: 'Blob SHA', tree: 'Tree SHA', commit: 'Parent SHA' }
/** Entries of one tree answer; more are cut with `truncated`. */
const ENTRIES = 100_000

/** A path inside a repository: no way out, nothing that git keeps for itself. */
export const safePath = (path: string): boolean =>
  path
    .split('/')
    .every(
      (part) => part !== '' && part !== '.' && part !== '..' && part.toLowerCase() !== '.git',
    ) && !path.includes('\0')

/** Errors: 422 when the date is none. */
export function personFrom(
  deps: Deps,
  user: UserRow,
  body: z.infer<typeof personBody> | undefined,
): Person {
  const own = personOf(deps, user)
  if (body === undefined) return own
  const at = body.date === undefined ? new Date(own.date) : new Date(body.date)
  if (Number.isNaN(at.getTime()))
    throw invalid({ resource: 'Commit', field: 'date', code: 'invalid' })
  return { name: body.name, email: body.email, date: instant(at.getTime()) }
}

export function gitDataRoutes(api: Hono<Env>, deps: Deps): void {
  const { git, urls } = deps

  const oid = (c: Ctx, name: string) => {
    const value = param(c, name)
    if (!/^[0-9a-f]{40}$/.test(value)) throw notFound()
    return value
  }
  /** Errors: 422 when an object is missing or of another type. */
  async function typed(
    repo: RepoRow,
    objects: readonly string[],
    type: 'blob' | 'tree' | 'commit',
  ) {
    if (objects.length === 0) return
    const types = await git.refs.typesOf(deps.dirOf(repo), objects)
    const bad = objects.find((_, at) => types[at] !== type)
    if (bad !== undefined)
      throw unprocessable(`${WORDS[type]} ${bad} does not exist or is not a ${type} object`)
  }

  api.get(`${R}/git/commits/:commit_sha`, async (c) => {
    const { repo } = access(deps, c, 'read')
    const object = oid(c, 'commit_sha')
    if ((await git.refs.typeOf(deps.dirOf(repo), object)) !== 'commit') throw notFound()
    const found = await git.commits.one(deps.dirOf(repo), object)
    if (found === undefined) throw notFound()
    return c.json(gitCommit(deps, repo, found))
  })

  api.post(`${R}/git/commits`, async (c) => {
    const { repo } = access(deps, c, 'push')
    const body = await readBody(c, 'Commit', newCommit)
    await notEmpty(deps, repo)
    await typed(repo, [body.tree], 'tree')
    await typed(repo, body.parents, 'commit')
    const author = personFrom(deps, caller(c), body.author)
    const committer =
      body.committer === undefined && body.author !== undefined
        ? author
        : personFrom(deps, caller(c), body.committer)
    const dir = deps.dirOf(repo)
    const made = await git.commits.write(dir, {
      message: body.message,
      tree: body.tree,
      parents: body.parents,
      author,
      committer,
      ...(body.signature ? { signature: body.signature } : {}),
    })
    const found = await git.commits.one(dir, made)
    if (found === undefined) throw unprocessable('Commit could not be written')
    const shape = gitCommit(deps, repo, found)
    c.header('location', shape.url)
    return c.json(shape, 201)
  })

  const showTree = async (
    c: Ctx,
    repo: RepoRow,
    tree: string,
    recursive: boolean,
    status: 200 | 201,
  ) => {
    const entries = await git.trees.list(deps.dirOf(repo), tree, { recursive })
    if (entries === undefined) throw notFound()
    return c.json(
      {
        sha: tree,
        url: `${urls.repo(repo)}/git/trees/${tree}`,
        tree: entries.slice(0, ENTRIES).map((entry) => treeItem(urls, repo, entry)),
        truncated: entries.length > ENTRIES,
      },
      status,
    )
  }

  api.get(`${R}/git/trees/:tree_sha{.+}`, async (c) => {
    const { repo } = access(deps, c, 'read')
    const name = param(c, 'tree_sha')
    const start = (await git.refs.commitOf(deps.dirOf(repo), name)) ?? oid(c, 'tree_sha')
    const root = await git.trees.at(deps.dirOf(repo), start, '')
    if (root === undefined) {
      await notEmpty(deps, repo)
      throw notFound()
    }
    return showTree(c, repo, root.sha, c.req.query('recursive') !== undefined, 200)
  })

  api.post(`${R}/git/trees`, async (c) => {
    const { repo } = access(deps, c, 'push')
    const body = await readBody(c, 'Tree', newTree)
    await notEmpty(deps, repo)
    if (body.base_tree) {
      const root = await git.trees.at(deps.dirOf(repo), body.base_tree, '')
      if (root === undefined) throw unprocessable('base_tree is not a valid tree oid')
    } else if (body.tree.length === 0) throw unprocessable('Invalid tree info')
    const changes: TreeChange[] = []
    for (const { path, mode, sha: object, content } of body.tree) {
      if (!safePath(path)) throw unprocessable('tree.path contains a malformed path component')
      if (content !== undefined) {
        const blob = await git.trees.writeBlob(deps.dirOf(repo), content)
        changes.push({ path, mode, sha: blob })
        continue
      }
      if (object === undefined) throw unprocessable('Must supply either tree.sha or tree.content')
      if (object !== null && mode !== '160000')
        await typed(repo, [object], mode === '040000' ? 'tree' : 'blob')
      changes.push({ path, mode, sha: object })
    }
    const tree = await git.trees.write(deps.dirOf(repo), body.base_tree ?? undefined, changes)
    return showTree(c, repo, tree, false, 201)
  })

  api.get(`${R}/git/blobs/:file_sha`, async (c) => {
    const { repo } = access(deps, c, 'read')
    const object = oid(c, 'file_sha')
    if ((await git.refs.typeOf(deps.dirOf(repo), object)) !== 'blob') throw notFound()
    const bytes = await git.trees.blob(deps.dirOf(repo), object)
    return c.json({
      sha: object,
      node_id: nodeId('Blob', object),
      size: bytes.length,
      url: `${urls.repo(repo)}/git/blobs/${object}`,
      content: bytes.toString('base64'),
      encoding: 'base64',
    })
  })

  api.post(`${R}/git/blobs`, async (c) => {
    const { repo } = access(deps, c, 'push')
    const { content, encoding } = await readBody(c, 'Blob', newBlob)
    await notEmpty(deps, repo)
    const bytes = Buffer.from(content, encoding === 'base64' ? 'base64' : 'utf8')
    const made = await git.trees.writeBlob(deps.dirOf(repo), bytes)
    const url = `${urls.repo(repo)}/git/blobs/${made}`
    c.header('location', url)
    return c.json({ url, sha: made }, 201)
  })

  api.post(`${R}/git/tags`, async (c) => {
    const { repo } = access(deps, c, 'push')
    const body = await readBody(c, 'Tag', newTag)
    await typed(repo, [body.object], body.type)
    const tagger = personFrom(deps, caller(c), body.tagger)
    const { tag, message, object, type } = body
    const made = await git.commits.writeTag(deps.dirOf(repo), {
      tag,
      message,
      object,
      type,
      tagger,
    })
    const at = `${urls.repo(repo)}/git`
    return c.json(
      {
        node_id: nodeId('Tag', made),
        tag,
        sha: made,
        url: `${at}/tags/${made}`,
        message,
        tagger,
        object: { type, sha: object, url: `${at}/${type}s/${object}` },
        verification: {
          verified: false,
          reason: 'unsigned',
          signature: null,
          payload: null,
          verified_at: null,
        },
      },
      201,
    )
  })
}
