import { describe, expect, test } from 'vitest'
import {
  announceable,
  announceableOn,
  dialable,
  inSubnet,
  localAddresses,
  parseAddress,
  type LocalAddress,
} from '../../../src/mesh/addresses.ts'
import {
  cameOver,
  chooseInterfaces,
  sameInterfaces,
} from '../../../src/mesh/discovery/interfaces.ts'
import { ALICE } from './samples.ts'

const local: LocalAddress[] = [
  { name: 'lo', address: '127.0.0.1', cidr: '127.0.0.1/8', internal: true },
  { name: 'lo', address: '::1', cidr: '::1/128', internal: true },
  { name: 'eth0', address: '192.0.2.2', cidr: '192.0.2.2/24', internal: false },
  { name: 'eth0', address: 'fd00::2', cidr: 'fd00::2/64', internal: false },
  { name: 'docker0', address: '172.17.0.1', cidr: '172.17.0.1/16', internal: false },
]
const at = (host: string) => `/${host.includes(':') ? 'ip6' : 'ip4'}/${host}/tcp/4001/p2p/${ALICE}`
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
    `/dns4/${'x'.repeat(300)}/tcp/1`,
  ])('refuses %j', (text) => {
    expect(parseAddress(text)).toBeUndefined()
  })
})

describe('announceable', () => {
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
    eth9: [{ ...info, family: 'IPv4' as const, cidr: '10.0.0.1/8' }],
    odd: [{ ...info, family: 'IPv4' as const, cidr: null }],
    none: undefined,
  }
  expect(localAddresses(interfaces)).toEqual([
    { name: 'eth9', address: '10.0.0.1', cidr: '10.0.0.1/8', internal: false },
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
