/** What a GitHub App asks with its JWT, and what its installation may see with a token. */
import type { Hono } from 'hono'
import { z } from 'zod'
import type { InstalledApp, Installation } from '../apps/apps.ts'
import { ApiError, forbidden, notFound } from '../api-error.ts'
import { readBody } from '../body.ts'
import type { Ctx, Deps, Env } from '../context.ts'
import { cut, linkPages, pageOf } from '../paging.ts'
import { refusal } from '../permissions.ts'
import { installation, integration } from '../shapes/app.ts'
import { repository } from '../shapes/repo.ts'
import { R, idParam, param } from './common.ts'

const level = z.enum(['read', 'write'])
const wanted = z.object({
  repositories: z.array(z.string().max(100)).max(500).optional(),
  repository_ids: z.array(z.number().int()).max(500).optional(),
  permissions: z.record(z.string().max(100), level).optional(),
})

export function appRoutes(api: Hono<Env>, deps: Deps): void {
  const { store, urls } = deps

  const appOf = (c: Ctx): InstalledApp => {
    const app = c.get('app')
    if (app !== undefined) return app
    throw new ApiError(401, 'A JSON web token could not be decoded')
  }
  const ownInstallation = (c: Ctx): Installation => {
    const app = appOf(c)
    const found = deps.apps.byId(idParam(c, 'installation_id'))
    if (found === undefined || found.app.id !== app.id) throw notFound()
    return found
  }

  api.get('/app', (c) => {
    const app = appOf(c)
    return c.json(integration(deps, app, deps.apps.installations(app).length))
  })

  api.get('/app/installations', (c) => {
    const all = deps.apps.installations(appOf(c))
    return c.json(cut(c, urls, all).map((each) => installation(deps, each)))
  })

  api.get('/app/installations/:installation_id', (c) =>
    c.json(installation(deps, ownInstallation(c))),
  )

  api.get(`${R}/installation`, (c) => {
    const app = appOf(c)
    const repo = store.repos.byName(param(c, 'owner'), param(c, 'repo'))
    const found = repo === undefined ? undefined : deps.apps.on(app, repo)
    if (found === undefined) throw notFound()
    return c.json(installation(deps, found))
  })

  for (const kind of ['orgs', 'users'] as const) {
    api.get(`/${kind}/:account/installation`, (c) => {
      const account = param(c, 'account').toLowerCase()
      const found = deps.apps
        .installations(appOf(c))
        .find((each) => each.account.toLowerCase() === account)
      if (found === undefined) throw notFound()
      return c.json(installation(deps, found))
    })
  }

  api.post('/app/installations/:installation_id/access_tokens', async (c) => {
    const at = ownInstallation(c)
    const body = await readBody(c, 'InstallationToken', wanted)
    const { token, expiresAt, permissions, repositories } = deps.apps.issue(at, {
      ...(body.repositories === undefined ? {} : { names: body.repositories }),
      ...(body.repository_ids === undefined ? {} : { ids: body.repository_ids }),
      ...(body.permissions === undefined ? {} : { permissions: body.permissions }),
    })
    const shape = {
      token,
      expires_at: expiresAt,
      permissions,
      repository_selection: repositories === undefined ? 'all' : 'selected',
      ...(repositories === undefined
        ? {}
        : { repositories: repositories.map((repo) => repository(deps, repo, 'push')) }),
    }
    return c.json(shape, 201)
  })

  api.get('/installation/repositories', (c) => {
    const grant = c.get('user')?.grant
    const installationId = grant?.installation ?? undefined
    const at = installationId === undefined ? undefined : deps.apps.byId(installationId)
    if (at === undefined) throw forbidden(refusal(grant))
    const user = c.get('user')
    const repos = deps.apps.repositories(at).filter((repo) => store.users.covers(grant, repo))
    const page = pageOf(c)
    linkPages(c, urls, page, repos.length)
    return c.json({
      total_count: repos.length,
      repository_selection: at.repositories === undefined ? 'all' : 'selected',
      repositories: repos
        .slice(page.offset, page.offset + page.limit)
        .map((repo) => repository(deps, repo, store.users.roleIn(user, repo))),
    })
  })
}
