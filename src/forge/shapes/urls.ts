/** Addresses, as GitHub Enterprise Server forms them: pages at the root, the API below /api/v3. */
import type { RepoRow } from '../store/rows.ts'

export interface Urls {
  base(): string
  api(): string
  user(login: string): string
  /** API address of a repository. */
  repo(repo: RepoRow): string
  /** Page of a repository. */
  page(repo: RepoRow): string
}

/** `base`: http://host:port, known once the forge listens. */
export function forgeUrls(base: () => string): Urls {
  const api = () => `${base()}/api/v3`
  return {
    base,
    api,
    user: (login) => `${api()}/users/${encodeURIComponent(login)}`,
    repo: ({ owner, name }) => `${api()}/repos/${owner}/${name}`,
    page: ({ owner, name }) => `${base()}/${owner}/${name}`,
  }
}

/** A path below a URL: each segment escaped, slashes kept. */
export const pathOf = (path: string): string => path.split('/').map(encodeURIComponent).join('/')

/** GitHub's opaque id of an object. */
export const nodeId = (kind: string, id: number | string): string =>
  Buffer.from(`${kind}:${id}`).toString('base64')
