import { describe, expect, test } from 'vitest'
import {
  announceable,
  announceableOn,
  dialable,
  inSubnet,
  isPublic,
  localAddresses,
  MAX_BEFORE_RELAY,
  MAX_RELAYED,
  parseAddress,
  type LocalAddress,
} from '../../../src/mesh/node/addresses.ts'
import {
  cameOver,
  chooseInterfaces,
  sameInterfaces,
} from '../../../src/mesh/discovery/interfaces.ts'
import { ALICE, BOB, CAROL } from './samples.ts'

const local: LocalAddress[] = [
  { name: 'lo', address: '127.0.0.1', cidr: '127.0.0.1/8', internal: true },
  { name: 'lo', address: '::1', cidr: '::1/128', internal: true },
  { name: 'eth0', address: '192.0.2.2', cidr: '192.0.2.2/24', internal: false },
  { name: 'eth0', address: 'fd00::2', cidr: 'fd00::2/64', internal: false },
  { name: 'docker0', address: '172.17.0.1', cidr: '172.17.0.1/16', internal: false },
]
const at = (host: string) => `/${host.includes(':') ? 'ip6' : 'ip4'}/${host}/tcp/4001/p2p/${ALICE}`
const through = (host: string, relay = BOB) =>
  `/ip4/${host}/tcp/4001/p2p/${relay}/p2p-circuit/p2p/${ALICE}`
const all = local.map(({ address }) => at(address))

describe('parseAddress', () => {
  test('reads TCP over IP and DNS', () => {
    expect(parseAddress(at('192.0.2.2'))).toEqual({ host: '192.0.2.2', port: 4001, peerId: ALICE })
    expect(parseAddress('/dns4/mesh.example/tcp/9')).toMatchObject({ host: 'mesh.example' })
  })

  test.each([
    '',
    'nonsense',
    '/ip4/1.2.3.4',
    '/ip4/1.2.3.4/udp/1/quic-v1',
    '/ip4/1.2.3.4/tcp/0',
    '/ip4/300.2.3.4/tcp/1',
    '/unix/tmp',
    `/ip4/1.2.3.4/tcp/1/ws/p2p/${ALICE}`,
    `/ip4/1.2.3.4/tcp/1/p2p/${ALICE}/p2p-circuit`,
    `/ip4/1.2.3.4/tcp/1/p2p-circuit/p2p/${ALICE}`,
    `/ip4/1.2.3.4/tcp/1/p2p/${ALICE}/p2p-circuit/p2p/${ALICE}`,
    `/ip4/1.2.3.4/tcp/1/p2p/${BOB}/p2p-circuit/p2p/${ALICE}/p2p-circuit/p2p/${BOB}`,
    `/dns4/${'x'.repeat(300)}/tcp/1`,
  ])('refuses %j', (text) => {
    expect(parseAddress(text)).toBeUndefined()
  })
})

test('an address through a relay names the relay, its host, and the peer behind it', () => {
  expect(parseAddress(through('198.51.100.1'))).toEqual({
    host: '198.51.100.1',
    port: 4001,
    peerId: ALICE,
    relay: BOB,
  })
})

test('isPublic knows what can be dialled from anywhere, as far as an address tells', () => {
  expect(['11.0.0.1', '2a00::1', 'mesh.example'].filter((host) => !isPublic(host))).toEqual([])
  const near = ['10.0.0.1', '192.168.1.1', '172.16.0.1', '100.64.0.1', '127.0.0.1', '169.254.1.1']
  expect([...near, 'fd00::1', 'fe80::1', '::1', 'localhost'].filter(isPublic)).toEqual([])
})

describe('announceable', () => {
  test('some addresses through relays, beside the best of its own', () => {
    const relayed = Array.from({ length: 9 }, (_, n) => through(`198.51.100.${n + 1}`))
    expect(announceable([...relayed, ...all, through('127.0.0.1')], local)).toEqual([
      at('192.0.2.2'),
      at('fd00::2'),
      ...relayed.slice(0, MAX_RELAYED),
    ])
    expect(announceable([through('127.0.0.1')], local)).toEqual([through('127.0.0.1')])
  })

  test('real interfaces only, when there are any', () => {
    expect(announceable(all, local)).toEqual([at('192.0.2.2'), at('fd00::2')])
  })

  test('a bridge, link-local or loopback address when it is the best there is', () => {
    expect(announceable([at('172.17.0.1'), at('127.0.0.1')], local)).toEqual([at('172.17.0.1')])
    expect(announceable([at('169.254.1.1'), at('::1')], local)).toEqual([at('169.254.1.1')])
    expect(announceable([at('127.0.0.1')], local)).toEqual([at('127.0.0.1')])
    expect(announceable([], local)).toEqual([])
  })
})

describe('announceableOn', () => {
  test('loopback addresses leave on loopback only, others on their own interface', () => {
    expect(announceableOn(all, { name: 'lo', internal: true }, local)).toEqual([
      at('127.0.0.1'),
      at('::1'),
    ])
    expect(announceableOn(all, { name: 'eth0', internal: false }, local)).toEqual([
      at('192.0.2.2'),
      at('fd00::2'),
    ])
    expect(announceableOn([at('127.0.0.1')], { name: 'eth0', internal: false }, local)).toEqual([])
    expect(announceableOn([at('192.0.2.2')], { name: 'lo', internal: true }, local)).toEqual([])
  })

  test('whoever hears it on the link needs no relay', () => {
    const list = [at('192.0.2.2'), through('192.0.2.9')]
    expect(announceableOn(list, { name: 'eth0', internal: false }, local)).toEqual([list[0]])
  })

  test('an address from the configuration that no interface has goes out, too', () => {
    const mapped = [at('203.0.113.9')]
    expect(announceableOn(mapped, { name: 'eth0', internal: false }, local)).toEqual(mapped)
  })
})

describe('dialable', () => {
  test('the shared subnet first; what looks like a bridge not at all', () => {
    expect(
      dialable([at('172.17.0.5'), at('198.51.100.1'), at('127.0.0.1'), at('192.0.2.9')], local),
    ).toEqual([at('192.0.2.9'), at('127.0.0.1'), at('198.51.100.1')])
  })

  test('anything, when there is nothing better', () => {
    expect(dialable([at('172.17.0.5')], local)).toEqual([at('172.17.0.5')])
    expect(dialable([at('127.0.0.1')], local)).toEqual([at('127.0.0.1')])
  })

  test('relays last, with time left for them, and those first that are connected', () => {
    const many = Array.from({ length: 9 }, (_, n) => at(`198.51.100.${n + 1}`))
    const [one, two] = [through('203.0.113.1', CAROL), through('203.0.113.2', BOB)]
    const other = through('203.0.113.3', BOB)
    expect(dialable([one, two, other, ...many, at('192.0.2.9')], local)).toEqual([
      at('192.0.2.9'),
      ...many.slice(0, MAX_BEFORE_RELAY - 1),
      one,
      two,
      other,
    ])
    const isConnected = (relay: string) => relay === BOB
    expect(dialable([one, two, other], local, { isConnected })).toEqual([two, one])
    expect(dialable([through('127.0.0.1')], local)).toEqual([through('127.0.0.1')])
  })

  test('never to or through oneself', () => {
    expect(dialable([at('192.0.2.9'), through('203.0.113.1')], local, { self: BOB })).toEqual([
      at('192.0.2.9'),
    ])
    expect(dialable([at('192.0.2.9')], local, { self: ALICE })).toEqual([])
  })

  test('drops nonsense and repetitions, and is bounded', () => {
    expect(dialable(['x', at('192.0.2.9'), at('192.0.2.9')], local)).toEqual([at('192.0.2.9')])
    const many = Array.from({ length: 99 }, (_, n) => at(`198.51.100.${n + 1}`))
    expect(dialable(many, local)).toHaveLength(16)
  })
})

test('inSubnet knows both families and does not mix them', () => {
  const [, , eth4, eth6] = local
  expect(inSubnet('192.0.2.77', eth4!)).toBe(true)
  expect(inSubnet('192.0.3.77', eth4!)).toBe(false)
  expect(inSubnet('fd00::77', eth6!)).toBe(true)
  expect(inSubnet('192.0.2.77', eth6!)).toBe(false)
  expect(inSubnet('host.example', eth4!)).toBe(false)
})

test('localAddresses flattens what the system reports', () => {
  const info = { address: '10.0.0.1', netmask: '255.0.0.0', mac: '', internal: false }
  const interfaces = {
    eth9: [{ ...info, family: 'IPv4' as const, cidr: '10.0.0.1/8', mac: '02:00:00:00:00:01' }],
    odd: [{ ...info, family: 'IPv4' as const, cidr: null }],
    none: undefined,
  }
  const eth9 = { name: 'eth9', address: '10.0.0.1', cidr: '10.0.0.1/8', internal: false }
  expect(localAddresses(interfaces)).toEqual([{ ...eth9, instance: '02:00:00:00:00:01' }])
  expect(localAddresses(interfaces, () => '7')).toEqual([
    { ...eth9, instance: '7 02:00:00:00:00:01' },
  ])
})

describe('chooseInterfaces', () => {
  const names = (listening: string[], asked?: string[]) =>
    chooseInterfaces(local, listening, asked).map(({ name }) => name)

  test('those with an address that is listened on; bridges and loopback only if need be', () => {
    expect(names(all)).toEqual(['eth0'])
    expect(names([at('172.17.0.1'), at('127.0.0.1')])).toEqual(['docker0'])
    expect(names([at('127.0.0.1')])).toEqual(['lo'])
    expect(names([at('fd00::2')])).toEqual(['eth0'])
  })

  test('exactly those that are asked for', () => {
    expect(names(all, ['lo'])).toEqual(['lo'])
    expect(names(all, ['lo', 'eth0'])).toEqual(['lo', 'eth0'])
    expect(names(all, ['wlan7'])).toEqual([])
  })

  test('notices another address on the same name', () => {
    const before = chooseInterfaces(local, all, ['eth0', 'lo'])
    const after = chooseInterfaces(local, all, ['lo', 'eth0']).reverse()
    expect(sameInterfaces(before, after)).toBe(true)
    const moved = before.map((iface) => ({ ...iface, address: '192.0.2.3' }))
    expect(sameInterfaces(before, moved)).toBe(false)
  })

  test('notices an interface that was made anew with the same name and address', () => {
    const number = (index: number) => local.map((one) => ({ ...one, instance: `${index}` }))
    const [before, same] = [number(3), number(3)].map((list) => chooseInterfaces(list, all))
    expect(sameInterfaces(before!, same!)).toBe(true)
    expect(sameInterfaces(before!, chooseInterfaces(number(4), all))).toBe(false)
  })

  test('a relay is no interface', () => {
    expect(names([through('192.0.2.2')])).toEqual(['lo'])
  })
})

test('cameOver assigns a packet to one interface', () => {
  const lo = { name: 'lo', address: '127.0.0.1', internal: true }
  const eth0 = { name: 'eth0', address: '192.0.2.2', internal: false }
  expect(cameOver('127.0.0.1', lo, local)).toBe(true)
  expect(cameOver('127.0.0.1', eth0, local)).toBe(false)
  expect(cameOver('192.0.2.9', eth0, local)).toBe(true)
  expect(cameOver('192.0.2.9', lo, local)).toBe(false)
  expect(cameOver('172.17.0.9', eth0, local)).toBe(false)
  expect(cameOver('198.51.100.9', eth0, local)).toBe(true)
})
