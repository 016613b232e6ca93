/** Webhooks and their deliveries as the API shows them. A secret is never shown. */
import type { components } from '@octokit/openapi-types'
import type { Deps } from '../context.ts'
import type { DeliveryRow, HookRow, RepoRow } from '../store/rows.ts'

type Schemas = components['schemas']
type View = Pick<Deps, 'urls'>

const MASK = '********'

export function hook({ urls }: View, repo: RepoRow, row: HookRow): Schemas['hook'] {
  const url = `${urls.repo(repo)}/hooks/${row.id}`
  return {
    type: 'Repository',
    id: row.id,
    name: 'web',
    active: row.active === 1,
    events: JSON.parse(row.events) as string[],
    config: {
      content_type: row.content_type,
      insecure_ssl: row.insecure_ssl,
      url: row.url,
      ...(row.secret === null ? {} : { secret: MASK }),
    },
    updated_at: row.updated_at,
    created_at: row.created_at,
    url,
    test_url: `${url}/test`,
    ping_url: `${url}/pings`,
    deliveries_url: `${url}/deliveries`,
    last_response: { code: row.last_code, status: row.last_status, message: row.last_message },
  }
}

export function deliveryItem(row: DeliveryRow) {
  return {
    id: row.id,
    guid: row.guid,
    delivered_at: row.delivered_at,
    redelivery: row.redelivery === 1,
    duration: row.duration,
    status: row.status,
    status_code: row.status_code,
    event: row.event,
    action: row.action,
    installation_id: null,
    repository_id: null,
  } satisfies Schemas['hook-delivery-item']
}

export function delivery(row: DeliveryRow): Schemas['hook-delivery'] {
  return {
    ...deliveryItem(row),
    url: row.url,
    request: {
      headers: JSON.parse(row.request_headers) as Record<string, string>,
      payload: JSON.parse(row.payload) as Record<string, unknown>,
    },
    response: {
      headers: JSON.parse(row.response_headers) as Record<string, string>,
      payload: row.response_body,
    },
  }
}
