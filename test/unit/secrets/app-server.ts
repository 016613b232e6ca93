/** A server on loopback that treats Apps as GitHub does: JWTs are checked, tokens end on the clock that is given. */
import { createVerify, generateKeyPairSync } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface AppServer {
  /** With a path prefix, as on GitHub Enterprise Server. */
  apiUrl: string
  /** Requests as `METHOD /path`, without the prefix. */
  seen: string[]
  /** Tokens that were issued, oldest first. */
  issued: string[]
  /** Who signs in by JWT now. */
  publicKey: string
  lifeMs: number
  permissions: Record<string, string>
  /** owner/name to installation. */
  installations: Map<string, number>
  assignable: Set<string>
  /** Status with which the next requests for a token are answered. */
  failures: number[]
  revoked: Set<string>
  /** Tokens that are no App's. */
  personal: Map<string, { login: string; expires?: string }>
  /** Called while a token is being issued. */
  onIssue: () => Promise<void>
  close(): Promise<void>
}

export function keyPair() {
  return generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  })
}

const prefix = '/api/v3'

export async function appServer(init: {
  id: number | string
  publicKey: string
  now: () => number
}): Promise<AppServer> {
  const ends = new Map<string, number>()
  const self: AppServer = {
    apiUrl: '',
    seen: [],
    issued: [],
    publicKey: init.publicKey,
    lifeMs: 60 * 60_000,
    permissions: { contents: 'write', issues: 'write', pull_requests: 'write', metadata: 'read' },
    installations: new Map([['octo/lib', 7]]),
    assignable: new Set(),
    failures: [],
    revoked: new Set(),
    personal: new Map(),
    onIssue: async () => undefined,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }

  const isJwt = (request: IncomingMessage) => {
    const jwt = /^bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? ''
    const [head = '', body = '', signature = ''] = jwt.split('.')
    const read = (part: string) =>
      JSON.parse(Buffer.from(part, 'base64url').toString() || '{}') as Record<string, unknown>
    const verifier = createVerify('RSA-SHA256').update(`${head}.${body}`)
    if (!verifier.verify(self.publicKey, Buffer.from(signature, 'base64url'))) return false
    const { iat, exp, iss } = read(body) as { iat: number; exp: number; iss: unknown }
    const now = Date.now() / 1_000
    return (
      read(head)['alg'] === 'RS256' &&
      iss === init.id &&
      iat <= now &&
      exp > now &&
      exp - iat <= 600
    )
  }
  const tokenOf = (request: IncomingMessage) =>
    /^token (.+)$/.exec(request.headers.authorization ?? '')?.[1] ??
    /:(.+)$/.exec(
      Buffer.from(
        /^Basic (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '',
        'base64',
      ).toString(),
    )?.[1] ??
    ''

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const send = (status: number, body?: unknown, headers: Record<string, string> = {}) => {
      response.writeHead(status, {
        date: new Date(init.now()).toUTCString(),
        'content-type': 'application/json',
        ...headers,
      })
      response.end(body === undefined ? undefined : JSON.stringify(body))
    }
    const path = (request.url ?? '').split('?')[0] ?? ''
    if (path === '/api/graphql') {
      self.seen.push('POST graphql')
      if (!(ends.get(tokenOf(request)) ?? 0)) return send(401, { message: 'Bad credentials' })
      return send(200, { data: { updateRefs: { clientMutationId: null } } })
    }
    if (!path.startsWith(prefix)) return send(404, { message: 'Not Found' })
    const at = decodeURIComponent(path.slice(prefix.length))
    self.seen.push(`${request.method} ${at}`)
    const byApp = /^\/app(\/|$)|\/installation$/.test(at)
    const token = tokenOf(request)
    const person = self.personal.get(token)
    const alive = (ends.get(token) ?? 0) > init.now() && !self.revoked.has(token)
    if (byApp ? !isJwt(request) : !alive && person === undefined)
      return send(401, { message: 'Bad credentials' })

    if (at === '/app') return send(200, { slug: 'bee-bot', id: 1 })
    const issue = /^\/app\/installations\/(\d+)\/access_tokens$/.exec(at)
    if (issue !== null) {
      await self.onIssue()
      const failure = self.failures.shift()
      if (failure !== undefined) return send(failure, { message: `failure ${failure}` })
      if (![...self.installations.values()].includes(Number(issue[1])))
        return send(404, { message: 'Not Found' })
      const made = `ghs_${issue[1]}_${self.issued.length + 1}`
      self.issued.push(made)
      ends.set(made, init.now() + self.lifeMs)
      const expires = new Date(init.now() + self.lifeMs).toISOString()
      return send(201, { token: made, expires_at: expires, permissions: self.permissions })
    }
    const repo = /^\/repos\/([^/]+\/[^/]+)/.exec(at)?.[1] ?? ''
    const installation = self.installations.get(repo)
    if (person === undefined && (at === '/user' || installation === undefined))
      return send(404, { message: 'Not Found' })
    if (at.endsWith('/installation')) return send(200, { id: installation })
    const assignee = /\/assignees\/(.+)$/.exec(at)?.[1]
    const headers: Record<string, string> =
      person?.expires === undefined
        ? {}
        : { 'github-authentication-token-expiration': person.expires }
    if (assignee !== undefined)
      return send(self.assignable.has(assignee) ? 204 : 404, undefined, headers)
    if (at === '/user') return send(200, { login: person?.login }, headers)
    return send(200, {
      full_name: repo,
      node_id: 'R_1',
      clone_url: `http://127.0.0.1:${port}/${repo}.git`,
      default_branch: 'main',
      permissions: { push: false },
    })
  }

  const server = createServer((request, response) => {
    request.resume()
    answer(request, response).catch((error: unknown) => response.destroy(error as Error))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  self.apiUrl = `http://127.0.0.1:${port}${prefix}`
  return self
}
