/** GitHub Apps and their installations as the API shows them. */
import type { components } from '@octokit/openapi-types'
import type { Installation, InstalledApp } from '../apps/apps.ts'
import type { Deps } from '../context.ts'
import { nodeId } from './urls.ts'
import { simpleUser } from './user.ts'

type Schemas = components['schemas']
type View = Pick<Deps, 'store' | 'urls'>

/** Events that follow from what an App may read. */
const EVENTS = {
  issues: ['issues', 'issue_comment'],
  pull_requests: ['pull_request', 'pull_request_review'],
  contents: ['push'],
  checks: ['check_run'],
  statuses: ['status'],
} as const

const eventsOf = ({ permissions }: InstalledApp): string[] =>
  Object.entries(EVENTS).flatMap(([name, events]) =>
    permissions[name as keyof typeof EVENTS] === undefined ? [] : events,
  )

export function integration({ urls }: View, app: InstalledApp, installations: number) {
  const { bot } = app
  return {
    id: app.id,
    slug: app.slug,
    client_id: app.clientId ?? `Iv1.${app.id}`,
    node_id: nodeId('Integration', app.id),
    owner: simpleUser(urls, bot),
    name: app.slug,
    description: null,
    external_url: urls.base(),
    html_url: `${urls.base()}/apps/${app.slug}`,
    created_at: bot.created_at,
    updated_at: bot.created_at,
    permissions: { ...app.permissions, metadata: 'read' },
    events: eventsOf(app),
    installations_count: installations,
  } satisfies Schemas['integration']
}

export function installation({ store, urls }: View, at: Installation): Schemas['installation'] {
  const { app, account, repositories } = at
  const owner = store.users.owner(account, app.bot.created_at)
  const url = `${urls.api()}/app/installations/${at.id}`
  return {
    id: at.id,
    account: simpleUser(urls, owner),
    repository_selection: repositories === undefined ? 'all' : 'selected',
    access_tokens_url: `${url}/access_tokens`,
    repositories_url: `${urls.api()}/installation/repositories`,
    html_url: `${urls.base()}/settings/installations/${at.id}`,
    app_id: app.id,
    app_slug: app.slug,
    target_id: owner.id,
    target_type: owner.type === 'Organization' ? 'Organization' : 'User',
    permissions: { ...app.permissions, metadata: 'read' } as Schemas['app-permissions'],
    events: eventsOf(app),
    created_at: app.bot.created_at,
    updated_at: app.bot.created_at,
    single_file_name: null,
    suspended_by: null,
    suspended_at: null,
  }
}
