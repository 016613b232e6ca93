/**
 * The one way from a sandbox to the network: an HTTP proxy on a unix socket, for one task. A name is
 * looked up once, its addresses are checked, and one of those is connected to, so that a name that
 * changes its address in between (rebinding) gains nothing. TLS stays between the two ends.
 *
 * Own code, because proxy-chain drops connections that have no remote address, which those of a
 * unix socket have not, and knows no limits of time and bytes.
 */
import { lookup as systemLookup } from 'node:dns/promises'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http'
import { connect, isIP, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { CommonError, explain, Lifecycle, withDeadline, type Logger } from '../../util/index.ts'
import { kindOf, parseAuthority, parseRule, refusalOf, type Rule, type Target } from './allow.ts'
import { createTally } from './tally.ts'
import type { EgressInit, EgressLimits, EgressProxy, EgressRefusalReason, Lookup } from './types.ts'

const DEFAULTS: EgressLimits = {
  connections: 64,
  bytes: 1024 * 1024 * 1024,
  connectMs: 10_000,
  idleMs: 600_000,
}
const MAX_HEADER_BYTES = 16 * 1024
/** Headers that are between two neighbours, and not for the server behind. */
const HOP = /^(?:proxy-.*|connection|keep-alive|te|trailer|transfer-encoding|upgrade)$/i

const STATUS: Record<EgressRefusalReason, number> = {
  request: 400,
  host: 403,
  port: 403,
  address: 403,
  lookup: 502,
  unreachable: 502,
  connections: 503,
  bytes: 403,
}

export interface EgressComponents {
  logger: Logger
  lookup?: Lookup
}

class Refusal extends Error {
  readonly reason: EgressRefusalReason
  constructor(reason: EgressRefusalReason) {
    super(reason)
    this.reason = reason
  }
}

/** Errors: `EGRESS_HOST`. */
export function createEgressProxy(
  { hosts, privateHosts = [], ...init }: EgressInit,
  { logger, lookup = lookupAll }: EgressComponents,
): EgressProxy {
  const limits: EgressLimits = { ...DEFAULTS, ...init.limits }
  const local = privateHosts.map(parseRule)
  const rules: readonly Rule[] = [...hosts.map(parseRule), ...local]
  const tally = createTally()
  const clients = new Set<Socket>()
  const servers = new Set<Socket>()
  let dir: string | undefined
  let bytes = 0

  const server = createServer({ maxHeaderSize: MAX_HEADER_BYTES, requestTimeout: limits.idleMs })
  server.on('connection', (socket: Socket) => {
    // Twice as many as may work are told so; more are not even heard.
    if (clients.size >= 2 * limits.connections) socket.destroy()
    else track(socket, clients)
  })
  server.on('connect', (request, client, head) => {
    client.on('error', () => client.destroy())
    tunnel(request, client, head).catch((error: unknown) => client.destroy(asError(error)))
  })
  server.on('request', (request, response) => {
    forward(request, response).catch(() => response.destroy())
  })
  server.on('clientError', (_, socket) => socket.destroy())

  function track(socket: Socket, open: Set<Socket>): void {
    open.add(socket)
    socket.setTimeout(limits.idleMs, () => socket.destroy())
    socket.once('close', () => open.delete(socket))
    socket.on('error', () => socket.destroy())
  }

  function count(more: number): void {
    bytes += more
    if (bytes <= limits.bytes) return
    if (tally.refuse({ host: '*', port: 0 }, 'bytes')) say('*', 0, 'bytes')
    endAll()
  }

  function endAll(): void {
    for (const socket of [...clients, ...servers]) socket.destroy()
  }

  function say(host: string, port: number, reason: EgressRefusalReason): void {
    logger.warn(
      { event: 'egress.refused', host, port, reason },
      'the sandbox asked for the network in vain',
    )
  }

  /** An address that may be connected to. */
  async function admit(target: Target): Promise<string> {
    if (bytes > limits.bytes) throw new Refusal('bytes')
    if (clients.size > limits.connections) throw new Refusal('connections')
    const reason = refusalOf(rules, target)
    if (reason !== undefined) throw new Refusal(reason)
    const { host } = target
    const found = isIP(host) !== 0 ? [host] : await addressesOf(host)
    const mayBeLocal = refusalOf(local, target) === undefined
    const good = found.filter((address) => {
      const kind = kindOf(address)
      return kind === 'public' || (kind === 'local' && mayBeLocal)
    })
    // One bad address among good ones is what a rebinding name looks like.
    if (good.length === 0 || good.length < found.length) throw new Refusal('address')
    const [first = ''] = good.toSorted((a, b) => isIP(a) - isIP(b))
    return first
  }

  async function addressesOf(host: string): Promise<readonly string[]> {
    const found = await withDeadline('The lookup', limits.connectMs, () => lookup(host)).catch(
      () => [],
    )
    if (found.length === 0) throw new Refusal('lookup')
    return found
  }

  function refused(target: { host: string; port: number }, error: unknown): EgressRefusalReason {
    const reason = error instanceof Refusal ? error.reason : 'unreachable'
    const { host, port } = target
    if (tally.refuse({ host, port }, reason)) say(host.slice(0, 253), port, reason)
    return reason
  }

  async function dial(target: Target): Promise<Socket> {
    const address = await admit(target)
    const socket = connect({ host: address, port: target.port })
    track(socket, servers)
    const deadline = setTimeout(() => socket.destroy(new Refusal('unreachable')), limits.connectMs)
    try {
      await new Promise<void>((resolve, reject) => {
        socket.once('connect', resolve).once('error', reject)
        socket.once('close', () => reject(new Refusal('unreachable')))
      })
    } finally {
      clearTimeout(deadline)
    }
    tally.allow(target)
    socket.on('data', (chunk: Buffer) => count(chunk.length))
    return socket
  }

  async function tunnel(request: IncomingMessage, client: Duplex, head: Buffer): Promise<void> {
    const at = parseAuthority(request.url ?? '')
    const asked = at ?? { host: (request.url ?? '').slice(0, 253), port: 0 }
    let server: Socket
    try {
      if (at === undefined) throw new Refusal('request')
      server = await dial({ ...at, plain: false })
    } catch (error) {
      const reason = refused(asked, error)
      client.end(
        `HTTP/1.1 ${STATUS[reason]} ${reason}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`,
      )
      return
    }
    if (client.destroyed) {
      server.destroy()
      return
    }
    client.write('HTTP/1.1 200 Connection Established\r\n\r\n')
    client.on('data', (chunk: Buffer) => count(chunk.length))
    count(head.length)
    server.write(head)
    client.pipe(server)
    server.pipe(client)
    client.once('close', () => server.destroy())
    server.once('close', () => client.destroy())
  }

  async function forward(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = URL.canParse(request.url ?? '') ? new URL(request.url ?? '') : undefined
    const at =
      url?.protocol === 'http:' ? parseAuthority(`${url.hostname}:${url.port || 80}`) : undefined
    const asked = at ?? { host: (request.url ?? '').slice(0, 253), port: 0 }
    try {
      if (at === undefined || url === undefined) throw new Refusal('request')
      const socket = await dial({ ...at, plain: true })
      const answer = await ask(request, url, socket)
      response.writeHead(answer.statusCode ?? 502, withoutHop(answer.rawHeaders))
      answer.pipe(response)
      response.once('close', () => socket.destroy())
    } catch (error) {
      const reason = refused(asked, error)
      response.writeHead(STATUS[reason], { 'content-length': 0, connection: 'close' }).end()
    }
  }

  /** The host that is named to the server is the one that was allowed. */
  function ask(request: IncomingMessage, url: URL, socket: Socket): Promise<IncomingMessage> {
    const headers = withoutHop(request.rawHeaders).filter(
      (_, index, all) => !/^host$/i.test(all[index - (index % 2)] ?? ''),
    )
    return new Promise((resolve, reject) => {
      const outer = httpRequest({
        createConnection: () => socket,
        method: request.method ?? 'GET',
        path: `${url.pathname}${url.search}`,
        headers: ['Host', url.host, ...headers],
        maxHeaderSize: MAX_HEADER_BYTES,
      })
      request.on('data', (chunk: Buffer) => count(chunk.length))
      request.pipe(outer)
      outer.once('response', resolve).once('error', reject)
    })
  }

  const lifecycle = new Lifecycle(
    async () => {
      dir = await mkdtemp(join(tmpdir(), 'bzzz-net-'))
      const path = join(dir, 'proxy')
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject).listen(path, resolve)
      })
      await chmod(path, 0o600)
    },
    async () => {
      endAll()
      if (server.listening) await new Promise((resolve) => server.close(resolve))
      if (dir !== undefined) await rm(dir, { recursive: true, force: true })
      dir = undefined
    },
  )

  return {
    start: () => lifecycle.start(),
    stop: () => lifecycle.stop(),
    get socket() {
      if (dir === undefined) throw new CommonError('INVALID', 'The proxy has not been started.')
      return join(dir, 'proxy')
    },
    report: () => ({ ...tally.report(), bytes }),
  }
}

const lookupAll: Lookup = async (host) =>
  (await systemLookup(host, { all: true, verbatim: true })).map(({ address }) => address)

function withoutHop(raw: readonly string[]): string[] {
  return raw.filter((_, index) => !HOP.test(raw[index - (index % 2)] ?? ''))
}

const asError = (error: unknown) => (error instanceof Error ? error : new Error(explain(error)))
