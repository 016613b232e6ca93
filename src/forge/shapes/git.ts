/** Git objects as the API shows them. */
import type { components } from '@octokit/openapi-types'
import type { Commit } from '../git/commits.ts'
import type { FileDiff } from '../git/diff.ts'
import type { Ref } from '../git/refs.ts'
import type { TreeEntry } from '../git/trees.ts'
import type { RepoRow, UserRow } from '../store/rows.ts'
import type { Store } from '../store/index.ts'
import { nodeId, pathOf, type Urls } from './urls.ts'
import { simpleUser } from './user.ts'

type Schemas = components['schemas']
export interface CommitView {
  urls: Urls
  store: Pick<Store, 'users'>
}

const UNSIGNED = {
  verified: false,
  reason: 'unsigned',
  signature: null,
  payload: null,
  verified_at: null,
}

/** Address by which a commit is known to belong to an account. */
export const emailOf = (user: Pick<UserRow, 'id' | 'login'>): string =>
  `${user.id}+${user.login}@users.noreply.localhost`

export function gitRef(urls: Urls, repo: RepoRow, { ref, sha, type }: Ref): Schemas['git-ref'] {
  const api = `${urls.repo(repo)}/git`
  return {
    ref,
    node_id: nodeId('Ref', `${repo.id}:${ref}`),
    url: `${api}/${pathOf(ref)}`,
    object: { type, sha, url: `${api}/${type}s/${sha}` },
  }
}

export function gitCommit({ urls }: CommitView, repo: RepoRow, c: Commit): Schemas['git-commit'] {
  const api = `${urls.repo(repo)}/git`
  const page = (sha: string) => `${urls.page(repo)}/commit/${sha}`
  return {
    sha: c.sha,
    node_id: nodeId('Commit', c.sha),
    url: `${api}/commits/${c.sha}`,
    html_url: page(c.sha),
    author: c.author,
    committer: c.committer,
    message: c.message,
    tree: { sha: c.tree, url: `${api}/trees/${c.tree}` },
    parents: c.parents.map((sha) => ({ sha, url: `${api}/commits/${sha}`, html_url: page(sha) })),
    verification: UNSIGNED,
  }
}

export function commit({ urls, store }: CommitView, repo: RepoRow, c: Commit): Schemas['commit'] {
  const api = urls.repo(repo)
  const account = (email: string) => {
    const login = /^\d+\+(.+)@users\.noreply\.localhost$/.exec(email)?.[1]
    const user = login === undefined ? undefined : store.users.byLogin(login)
    return user === undefined ? null : simpleUser(urls, user)
  }
  return {
    url: `${api}/commits/${c.sha}`,
    sha: c.sha,
    node_id: nodeId('Commit', c.sha),
    html_url: `${urls.page(repo)}/commit/${c.sha}`,
    comments_url: `${api}/commits/${c.sha}/comments`,
    commit: {
      url: `${api}/git/commits/${c.sha}`,
      author: c.author,
      committer: c.committer,
      message: c.message,
      comment_count: 0,
      tree: { sha: c.tree, url: `${api}/git/trees/${c.tree}` },
      verification: UNSIGNED,
    },
    author: account(c.author.email),
    committer: account(c.committer.email),
    parents: c.parents.map((sha) => ({
      sha,
      url: `${api}/commits/${sha}`,
      html_url: `${urls.page(repo)}/commit/${sha}`,
    })),
  }
}

export function treeItem(urls: Urls, repo: RepoRow, entry: TreeEntry) {
  const kind = entry.type === 'commit' ? 'commits' : `${entry.type}s`
  return {
    path: entry.path,
    mode: entry.mode,
    type: entry.type,
    sha: entry.sha,
    ...(entry.size === undefined ? {} : { size: entry.size }),
    url: `${urls.repo(repo)}/git/${kind}/${entry.sha}`,
  }
}

export function diffEntry(
  urls: Urls,
  repo: RepoRow,
  file: FileDiff,
  sha: string,
): Schemas['diff-entry'] {
  const path = pathOf(file.path)
  return {
    sha: file.sha,
    filename: file.path,
    status: file.status,
    additions: file.additions,
    deletions: file.deletions,
    changes: file.additions + file.deletions,
    blob_url: `${urls.page(repo)}/blob/${sha}/${path}`,
    raw_url: `${urls.page(repo)}/raw/${sha}/${path}`,
    contents_url: `${urls.repo(repo)}/contents/${path}?ref=${sha}`,
    ...(file.patch === undefined ? {} : { patch: file.patch }),
    ...(file.previous === undefined ? {} : { previous_filename: file.previous }),
  }
}
