import { createSocket } from 'node:dgram'
import { afterEach, expect, test } from 'vitest'
import type { LocalAddress } from '../../src/mesh/node/addresses.ts'
import { Counters } from '../../src/mesh/counters.ts'
import { createMdns, type MdnsInit } from '../../src/mesh/discovery/mdns.ts'
import type { Found } from '../../src/mesh/discovery/packets.ts'
import { nullLogger, until, type Startable } from '../../src/util/index.ts'
import { uniqueName } from './support.ts'

const loopback = (address: string): LocalAddress[] => [
  { name: 'lo', address, cidr: `${address}/8`, internal: true },
]
const ids = [
  '12D3KooWHpJtZsCdT2Qs2vCqZ7nH9eCbdJ6h4Nn6oQpQ5x9w3Rka',
  '12D3KooWKnDdG3iXw9eTFijk3EWSunZcFi54Zka4wmtqtt6rPxc8',
]
const started: Startable[] = []
afterEach(async () => {
  await Promise.all(started.splice(0).map((at) => at.stop()))
})

async function start(peerId: string, meshName: string, change: Partial<MdnsInit> = {}) {
  const found: Found[] = []
  const counters = new Counters()
  const state = { local: loopback('127.0.0.1') }
  const mdns = createMdns(
    {
      meshName,
      peerId,
      interfaces: ['lo'],
      intervalMs: 200,
      port: 5353,
      watchMs: 100,
      listening: () => [`/ip4/127.0.0.1/tcp/4001/p2p/${peerId}`],
      onFound: (peer) => found.push(peer),
      ...change,
    },
    { local: () => state.local, counters, logger: nullLogger },
  )
  started.push(mdns)
  await mdns.start()
  return { found, counters, state, mdns }
}

const [first = '', second = ''] = ids

test('every answer is reported, not only the first', async () => {
  const meshName = uniqueName()
  const a = await start(first, meshName)
  await start(second, meshName)
  await until('three reports', 30_000, () => a.found.length >= 3)
  expect(a.found[0]).toEqual({
    peerId: second,
    addresses: [`/ip4/127.0.0.1/tcp/4001/p2p/${second}`],
  })
})

test('when the interface changes the sockets are opened anew and find again', async () => {
  const meshName = uniqueName()
  const a = await start(first, meshName)
  const b = await start(second, meshName)
  await until('a report', 30_000, () => a.found.length > 0 && b.found.length > 0)
  a.state.local = loopback('127.0.0.2')
  await until('a restart', 5000, () => a.counters.snapshot()['mdns.restarts'] === 1)
  a.found.length = 0
  await until('reports after it', 30_000, () => a.found.length > 0)
  a.state.local = []
  await until('no interface', 5000, () => a.counters.snapshot()['mdns.restarts'] === 2)
  a.state.local = loopback('127.0.0.1')
  a.found.length = 0
  await until('reports after it came back', 30_000, () => a.found.length > 0)
})

test('garbage on the port harms nobody', async () => {
  const meshName = uniqueName()
  const a = await start(first, meshName)
  const socket = createSocket('udp4')
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  socket.setMulticastInterface('127.0.0.1')
  for (const size of [0, 1, 12, 500, 9000]) {
    const bytes = Buffer.alloc(size, 0xff)
    await new Promise((resolve) => socket.send(bytes, 5353, '224.0.0.251', resolve))
  }
  socket.close()
  await until('it to be counted', 5000, () => (a.counters.snapshot()['mdns.malformed'] ?? 0) > 0)
  await start(second, meshName)
  await until('a report', 30_000, () => a.found.length > 0)
  expect(a.counters.snapshot()['mdns.failed']).toBeUndefined()
})

test('a port that cannot be had is counted, tried again, and ends nothing', async () => {
  const meshName = uniqueName()
  const socket = createSocket('udp4')
  await new Promise<void>((resolve) => socket.bind(0, '0.0.0.0', resolve))
  const { port } = socket.address()
  const a = await start(first, meshName, { port })
  await until('failures', 5000, () => (a.counters.snapshot()['mdns.failed'] ?? 0) >= 2)
  await new Promise<void>((resolve) => socket.close(() => resolve()))
  await start(second, meshName, { port })
  await until('a report once it is free', 30_000, () => a.found.length > 0)
})
