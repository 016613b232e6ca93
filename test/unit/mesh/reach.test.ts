import { describe, expect, test } from 'vitest'
import type { LocalAddress } from '../../../src/mesh/node/addresses.ts'
import { bootstrapState } from '../../../src/mesh/reach/bootstrap.ts'
import {
  chooseRelays,
  isOwn,
  isPublicAddress,
  servesRelay,
} from '../../../src/mesh/reach/choose.ts'
import { override } from '../../../src/mesh/node/override.ts'
import { relayGater } from '../../../src/mesh/reach/relay-server.ts'
import { announcedAddress, reachOf, type Seen } from '../../../src/mesh/reach/report.ts'
import { ALICE, BOB, CAROL } from './samples.ts'

const lan: LocalAddress[] = [
  { name: 'lo', address: '127.0.0.1', cidr: '127.0.0.1/8', internal: true },
  { name: 'eth0', address: '192.168.7.2', cidr: '192.168.7.2/24', internal: false },
]
const at = (host: string) => `/ip4/${host}/tcp/4001/p2p/${ALICE}`
const through = (host: string) => `/ip4/${host}/tcp/4001/p2p/${BOB}/p2p-circuit/p2p/${ALICE}`

describe('chooseRelays', () => {
  const candidate = (peerId: string, change = {}) => ({
    peerId,
    held: false,
    failures: 0,
    notBefore: 0,
    ...change,
  })
  const options = { wanted: 2, now: 100, random: () => 0.5 }

  test('as many as are missing, those first that failed least, none before its time', () => {
    const candidates = [
      candidate('often', { failures: 3 }),
      candidate('late', { notBefore: 101 }),
      candidate('once', { failures: 1 }),
      candidate('never'),
    ]
    expect(chooseRelays(candidates, options)).toEqual(['never', 'once'])
    const held = [...candidates, candidate('held', { held: true })]
    expect(chooseRelays(held, options)).toEqual(['never'])
    const enough = [...held, candidate('other', { held: true, notBefore: 500 })]
    expect(chooseRelays(enough, options)).toEqual([])
  })

  test('among equals, chance decides, so that not all go to one', () => {
    const equal = ['a', 'b', 'c'].map((peerId) => candidate(peerId))
    const numbers = [0.9, 0.1, 0.5]
    expect(chooseRelays(equal, { ...options, random: () => numbers.shift() ?? 0 })).toEqual([
      'b',
      'c',
    ])
  })
})

describe('servesRelay', () => {
  test('with a public address of its own, or when told', () => {
    expect(servesRelay('auto', [at('192.168.7.2')]).serves).toBe(false)
    expect(servesRelay('auto', [at('192.168.7.2'), at('11.0.0.3')])).toEqual({
      serves: true,
      because: at('11.0.0.3'),
    })
    expect(servesRelay('auto', ['/dns4/mesh.example/tcp/4001']).serves).toBe(true)
    expect(servesRelay(true, []).serves).toBe(true)
    expect(servesRelay(false, [at('11.0.0.3')]).serves).toBe(false)
  })

  test('an address at another relay is not its own', () => {
    expect(isPublicAddress(through('11.0.0.3'))).toBe(false)
    expect(servesRelay('auto', [through('11.0.0.3')]).serves).toBe(false)
    expect(isOwn(at('192.168.7.2'), lan)).toBe(true)
    expect(isOwn(at('192.168.7.3'), lan)).toBe(false)
    expect(isOwn(through('192.168.7.2'), lan)).toBe(false)
  })
})

describe('reachOf', () => {
  const seen = (change: Partial<Seen>): Seen => ({
    announced: [at('192.168.7.2')],
    checks: new Map(),
    local: lan,
    observed: [],
    dialledFromOutside: false,
    relays: [],
    ...change,
  })
  const is = (change: Partial<Seen>) => reachOf(seen(change)).is
  const open = { announced: [at('11.0.0.3')] }
  const check = (value: 'confirmed' | 'failed' | 'waiting') =>
    new Map([['/ip4/11.0.0.3/tcp/4001', value]])

  test('nobody was met; only near ones were', () => {
    expect(is({})).toBe('unknown')
    expect(is({ observed: [{ host: '192.168.7.2', by: '192.168.7.9' }] })).toBe('local')
    expect(is({ observed: [{ host: '127.0.0.1', by: '127.0.0.1' }] })).toBe('local')
  })

  test('members outside see another address: a NAT is between', () => {
    const far = { observed: [{ host: '11.0.0.200', by: '11.0.0.3' }] }
    expect(reachOf(seen(far))).toEqual({
      is: 'nat',
      because: 'members outside see it as 11.0.0.200; nobody outside can dial it',
    })
    expect(reachOf(seen({ ...far, relays: [BOB] })).because).toContain('through relays')
    expect(is({ observed: [{ host: '192.168.7.2', by: '10.9.9.9' }] })).toBe('routed')
  })

  test('a public address: what AutoNAT and the others did with it', () => {
    expect(is(open)).toBe('unconfirmed')
    expect(is({ ...open, checks: check('waiting') })).toBe('unconfirmed')
    expect(is({ ...open, checks: check('confirmed') })).toBe('open')
    expect(is({ ...open, checks: check('failed') })).toBe('closed')
    expect(is({ ...open, checks: check('failed'), dialledFromOutside: true })).toBe('open')
    expect(is({ dialledFromOutside: true })).toBe('open')
  })
})

test('an announced address is told with its kind and what is known of it', () => {
  const checks = new Map([['/ip4/11.0.0.3/tcp/4001', 'confirmed' as const]])
  const kinds = [at('11.0.0.3'), at('10.0.0.3'), at('127.0.0.1'), through('11.0.0.9')]
  expect(kinds.map((text) => announcedAddress(text, checks))).toEqual([
    { address: kinds[0], kind: 'public', check: 'confirmed' },
    { address: kinds[1], kind: 'private' },
    { address: kinds[2], kind: 'loopback' },
    { address: kinds[3], kind: 'relayed' },
  ])
})

test('the gater lets members relay for members, and nobody else', async () => {
  let denied = 0
  const gater = relayGater(
    (peerId) => [ALICE, BOB].includes(peerId),
    () => (denied += 1),
  )
  const id = (peerId: string) => ({ toString: () => peerId }) as never
  expect(await gater.denyInboundRelayReservation(id(ALICE))).toBe(false)
  expect(await gater.denyInboundRelayReservation(id(CAROL))).toBe(true)
  for (const denies of [gater.denyOutboundRelayedConnection, gater.denyInboundRelayedConnection]) {
    expect(await denies(id(ALICE), id(BOB))).toBe(false)
    expect(await denies(id(CAROL), id(BOB))).toBe(true)
    expect(await denies(id(ALICE), id(CAROL))).toBe(true)
  }
  expect(denied).toBe(5)
})

test('override replaces some methods and keeps the rest, with their own state', () => {
  class Counter {
    #count = 0
    next() {
      return (this.#count += 1)
    }
    name() {
      return 'own'
    }
  }
  const counter = new Counter()
  const other = override(counter, { name: () => 'other' })
  expect([other.next(), counter.next(), other.name(), counter.name()]).toEqual([
    1,
    2,
    'other',
    'own',
  ])
})

test('bootstrapState says which first addresses lead to a connected peer', () => {
  const node = {
    peerId: { toString: () => CAROL },
    getConnections: () => [
      { remotePeer: { toString: () => ALICE }, remoteAddr: { toString: () => at('10.0.0.1') } },
      {
        remotePeer: { toString: () => BOB },
        remoteAddr: { toString: () => '/ip4/10.0.0.2/tcp/1' },
      },
    ],
  }
  const configured = [
    at('10.0.0.9'),
    '/ip4/10.0.0.2/tcp/1',
    '/ip4/10.0.0.2/tcp/12',
    `/ip4/10.0.0.3/tcp/1/p2p/${CAROL}`,
  ]
  expect(bootstrapState(configured, node as never)).toEqual([
    { address: configured[0], connected: true },
    { address: configured[1], connected: true },
    { address: configured[2], connected: false },
  ])
  expect(bootstrapState(['/ip4/10.0.0.2/tcp/1'], undefined)).toEqual([
    { address: '/ip4/10.0.0.2/tcp/1', connected: false },
  ])
})
