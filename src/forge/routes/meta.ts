/** The API itself: its root, its limits. */
import type { Hono } from 'hono'
import type { components } from '@octokit/openapi-types'
import type { Deps, Env } from '../context.ts'
import { root } from '../shapes/root.ts'

export function metaRoutes(api: Hono<Env>, { urls, limits }: Deps): void {
  api.get('/', (c) => c.json(root(urls)))

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
