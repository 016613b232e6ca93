/** Calls to GitHub as a person types them, for advice. Pure. */

export interface TypedCall {
  apiUrl: string
  /** owner/name */
  repo: string
  /** Arguments of `gh` before `--repo`: `['issue', 'close', '7']`. */
  gh: readonly string[]
  /** The same without gh; the path is below the repository. */
  method: 'POST' | 'PATCH' | 'DELETE'
  path: string
  body?: object
}

/** For a POSIX shell. */
const bare = (word: string) =>
  /^[\w./:-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`

/**
 * By `gh` where it can: without a host it goes to github.com, and it knows no server without TLS, such
 * as `bzzz forge`. Else by curl, with TOKEN in the place of the token.
 */
export function typedCall({ apiUrl, repo, gh, method, path, body }: TypedCall): string {
  const { protocol, host, port } = new URL(apiUrl)
  if (protocol === 'https:' && port === '') {
    const at = host === 'api.github.com' ? '' : `${host.replace(/^api\.(?=.*\.ghe\.com$)/, '')}/`
    return `gh ${gh.map(bare).join(' ')} --repo ${at}${repo}`
  }
  const url = `${apiUrl.replace(/\/+$/, '')}/repos/${repo}/${path}`
  return [
    'curl',
    ...(method === 'POST' ? [] : [`-X ${method}`]),
    '-H "Authorization: Bearer TOKEN"',
    bare(url),
    ...(body === undefined ? [] : [`-d ${bare(JSON.stringify(body))}`]),
  ].join(' ')
}
