/** The API itself: its root, its limits. */
import type { Hono } from 'hono'
import type { components } from '@octokit/openapi-types'
import type { Deps, Env } from '../context.ts'

export function metaRoutes(api: Hono<Env>, { urls, limits }: Deps): void {
  api.get('/', (c) => {
    const at = urls.api()
    return c.json({
      current_user_url: `${at}/user`,
      rate_limit_url: `${at}/rate_limit`,
      repository_url: `${at}/repos/{owner}/{repo}`,
      user_url: `${at}/users/{user}`,
      user_repositories_url: `${at}/users/{user}/repos{?type,page,per_page,sort}`,
    })
  })

  api.get('/meta', (c) => {
    const meta: components['schemas']['api-overview'] = {
      verifiable_password_authentication: false,
    }
    return c.json(meta)
  })

  api.get('/rate_limit', (c) => {
    const rate = limits.state(c.get('user'))
    const graphql = limits.state(c.get('user'), 'graphql')
    const shape: components['schemas']['rate-limit-overview'] = {
      resources: { core: rate, search: { ...rate, limit: 30, remaining: 30, used: 0 }, graphql },
      rate,
    }
    return c.json(shape)
  })
}
