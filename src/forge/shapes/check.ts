/** Check runs and commit statuses as the API shows them. */
import type { components } from '@octokit/openapi-types'
import type { CheckRunRow, RepoRow, StatusRow } from '../store/rows.ts'
import type { View } from './issue.ts'
import { minimalRepository } from './repo.ts'
import { nodeId, type Urls } from './urls.ts'
import { simpleUser } from './user.ts'

type Schemas = components['schemas']

export function checkRun(urls: Urls, repo: RepoRow, row: CheckRunRow): Schemas['check-run'] {
  const url = `${urls.repo(repo)}/check-runs/${row.id}`
  return {
    id: row.id,
    head_sha: row.head_sha,
    node_id: nodeId('CheckRun', row.id),
    external_id: row.external_id,
    url,
    html_url: `${urls.page(repo)}/commit/${row.head_sha}`,
    details_url: row.details_url,
    status: row.status,
    conclusion: row.conclusion as Schemas['check-run']['conclusion'],
    started_at: row.started_at,
    completed_at: row.completed_at,
    output: {
      title: row.title,
      summary: row.summary,
      text: row.text,
      annotations_count: 0,
      annotations_url: `${url}/annotations`,
    },
    name: row.name,
    check_suite: { id: row.id },
    app: null,
    pull_requests: [],
  }
}

export function status({ urls, store }: View, repo: RepoRow, row: StatusRow): Schemas['status'] {
  return {
    url: `${urls.repo(repo)}/statuses/${row.sha}`,
    avatar_url: null,
    id: row.id,
    node_id: nodeId('Status', row.id),
    state: row.state,
    description: row.description,
    target_url: row.target_url,
    context: row.context,
    created_at: row.created_at,
    updated_at: row.created_at,
    creator: simpleUser(urls, store.users.byId(row.user_id)),
  }
}

/** `rows`: newest first; only the newest of each context counts. */
export function combinedStatus(view: View, repo: RepoRow, sha: string, rows: StatusRow[]) {
  const newest = rows.filter(
    (row, at) => rows.findIndex((other) => other.context === row.context) === at,
  )
  const state = newest.some((row) => row.state === 'failure' || row.state === 'error')
    ? 'failure'
    : newest.length === 0 || newest.some((row) => row.state === 'pending')
      ? 'pending'
      : 'success'
  const url = `${view.urls.repo(repo)}/commits/${sha}`
  return {
    state,
    sha,
    total_count: newest.length,
    statuses: newest.map((row) => {
      const { creator: _, ...shape } = status(view, repo, row)
      return shape
    }),
    repository: minimalRepository(view, repo),
    commit_url: url,
    url: `${url}/status`,
  }
}
