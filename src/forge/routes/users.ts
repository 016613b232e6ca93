/** The caller, other users, their repositories, and who works in a repository. */
import type { Hono } from 'hono'
import { z } from 'zod'
import { invalid, notFound } from '../api-error.ts'
import { access, atLeast, caller } from '../auth.ts'
import { readBody } from '../body.ts'
import type { Ctx, Deps, Env } from '../context.ts'
import { cut } from '../paging.ts'
import { repository } from '../shapes/repo.ts'
import { collaborator, privateUser, publicUser, roleNames } from '../shapes/user.ts'
import type { UserRow } from '../store/rows.ts'
import type { ForgeRole } from '../types.ts'
import { R, param } from './common.ts'

const ROLES: Record<string, ForgeRole> = {
  pull: 'read',
  triage: 'triage',
  push: 'push',
  maintain: 'push',
  admin: 'admin',
}
const grant = z.object({
  permission: z.enum(['pull', 'triage', 'push', 'maintain', 'admin']).default('push'),
})

export function userRoutes(api: Hono<Env>, deps: Deps): void {
  const { store, urls } = deps

  const visible = (user: UserRow | undefined) =>
    store.repos.all().filter((repo) => atLeast(store.users.roleIn(user, repo), 'read'))
  const named = (c: Ctx, name: string): UserRow => {
    const user = store.users.byLogin(param(c, name))
    if (user === undefined) throw notFound()
    return user
  }
  const owned = (user: UserRow) => store.repos.all().filter((repo) => repo.owner_id === user.id)

  api.get('/user', (c) => {
    const user = caller(c)
    return c.json(privateUser(urls, user, owned(user).length))
  })

  api.get('/user/repos', (c) => {
    const user = caller(c)
    return c.json(
      cut(c, urls, visible(user)).map((repo) =>
        repository(deps, repo, store.users.roleIn(user, repo)),
      ),
    )
  })

  api.get('/users/:username', (c) => {
    const user = named(c, 'username')
    return c.json(publicUser(urls, user, owned(user).length))
  })

  api.get('/users/:username/repos', (c) => {
    const owner = named(c, 'username')
    const user = c.get('user')
    const repos = visible(user).filter((repo) => repo.owner_id === owner.id)
    return c.json(
      cut(c, urls, repos).map((repo) => repository(deps, repo, store.users.roleIn(user, repo))),
    )
  })

  api.get(`${R}/collaborators`, (c) => {
    const { repo } = access(deps, c, 'push')
    const users = store.users.all().map((user) => ({ user, role: store.users.roleIn(user, repo) }))
    const shown = users.filter(
      ({ user, role }) => user.type !== 'Organization' && atLeast(role, 'triage'),
    )
    return c.json(cut(c, urls, shown).map(({ user, role }) => collaborator(urls, user, role)))
  })

  api.get(`${R}/collaborators/:username`, (c) => {
    const { repo } = access(deps, c, 'push')
    if (!atLeast(store.users.roleIn(named(c, 'username'), repo), 'triage')) throw notFound()
    return c.body(null, 204)
  })

  api.get(`${R}/collaborators/:username/permission`, (c) => {
    const { repo } = access(deps, c, 'read')
    const user = named(c, 'username')
    const role = store.users.roleIn(user, repo)
    return c.json({ ...roleNames[role], user: collaborator(urls, user, role) })
  })

  api.put(`${R}/collaborators/:username`, async (c) => {
    const { repo } = access(deps, c, 'admin')
    const user = named(c, 'username')
    const { permission } = await readBody(c, 'Repository', grant)
    if (user.id === repo.owner_id)
      throw invalid({
        resource: 'Repository',
        field: 'username',
        code: 'custom',
        message: 'Repository owner cannot be a collaborator',
      })
    store.users.setCollaborator(repo, user, ROLES[permission])
    return c.body(null, 204)
  })

  api.delete(`${R}/collaborators/:username`, (c) => {
    const { repo } = access(deps, c, 'admin')
    store.users.setCollaborator(repo, named(c, 'username'), undefined)
    return c.body(null, 204)
  })
}
