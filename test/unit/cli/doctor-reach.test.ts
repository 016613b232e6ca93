import { createServer } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import type { NetworkReach } from '../../../src/api/client.ts'
import { networkLine } from '../../../src/cli/client/network-lines.ts'
import { bootstrapCheck, multicastCheck } from '../../../src/cli/commands/doctor/network.ts'
import { findings } from '../../../src/cli/commands/doctor/reach.ts'
import type { Config } from '../../../src/config/index.ts'

const base: NetworkReach = {
  is: 'local',
  because: 'only members on its own networks were met',
  announced: [{ address: '/ip4/192.168.7.2/tcp/4001/p2p/X', kind: 'private' }],
  observed: ['192.168.7.2'],
  peers: { direct: 2, relayed: 0 },
  relay: { uses: [], serves: null, because: 'no public address' },
  holePunch: { enabled: true, relayed: 0, upgraded: 0 },
  autonat: { enabled: true },
  upnp: { enabled: false, addresses: [] },
  multicast: [{ interface: 'eth0', address: '192.168.7.2', ok: true, answers: 3 }],
  dht: { peers: 2 },
  bootstrap: [],
}
const reach = (change: Partial<NetworkReach>) => ({ ...base, ...change })
const relayed = { uses: ['12D3KooWrelay'], serves: null, because: 'no public address' }

test('a local mesh has nothing to do', () => {
  expect(Object.values(findings).map((finding) => finding(base).status)).toEqual([
    'ok',
    'ok',
    'ok',
    'ok',
    'skip',
  ])
  expect(findings.reach(base).seen).toBe(
    'on the local network: only members on its own networks were met; tells others 1 private of 1 addresses',
  )
  expect(networkLine(base)).toBe('on the local network')
})

test('behind NAT it is well with a relay, and told what to do without one', () => {
  const nat = { is: 'nat' as const, because: 'members outside see it as 11.0.0.200' }
  expect(findings.reach(reach(nat))).toMatchObject({
    status: 'warn',
    next: expect.stringMatching(/relays by itself.*mesh\.announce.*mesh\.upnp/),
  })
  const well = reach({ ...nat, relay: relayed, peers: { direct: 1, relayed: 4 } })
  expect(findings.reach(well).status).toBe('ok')
  expect(findings.relay(well).seen).toContain('uses 12D3KooWrelay; serves nobody')
  expect(networkLine(well)).toBe('behind NAT, through 1 relay, 4 peers connected through relays')
})

test('a closed port is told, also where a relay helps', () => {
  const closed = { is: 'closed' as const, because: 'AutoNAT: a member could not dial it' }
  expect(findings.reach(reach(closed)).next).toBe('Open the port in the firewall, or forward it.')
  const helped = findings.reach(reach({ ...closed, relay: relayed }))
  expect(helped).toMatchObject({ status: 'warn', next: expect.stringContaining('through a relay') })
  expect(findings.reach(reach({ announced: [] }))).toMatchObject({
    status: 'warn',
    seen: expect.stringContaining('tells others no address'),
  })
})

test('nobody was met: nothing is claimed', () => {
  const alone = { is: 'unknown' as const, peers: { direct: 0, relayed: 0 } }
  expect(findings.reach(reach(alone)).status).toBe('skip')
  const silent = [{ interface: 'eth0', address: '192.168.7.2', ok: true, answers: 0 }]
  expect(findings.mdns(reach({ ...alone, multicast: silent }))).toMatchObject({
    status: 'warn',
    next: expect.stringContaining('mesh.dht.bootstrap'),
  })
  expect(findings.mdns(reach({ multicast: silent })).status).toBe('ok')
  const broken = [{ interface: 'eth0', address: '192.168.7.2', ok: false, answers: 0 }]
  expect(findings.mdns(reach({ multicast: broken })).next).toContain('5353')
  expect(findings.mdns(reach({ multicast: [] })).status).toBe('skip')
})

test('relays, first addresses and UPnP are told with what is missing', () => {
  const serving = { uses: [], serves: 3, because: '/ip4/11.0.0.3/tcp/4001' }
  const holePunch = { enabled: true, relayed: 4, upgraded: 1 }
  expect(findings.relay(reach({ relay: serving, holePunch })).seen).toBe(
    'uses none; serves 3 members (/ip4/11.0.0.3/tcp/4001); 2 members connected directly, 0 through relays; hole punching on: 1 of 4 became direct',
  )
  const bootstrap = ['a', 'b'].map((address) => ({ address, connected: false }))
  expect(findings.dht(reach({ bootstrap })).status).toBe('ok')
  const lonely = { bootstrap, peers: { direct: 0, relayed: 0 } }
  expect(findings.dht(reach(lonely))).toMatchObject({
    status: 'warn',
    seen: expect.stringContaining('0 of 2 first addresses connected'),
    next: expect.stringContaining('a, b'),
  })
  expect(findings.dht(reach({ dht: { peers: null } })).status).toBe('skip')
  expect(findings.upnp(reach({ upnp: { enabled: true, addresses: [] } })).status).toBe('warn')
  expect(findings.upnp(reach({ upnp: { enabled: true, addresses: ['x'] } })).status).toBe('ok')
  const behind = { is: 'nat' as const, peers: { direct: 1, relayed: 2 } }
  const none = { enabled: true, relayed: 4, upgraded: 0 }
  expect(findings.relay(reach({ ...behind, holePunch: none })).seen).toContain(
    '0 of 4 became direct (between two NATs it does not work over TCP',
  )
})

const servers: ReturnType<typeof createServer>[] = []
afterEach(async () => {
  await Promise.all(servers.splice(0).map((at) => new Promise((resolve) => at.close(resolve))))
})

const withMesh = (mesh: object) => ({ mesh }) as unknown as Config
const signal = new AbortController().signal

test('first addresses are tried: those that answer, and those that do not, with why', async () => {
  const server = createServer((socket) => socket.destroy())
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  const good = `/ip4/127.0.0.1/tcp/${port}/p2p/X`
  const run = (bootstrap: string[]) => bootstrapCheck(withMesh({ dht: { bootstrap } })).run(signal)
  expect(await run([good])).toEqual({ status: 'ok', seen: '1 of 1 answer' })
  expect(await run([good, '/ip4/127.0.0.1/tcp/1/p2p/Y'])).toMatchObject({
    status: 'warn',
    seen: '1 of 2 answer; not: 127.0.0.1:1 (ECONNREFUSED)',
  })
  expect(await run([])).toMatchObject({ status: 'skip' })
})

test('multicast is tried on the interfaces that are asked for', async () => {
  const run = (mdns: object) => multicastCheck(withMesh({ mdns })).run(signal)
  expect(await run({ enabled: false, interfaces: [] })).toMatchObject({ status: 'skip' })
  expect(await run({ enabled: true, interfaces: ['none'] })).toMatchObject({ status: 'skip' })
  const found = await run({ enabled: true, interfaces: [] })
  expect(['ok', 'warn', 'skip']).toContain(found.status)
  if (found.status !== 'skip')
    expect(found.seen).toMatch(/^\S+: (passes|nothing comes back|E[A-Z]+)/)
})
