import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Counters } from '../../../src/mesh/counters.ts'
import { createInbox, MAX_ORDERED_PEERS } from '../../../src/mesh/inbox.ts'
import { maxChanges, topics, type Capabilities } from '../../../src/mesh/wire.ts'
import { encodeJson } from '../../../src/util/index.ts'
import { ALICE, announcement, BOB, hex } from './samples.ts'

function setup() {
  const counters = new Counters()
  const inbox = createInbox({ counters })
  return {
    inbox,
    counted: () => counters.snapshot(),
    gossip: (change?: Partial<Capabilities>, from = ALICE) =>
      inbox.gossip('capabilities', from, encodeJson(announcement(change))),
    direct: (change?: Partial<Capabilities>, from = ALICE) =>
      inbox.direct(from, encodeJson(announcement(change))),
  }
}

describe('capabilities by gossip', () => {
  test('accepts a well-formed announcement of its author', () => {
    const { gossip, counted } = setup()
    expect(gossip()).toMatchObject({ ok: true, isNew: true, message: { name: 'alice' } })
    expect(counted()).toEqual({ 'accepted.capabilities': 1 })
  })

  test.each([
    ['forged', { peerId: BOB }],
    ['expired', { expiresAt: announcement().issuedAt }],
    ['expired', { expiresAt: announcement().issuedAt - 1 }],
    ['expired', { expiresAt: announcement().issuedAt + 600_001 }],
    ['malformed', { peerId: '../../etc' }],
    ['malformed', { sequence: -1 }],
    ['malformed', { slots: { total: 1.5, used: 0 } }],
    ['malformed', { repositories: ['not a repository'] }],
    ['malformed', { v: 2 as 1 }],
  ] as const)('rejects and counts %s: %j', (reason, change) => {
    const { gossip, counted } = setup()
    expect(gossip(change as Partial<Capabilities>)).toEqual({ ok: false, reason, blame: true })
    expect(counted()).toEqual({ [`rejected.${reason}`]: 1 })
  })

  test('rejects what is no JSON, and what is too large before looking at it', () => {
    const { inbox, counted } = setup()
    const tooLarge = new Uint8Array(topics.capabilities.maxBytes + 1)
    expect(inbox.gossip('capabilities', ALICE, tooLarge)).toMatchObject({ reason: 'oversized' })
    for (const bytes of [new Uint8Array(), Uint8Array.of(0xff, 0xfe), Buffer.from('{"v":1')]) {
      expect(inbox.gossip('capabilities', ALICE, bytes)).toMatchObject({ reason: 'malformed' })
    }
    expect(counted()).toEqual({ 'rejected.malformed': 3, 'rejected.oversized': 1 })
  })

  test('never throws, whatever comes', () => {
    const { inbox } = setup()
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), fc.json(), (bytes, json) => {
        expect(inbox.gossip('tasks', ALICE, bytes).ok).toBe(false)
        expect(inbox.gossip('heartbeat', ALICE, Buffer.from(json)).ok).toBe(false)
      }),
    )
  })

  test('rejects replays: the same, an older one, an older incarnation', () => {
    const { gossip, counted } = setup()
    const { startedAt } = announcement()
    expect(gossip({ sequence: 5 }).ok).toBe(true)
    expect(gossip({ sequence: 5 })).toEqual({ ok: false, reason: 'replayed', blame: false })
    expect(gossip({ sequence: 4 }).ok).toBe(false)
    expect(gossip({ sequence: 6 }).ok).toBe(true)
    const restarted = { incarnation: hex('b'), startedAt: startedAt + 1, sequence: 1 }
    expect(gossip(restarted).ok).toBe(true)
    expect(gossip({ sequence: 7 }).ok).toBe(false)
    expect(gossip({ incarnation: hex('c'), startedAt, sequence: 99 }).ok).toBe(false)
    expect(counted()['rejected.replayed']).toBe(4)
  })

  test('keeps peers apart', () => {
    const { gossip } = setup()
    expect(gossip({ sequence: 5 }).ok).toBe(true)
    expect(gossip({ peerId: BOB, sequence: 1 }, BOB).ok).toBe(true)
  })

  test('forgets the peer heard least recently when there are too many', () => {
    const { inbox } = setup()
    const peer = (n: number) => `12D3KooW${String(n).replaceAll('0', 'z').padStart(44, 'x')}`
    const send = (n: number) =>
      inbox.gossip('capabilities', peer(n), encodeJson(announcement({ peerId: peer(n) })))
    for (let n = 1; n <= MAX_ORDERED_PEERS + 1; n += 1) expect(send(n).ok).toBe(true)
    expect(send(MAX_ORDERED_PEERS + 1).ok).toBe(false)
    expect(send(1).ok).toBe(true)
  })
})

describe('capabilities read directly', () => {
  test('the same sequence again is a refresh, an older one a replay', () => {
    const { direct } = setup()
    expect(direct({ sequence: 3 }).ok).toBe(true)
    expect(direct({ sequence: 3 })).toMatchObject({ ok: true, isNew: true })
    expect(direct({ sequence: 2 })).toMatchObject({ ok: false, reason: 'replayed' })
  })

  test('gossip of what was read is passed on but not delivered again', () => {
    const { direct, gossip } = setup()
    direct({ sequence: 3 })
    expect(gossip({ sequence: 3 })).toMatchObject({ ok: true, isNew: false })
    expect(gossip({ sequence: 3 })).toMatchObject({ ok: false, reason: 'replayed' })
    expect(gossip({ sequence: 4 })).toMatchObject({ ok: true, isNew: true })
  })

  test('a peer whose clock went back is heard again, and its former incarnation is not', () => {
    const { direct, gossip } = setup()
    const { startedAt } = announcement()
    gossip({ sequence: 9 })
    const back = { incarnation: hex('b'), startedAt: startedAt - 3_600_000 }
    expect(gossip({ ...back, sequence: 1 }).ok).toBe(false)
    expect(direct({ ...back, sequence: 1 }).ok).toBe(true)
    expect(gossip({ ...back, sequence: 2 }).ok).toBe(true)
    expect(gossip({ sequence: 10 })).toMatchObject({ ok: false, reason: 'replayed' })
  })

  test('forged, expired and oversized ones are rejected here, too', () => {
    const { direct, inbox } = setup()
    expect(direct({ peerId: BOB })).toMatchObject({ reason: 'forged' })
    expect(direct({ expiresAt: 0 })).toMatchObject({ reason: 'expired' })
    expect(inbox.direct(ALICE, new Uint8Array(20_000))).toMatchObject({ reason: 'oversized' })
  })
})

describe('other topics', () => {
  test('heartbeats rise within an incarnation', () => {
    const { inbox, gossip } = setup()
    gossip()
    const beat = (sequence: number) =>
      inbox.gossip('heartbeat', ALICE, encodeJson({ v: 1, incarnation: hex('a'), sequence, at: 1 }))
    expect([1, 2, 2, 1, 3].map((sequence) => beat(sequence).ok)).toEqual([
      true,
      true,
      false,
      false,
      true,
    ])
  })

  test('task hints are decoded with their own limit', () => {
    const { inbox } = setup()
    const hint = { v: 1, repo: 'acme/widgets', issue: 7, event: 'claimed', attempt: 1, at: 1 }
    expect(inbox.gossip('tasks', ALICE, encodeJson(hint))).toMatchObject({ ok: true })
    expect(inbox.gossip('tasks', ALICE, encodeJson({ ...hint, oid: 'main' })).ok).toBe(false)
    const padded = Buffer.concat([encodeJson(hint), Buffer.alloc(2048, ' ')])
    expect(inbox.gossip('tasks', ALICE, padded)).toMatchObject({ reason: 'oversized' })
  })

  test('ticks and limits are bounded in number, size and form', () => {
    const { inbox } = setup()
    const changed = Array.from({ length: maxChanges }, (_, issue) => ({
      issue,
      updatedAt: '2026-01-02T03:04:05.678Z',
      gone: true,
    }))
    const tick = { v: 1, repo: 'acme/widgets', at: 1, tick: 1, everyMs: 30_000, complete: true }
    const ok = (topic: 'issues' | 'limits', message: object) =>
      inbox.gossip(topic, ALICE, encodeJson(message)).ok
    expect(ok('issues', { ...tick, changed })).toBe(true)
    expect(ok('issues', { ...tick, changed: [...changed, changed[0]] })).toBe(false)
    expect(ok('issues', { ...tick, changed: [{ issue: -1, updatedAt: '' }] })).toBe(false)
    expect(ok('issues', { ...tick, changed: [], everyMs: 1e9 })).toBe(false)
    expect(ok('issues', { ...tick, changed: [], repo: 'widgets' })).toBe(false)
    const report = { v: 1, principal: 'user:bot@host', remaining: 1, limit: 2, resetAtMs: 3, at: 4 }
    expect(ok('limits', report)).toBe(true)
    expect(ok('limits', { ...report, principal: 'x'.repeat(201) })).toBe(false)
    expect(ok('limits', { ...report, remaining: -1 })).toBe(false)
  })
})
