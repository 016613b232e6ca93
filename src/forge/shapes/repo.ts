/** Repositories as the API shows them. */
import type { components } from '@octokit/openapi-types'
import type { RepoRow } from '../store/rows.ts'
import type { Store } from '../store/index.ts'
import type { ForgeRole } from '../types.ts'
import { nodeId, type Urls } from './urls.ts'
import { permissions, simpleUser } from './user.ts'

type Schemas = components['schemas']

/** API addresses whose template is the name below the repository. */
const templates = (url: string) => ({
  archive_url: `${url}/{archive_format}{/ref}`,
  assignees_url: `${url}/assignees{/user}`,
  blobs_url: `${url}/git/blobs{/sha}`,
  branches_url: `${url}/branches{/branch}`,
  collaborators_url: `${url}/collaborators{/collaborator}`,
  comments_url: `${url}/comments{/number}`,
  commits_url: `${url}/commits{/sha}`,
  compare_url: `${url}/compare/{base}...{head}`,
  contents_url: `${url}/contents/{+path}`,
  contributors_url: `${url}/contributors`,
  deployments_url: `${url}/deployments`,
  downloads_url: `${url}/downloads`,
  events_url: `${url}/events`,
  forks_url: `${url}/forks`,
  git_commits_url: `${url}/git/commits{/sha}`,
  git_refs_url: `${url}/git/refs{/sha}`,
  git_tags_url: `${url}/git/tags{/sha}`,
  hooks_url: `${url}/hooks`,
  issue_comment_url: `${url}/issues/comments{/number}`,
  issue_events_url: `${url}/issues/events{/number}`,
  issues_url: `${url}/issues{/number}`,
  keys_url: `${url}/keys{/key_id}`,
  labels_url: `${url}/labels{/name}`,
  languages_url: `${url}/languages`,
  merges_url: `${url}/merges`,
  milestones_url: `${url}/milestones{/number}`,
  notifications_url: `${url}/notifications{?since,all,participating}`,
  pulls_url: `${url}/pulls{/number}`,
  releases_url: `${url}/releases{/id}`,
  stargazers_url: `${url}/stargazers`,
  statuses_url: `${url}/statuses/{sha}`,
  subscribers_url: `${url}/subscribers`,
  subscription_url: `${url}/subscription`,
  tags_url: `${url}/tags`,
  teams_url: `${url}/teams`,
  trees_url: `${url}/git/trees{/sha}`,
})

export function repository(
  { urls, store }: { urls: Urls; store: Store },
  repo: RepoRow,
  role: ForgeRole,
): Schemas['repository'] {
  const page = urls.page(repo)
  const open = store.repos.openIssues(repo.id)
  const count = open.issues + open.pulls
  return {
    id: repo.id,
    node_id: nodeId('Repository', repo.id),
    name: repo.name,
    full_name: `${repo.owner}/${repo.name}`,
    owner: simpleUser(urls, store.users.byId(repo.owner_id)),
    private: repo.private === 1,
    visibility: repo.private === 1 ? 'private' : 'public',
    html_url: page,
    description: repo.description,
    fork: false,
    url: urls.repo(repo),
    ...templates(urls.repo(repo)),
    git_url: `${page}.git`,
    ssh_url: `${page}.git`,
    clone_url: `${page}.git`,
    svn_url: page,
    mirror_url: null,
    homepage: null,
    language: null,
    license: null,
    topics: [],
    forks: 0,
    forks_count: 0,
    stargazers_count: 0,
    watchers: 0,
    watchers_count: 0,
    size: 0,
    default_branch: repo.default_branch,
    open_issues: count,
    open_issues_count: count,
    is_template: false,
    has_issues: true,
    has_projects: false,
    has_wiki: false,
    has_pages: false,
    has_downloads: false,
    has_discussions: false,
    archived: false,
    disabled: false,
    allow_merge_commit: true,
    allow_squash_merge: true,
    allow_rebase_merge: true,
    allow_auto_merge: false,
    delete_branch_on_merge: false,
    web_commit_signoff_required: false,
    created_at: repo.created_at,
    updated_at: repo.updated_at,
    pushed_at: repo.pushed_at,
    permissions: permissions(role),
  }
}

/** Who and where a repository is, and nothing of how it is set up. */
export function minimalRepository(
  { urls, store }: { urls: Urls; store: Store },
  repo: RepoRow,
): Schemas['minimal-repository'] {
  return {
    id: repo.id,
    node_id: nodeId('Repository', repo.id),
    name: repo.name,
    full_name: `${repo.owner}/${repo.name}`,
    owner: simpleUser(urls, store.users.byId(repo.owner_id)),
    private: repo.private === 1,
    html_url: urls.page(repo),
    description: repo.description,
    fork: false,
    url: urls.repo(repo),
    ...templates(urls.repo(repo)),
  }
}

export function fullRepository(
  from: { urls: Urls; store: Store },
  repo: RepoRow,
  role: ForgeRole,
): Omit<Schemas['full-repository'], 'has_downloads'> {
  const { created_at, updated_at, pushed_at } = repo
  const owner = from.store.users.byId(repo.owner_id)
  return {
    ...repository(from, repo, role),
    license: null,
    homepage: null,
    created_at,
    updated_at,
    pushed_at,
    has_discussions: false,
    allow_forking: false,
    allow_update_branch: false,
    use_squash_pr_title_as_default: false,
    temp_clone_token: null,
    ...(owner.type === 'Organization' ? { organization: simpleUser(from.urls, owner) } : {}),
    subscribers_count: 0,
    network_count: 0,
  }
}
