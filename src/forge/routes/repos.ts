/** A repository, its branches and its commits. */
import type { Hono } from 'hono'
import { z } from 'zod'
import { ApiError, invalid } from '../api-error.ts'
import { access, caller } from '../auth.ts'
import { readBody } from '../body.ts'
import type { Ctx, Deps, Env } from '../context.ts'
import { cut, pageOf } from '../paging.ts'
import { ForgeError } from '../errors.ts'
import { commit, diffEntry } from '../shapes/git.ts'
import { fullRepository } from '../shapes/repo.ts'
import { pathOf } from '../shapes/urls.ts'
import type { ForgeRepository } from '../types.ts'
import { R, commitOf, notEmpty, param } from './common.ts'

const newRepo = z.object({
  name: z.string().min(1).max(100),
  description: z.string().max(350).nullish(),
  private: z.boolean().default(false),
})

type Create = (init: ForgeRepository) => Promise<void>

export function repoRoutes(api: Hono<Env>, deps: Deps, create: Create): void {
  const { store, urls, git } = deps

  api.get(R, (c) => {
    const { repo, role } = access(deps, c, 'read')
    return c.json(fullRepository(deps, repo, role))
  })

  api.post('/user/repos', async (c) => {
    const user = caller(c)
    const body = await readBody(c, 'Repository', newRepo)
    const exists = invalid({
      resource: 'Repository',
      code: 'custom',
      field: 'name',
      message: 'name already exists on this account',
    })
    if (store.repos.byName(user.login, body.name) !== undefined) throw exists
    const { name, description, private: hidden } = body
    try {
      await create({
        owner: user.login,
        name,
        private: hidden,
        ...(description ? { description } : {}),
      })
    } catch (error) {
      if (error instanceof ForgeError && error.code === 'FORGE_REPOSITORY_INVALID')
        throw invalid({ resource: 'Repository', code: 'invalid', field: 'name' })
      throw error
    }
    const repo = store.repos.byName(user.login, name)
    if (repo === undefined) throw new ApiError(500, 'Server Error')
    return c.json(fullRepository(deps, repo, 'admin'), 201)
  })

  api.get(`${R}/branches`, async (c) => {
    const { repo } = access(deps, c, 'read')
    const refs = await git.refs.list(deps.dirOf(repo), 'refs/heads/')
    return c.json(
      cut(c, urls, refs).map(({ ref, sha }) => ({
        name: ref.slice('refs/heads/'.length),
        commit: { sha, url: `${urls.repo(repo)}/commits/${sha}` },
        protected: false,
      })),
    )
  })

  api.get(`${R}/branches/:branch{.+}`, async (c) => {
    const { repo } = access(deps, c, 'read')
    const name = param(c, 'branch')
    const dir = deps.dirOf(repo)
    const ref = await git.refs.get(dir, `refs/heads/${name}`)
    const tip = ref === undefined ? undefined : await git.commits.one(dir, ref.sha)
    if (tip === undefined) throw new ApiError(404, 'Branch not found')
    const self = `${urls.repo(repo)}/branches/${pathOf(name)}`
    return c.json({
      name,
      commit: commit(deps, repo, tip),
      _links: { self, html: `${urls.page(repo)}/tree/${pathOf(name)}` },
      protected: false,
      protection: {
        enabled: false,
        required_status_checks: { enforcement_level: 'off', contexts: [], checks: [] },
      },
      protection_url: `${self}/protection`,
    })
  })

  api.get(`${R}/commits`, async (c) => {
    const { repo } = access(deps, c, 'read')
    await notEmpty(deps, repo)
    const { limit, offset } = pageOf(c)
    const from = await commitOf(deps, repo, c.req.query('sha') || repo.default_branch)
    const option = (query: string, flag: string) => {
      const value = c.req.query(query)
      return value === undefined || value === '' ? [] : [`--${flag}=${value}`]
    }
    const path = c.req.query('path')
    const args = [
      ...option('since', 'since'),
      ...option('until', 'until'),
      ...option('author', 'author'),
      from,
    ]
    const list = await git.commits.log(deps.dirOf(repo), args, {
      limit,
      skip: offset,
      ...(path === undefined || path === '' ? {} : { path }),
    })
    return c.json(list.map((each) => commit(deps, repo, each)))
  })

  const changes = async (c: Ctx) => {
    const { repo } = access(deps, c, 'read')
    const dir = deps.dirOf(repo)
    const found = await git.commits.one(dir, await commitOf(deps, repo, param(c, 'ref')))
    if (found === undefined) throw new ApiError(404, 'No commit found')
    const from = found.parents[0] ?? (await git.trees.write(dir, undefined, []))
    return { repo, dir, found, from }
  }

  api.get(`${R}/commits/:ref{.+}`, async (c) => {
    const { repo, dir, found, from } = await changes(c)
    if (/\bdiff\b/.test(c.req.header('accept') ?? ''))
      return c.text(await git.diffs.text(dir, from, found.sha))
    const files = (await git.diffs.files(dir, from, found.sha)).map((file) =>
      diffEntry(urls, repo, file, found.sha),
    )
    const sum = (of: 'additions' | 'deletions') => files.reduce((all, file) => all + file[of], 0)
    const stats = {
      additions: sum('additions'),
      deletions: sum('deletions'),
      total: sum('additions') + sum('deletions'),
    }
    return c.json({ ...commit(deps, repo, found), stats, files })
  })

  api.get(`${R}/compare/:basehead{.+}`, async (c) => {
    const { repo } = access(deps, c, 'read')
    const dir = deps.dirOf(repo)
    const [base = '', head = ''] = param(c, 'basehead').split('...')
    const plain = (name: string) =>
      name.replace(new RegExp(`^${RegExp.escape(repo.owner)}:`, 'i'), '')
    const [from, to] = await Promise.all([
      commitOf(deps, repo, plain(base)),
      commitOf(deps, repo, plain(head)),
    ])
    const start = await git.commits.mergeBase(dir, from, to)
    if (start === undefined)
      throw new ApiError(404, `No common ancestor between ${base} and ${head}.`)
    if (/\bdiff\b/.test(c.req.header('accept') ?? ''))
      return c.text(await git.diffs.text(dir, start, to))
    if (/\bpatch\b/.test(c.req.header('accept') ?? ''))
      return c.text(await git.diffs.mail(dir, start, to))
    const [ahead, behind, list, files, one, root] = await Promise.all([
      git.commits.count(dir, [`${from}..${to}`]),
      git.commits.count(dir, [`${to}..${from}`]),
      git.commits.log(dir, ['--reverse', `${from}..${to}`], { limit: 250 }),
      git.diffs.files(dir, start, to),
      git.commits.one(dir, from),
      git.commits.one(dir, start),
    ])
    if (one === undefined || root === undefined) throw new ApiError(404, 'Not Found')
    const page = `${urls.page(repo)}/compare/${pathOf(base)}...${pathOf(head)}`
    return c.json({
      url: `${urls.repo(repo)}/compare/${pathOf(base)}...${pathOf(head)}`,
      html_url: page,
      permalink_url: page,
      diff_url: `${page}.diff`,
      patch_url: `${page}.patch`,
      base_commit: commit(deps, repo, one),
      merge_base_commit: commit(deps, repo, root),
      status:
        ahead > 0 && behind > 0
          ? 'diverged'
          : ahead > 0
            ? 'ahead'
            : behind > 0
              ? 'behind'
              : 'identical',
      ahead_by: ahead,
      behind_by: behind,
      total_commits: ahead,
      commits: list.map((each) => commit(deps, repo, each)),
      files: files.map((file) => diffEntry(urls, repo, file, to)),
    })
  })
}
