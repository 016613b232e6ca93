/** Users as the API shows them. */
import type { components } from '@octokit/openapi-types'
import { atLeast } from '../auth.ts'
import type { UserRow } from '../store/rows.ts'
import type { ForgeRole } from '../types.ts'
import { nodeId, type Urls } from './urls.ts'

type Schemas = components['schemas']

export function simpleUser(urls: Urls, user: UserRow): Schemas['simple-user'] {
  const api = urls.user(user.login)
  return {
    login: user.login,
    id: user.id,
    node_id: nodeId('User', user.id),
    avatar_url: `${urls.base()}/-/avatar/${user.id}`,
    gravatar_id: '',
    url: api,
    html_url: `${urls.base()}/${encodeURIComponent(user.login)}`,
    followers_url: `${api}/followers`,
    following_url: `${api}/following{/other_user}`,
    gists_url: `${api}/gists{/gist_id}`,
    starred_url: `${api}/starred{/owner}{/repo}`,
    subscriptions_url: `${api}/subscriptions`,
    organizations_url: `${api}/orgs`,
    repos_url: `${api}/repos`,
    events_url: `${api}/events{/privacy}`,
    received_events_url: `${api}/received_events`,
    type: user.type,
    user_view_type: 'public',
    site_admin: false,
  }
}

export function publicUser(urls: Urls, user: UserRow, repos: number): Schemas['public-user'] {
  return {
    ...simpleUser(urls, user),
    name: user.login,
    company: null,
    blog: '',
    location: null,
    email: null,
    hireable: null,
    bio: null,
    public_repos: repos,
    public_gists: 0,
    followers: 0,
    following: 0,
    created_at: user.created_at,
    updated_at: user.created_at,
  }
}

export function privateUser(urls: Urls, user: UserRow, repos: number): Schemas['private-user'] {
  return {
    ...publicUser(urls, user, repos),
    user_view_type: 'private',
    private_gists: 0,
    total_private_repos: 0,
    owned_private_repos: 0,
    disk_usage: 0,
    collaborators: 0,
    two_factor_authentication: false,
  }
}

export const permissions = (role: ForgeRole) => ({
  admin: atLeast(role, 'admin'),
  maintain: atLeast(role, 'admin'),
  push: atLeast(role, 'push'),
  triage: atLeast(role, 'triage'),
  pull: atLeast(role, 'read'),
})

/** GitHub's two names of a role: the coarse permission and the role's own. */
export const roleNames: Record<ForgeRole, { permission: string; role_name: string }> = {
  none: { permission: 'none', role_name: 'none' },
  read: { permission: 'read', role_name: 'read' },
  triage: { permission: 'read', role_name: 'triage' },
  push: { permission: 'write', role_name: 'write' },
  admin: { permission: 'admin', role_name: 'admin' },
}

export function collaborator(urls: Urls, user: UserRow, role: ForgeRole): Schemas['collaborator'] {
  return {
    ...simpleUser(urls, user),
    permissions: permissions(role),
    role_name: roleNames[role].role_name,
  }
}

export type Association = Schemas['author-association']

/** How an author stands to a repository: the trust in what they wrote. */
export function association(user: UserRow, role: ForgeRole, ownerId: number): Association {
  if (user.id === ownerId) return 'OWNER'
  return atLeast(role, 'triage') ? 'COLLABORATOR' : 'NONE'
}
