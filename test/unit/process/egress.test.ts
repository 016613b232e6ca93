import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { createServer as createHttp, type Server as HttpServer } from 'node:http'
import { statSync } from 'node:fs'
import { afterEach, beforeAll, afterAll, describe, expect, it } from 'vitest'
import { createEgressProxy, type EgressInit, type EgressProxy } from '../../../src/process/index.ts'
import {
  isHost,
  kindOf,
  parseAuthority,
  parseRule,
  refusalOf,
} from '../../../src/process/egress/allow.ts'
import { nullLogger } from '../../../src/util/index.ts'

describe('addresses', () => {
  it.each([
    ['93.184.216.34', 'public'],
    ['2606:2800:220:1:248:1893:25c8:1946', 'public'],
    ['127.0.0.1', 'local'],
    ['10.1.2.3', 'local'],
    ['172.16.0.1', 'local'],
    ['192.168.1.1', 'local'],
    ['100.64.0.1', 'local'],
    ['0.0.0.0', 'local'],
    ['::1', 'local'],
    ['::', 'local'],
    ['fd12::1', 'local'],
    ['::ffff:127.0.0.1', 'local'],
    ['64:ff9b::7f00:1', 'local'],
    ['2002:7f00:1::', 'local'],
    ['169.254.169.254', 'never'],
    ['::ffff:169.254.169.254', 'never'],
    ['fd00:ec2::254', 'never'],
    ['100.100.100.200', 'never'],
    ['fe80::1%eth0', 'never'],
    ['224.0.0.1', 'never'],
    ['localhost', 'never'],
  ])('%s is %s', (address, kind) => {
    expect(kindOf(address)).toBe(kind)
  })

  it.each([
    '0x7f.0.0.1',
    '2130706433',
    '127.1',
    '0x7f000001',
    '0177.0.0.01',
    '',
    'a..b',
    'a b',
    '-a',
  ])('%j is no host', (host) => {
    expect(isHost(host)).toBe(false)
    expect(parseAuthority(`${host}:443`)).toBeUndefined()
  })
})

describe('rules', () => {
  const rules = ['api.example.com', '*.example.org:8443', '[2001:db8::1]:80'].map(parseRule)
  it.each([
    ['api.example.com', 443, undefined],
    ['API.Example.com.', 443, undefined],
    ['api.example.com', 8443, 'port'],
    ['xapi.example.com', 443, 'host'],
    ['api.example.com.evil.net', 443, 'host'],
    ['a.b.example.org', 8443, undefined],
    ['example.org', 8443, 'host'],
    ['evilexample.org', 8443, 'host'],
    ['2001:db8::1', 80, undefined],
  ] as const)('%s:%i: %s', (host, port, expected) => {
    expect(refusalOf(rules, { host, port, plain: false })).toBe(expected)
  })

  it('takes port 80 for plain http', () => {
    expect(refusalOf(rules, { host: 'api.example.com', port: 80, plain: true })).toBeUndefined()
    expect(refusalOf(rules, { host: 'api.example.com', port: 80, plain: false })).toBe('port')
  })

  it.each(['*', '*.com', 'http://a.b', 'a.b:0', 'a.b:99999', 'a/b', '*a.b', '', '::1'])(
    'refuses %j as a rule',
    (text) => {
      expect(() => parseRule(text)).toThrow(expect.objectContaining({ code: 'EGRESS_HOST' }))
    },
  )
})

describe('the proxy', () => {
  let echo: Server
  let web: HttpServer
  let echoPort = 0
  let webPort = 0
  let proxy: EgressProxy | undefined
  beforeAll(async () => {
    echo = createServer((socket) => socket.on('error', () => undefined).pipe(socket))
    web = createHttp((request, response) => {
      response.setHeader('x-host', request.headers.host ?? '')
      response.end(
        `${request.method} ${request.url} ${request.headers['proxy-authorization'] ?? ''}`,
      )
    })
    await Promise.all(
      [echo, web].map((one) => new Promise<void>((done) => one.listen(0, '127.0.0.1', done))),
    )
    echoPort = (echo.address() as AddressInfo).port
    webPort = (web.address() as AddressInfo).port
  })
  afterEach(async () => proxy?.stop())
  afterAll(() => {
    echo.close()
    web.close()
  })

  const names: Record<string, string[]> = {
    'echo.test': ['127.0.0.1'],
    'mixed.test': ['93.184.216.34', '127.0.0.1'],
    'meta.test': ['169.254.169.254'],
    'nowhere.test': [],
  }
  async function start(init: Partial<EgressInit>): Promise<EgressProxy> {
    const lookup = async (host: string) => names[host] ?? []
    proxy = createEgressProxy({ hosts: [], ...init }, { logger: nullLogger, lookup })
    await proxy.start()
    return proxy
  }

  /** Sends and resolves with all that came back, once `until` came or the other end closed. */
  function talk(
    path: string,
    text: string,
    until: RegExp,
  ): Promise<{ text: string; socket: Socket }> {
    return new Promise((resolve) => {
      let seen = ''
      const socket = connect(path)
      const end = () => resolve({ text: seen, socket })
      socket.on('error', end).on('close', end)
      socket.on('data', (chunk) => {
        seen += String(chunk)
        if (until.test(seen)) end()
      })
      socket.write(text)
    })
  }
  const tunnel = (path: string, to: string, then = '') =>
    talk(
      path,
      `CONNECT ${to} HTTP/1.1\r\nHost: x\r\n\r\n${then}`,
      then === '' ? /\r\n\r\n/ : /\r\n\r\n[^]*ping/,
    )
  const reasons = () =>
    proxy?.report().refused.map(({ host, port, reason }) => `${host}:${port} ${reason}`)

  it('opens a tunnel to an allowed host, for this user only', async () => {
    const { socket } = await start({ hosts: [], privateHosts: [`echo.test:${echoPort}`] })
    expect(statSync(socket).mode & 0o777).toBe(0o600)
    const answer = await tunnel(socket, `echo.test:${echoPort}`, 'ping')
    answer.socket.destroy()
    expect(answer.text).toMatch(/^HTTP\/1.1 200 [^]*ping$/)
    expect(proxy?.report()).toMatchObject({
      refused: [],
      allowed: [{ host: 'echo.test', port: echoPort, count: 1 }],
      bytes: 8,
    })
  })

  it('forwards plain http under the name that was allowed, without proxy headers', async () => {
    const { socket } = await start({ privateHosts: [`echo.test:${webPort}`] })
    const request = `GET http://echo.test:${webPort}/a?b HTTP/1.1\r\nHost: other.test\r\nProxy-Authorization: x\r\nConnection: close\r\n\r\n`
    const { text } = await talk(socket, request, /GET \/a\?b/)
    expect(text).toMatch(/^HTTP\/1.1 200 /)
    expect(text).toContain(`x-host: echo.test:${webPort}`)
    expect(text).toMatch(/GET \/a\?b $/m)
  })

  it('refuses what is not allowed, and says what and why', async () => {
    const { socket } = await start({
      hosts: ['echo.test:1', 'mixed.test', 'meta.test', '127.0.0.1', 'nowhere.test'],
      privateHosts: ['meta.test:80', '[::1]:1'],
    })
    const asked = [
      'other.test:443',
      'echo.test:443',
      'echo.test:1',
      'mixed.test:443',
      'meta.test:80',
    ]
    const more = ['127.0.0.1:443', '169.254.169.254:80', 'nowhere.test:443', '[::1]:1', 'x']
    for (const to of [...asked, ...more]) {
      expect((await tunnel(socket, to)).text).toMatch(/^HTTP\/1.1 (?:400|403|502) /)
    }
    const { text } = await talk(
      socket,
      `GET file:///etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n`,
      /\r\n\r\n/,
    )
    expect(text).toMatch(/^HTTP\/1.1 400 /)
    expect(reasons()).toEqual([
      'other.test:443 host',
      'echo.test:443 port',
      'echo.test:1 address',
      'mixed.test:443 address',
      'meta.test:80 address',
      '127.0.0.1:443 address',
      '169.254.169.254:80 host',
      'nowhere.test:443 lookup',
      '::1:1 unreachable',
      'x:0 request',
      'file:///etc/passwd:0 request',
    ])
    expect(proxy?.report().allowed).toEqual([])
  })

  it('ends everything when the bytes are used up, and takes nothing more', async () => {
    const limits = { bytes: 1_000 }
    const { socket } = await start({ privateHosts: [`echo.test:${echoPort}`], limits })
    const flood = await tunnel(socket, `echo.test:${echoPort}`, 'x'.repeat(5_000))
    expect(flood.socket.destroyed).toBe(true)
    expect((await tunnel(socket, `echo.test:${echoPort}`)).text).toMatch(/^HTTP\/1.1 403 bytes/)
    expect(reasons()?.[0]).toBe('*:0 bytes')
  })

  it('takes no more connections than it may', async () => {
    const limits = { connections: 1 }
    const { socket } = await start({ privateHosts: [`echo.test:${echoPort}`], limits })
    const first = await tunnel(socket, `echo.test:${echoPort}`)
    expect((await tunnel(socket, `echo.test:${echoPort}`)).text).toMatch(/^HTTP\/1.1 503 /)
    first.socket.destroy()
  })

  it('tells at most 40 different refusals, and counts the rest', async () => {
    const { socket } = await start({})
    for (let turn = 0; turn < 43; turn += 1) await tunnel(socket, `h${turn}.test:443`)
    await tunnel(socket, 'h0.test:443')
    expect(proxy?.report()).toMatchObject({ more: 3 })
    expect(proxy?.report().refused[0]).toMatchObject({ host: 'h0.test', count: 2 })
  })
})
