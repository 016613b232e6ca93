import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Counters } from '../../../src/mesh/counters.ts'
import { createInbox, MAX_ORDERED_PEERS } from '../../../src/mesh/gossip/inbox.ts'
import { maxChanges, topics, type Capabilities } from '../../../src/mesh/wire.ts'
import { encodeJson } from '../../../src/util/index.ts'
import { ALICE, announcement, BOB, hex, MESH, person, type Person } from './samples.ts'

const [alice, bob] = await Promise.all([person(), person()])

function setup(isMember?: (peerId: string) => boolean) {
  const counters = new Counters()
  const inbox = createInbox({ meshName: MESH, counters, ...(isMember && { isMember }) })
  const bytes = async (...args: Parameters<Person['announce']>) =>
    encodeJson((await alice.announce(...args)).announcement)
  return {
    inbox,
    counted: () => counters.snapshot(),
    gossip: async (...args: Parameters<Person['announce']>) =>
      inbox.gossip('capabilities', alice.peerId, await bytes(...args)),
    direct: async (...args: Parameters<Person['announce']>) =>
      inbox.direct(alice.peerId, await bytes(...args)),
    handedOn: async (...args: Parameters<Person['announce']>) =>
      inbox.handedOn((await alice.announce(...args)).announcement),
  }
}

const replayed = { ok: false, reason: 'replayed', blame: false }

describe('capabilities by gossip', () => {
  test('accepts a well-formed announcement of its author', async () => {
    const { gossip, counted } = setup()
    expect(await gossip()).toMatchObject({
      ok: true,
      isNew: true,
      message: { capabilities: { name: 'alice' } },
    })
    expect(counted()).toEqual({ 'accepted.capabilities': 1 })
  })

  test.each([
    ['forged', { peerId: BOB }],
    ['malformed', { peerId: '../../etc' }],
    ['malformed', { sequence: -1 }],
    ['malformed', { slots: { total: 1.5, used: 0 } }],
    ['malformed', { repositories: ['not a repository'] }],
    ['malformed', { v: 2 as 1 }],
  ] as const)('rejects and counts %s: %j', async (reason, change) => {
    const { gossip, counted } = setup()
    expect(await gossip(change as Partial<Capabilities>)).toEqual({
      ok: false,
      reason,
      blame: true,
    })
    expect(counted()).toEqual({ [`rejected.${reason}`]: 1 })
  })

  test('rejects what somebody else signed, what was changed, and what is for another mesh', async () => {
    const { gossip, inbox, counted } = setup()
    const forged = { ok: false, reason: 'forged', blame: true }
    expect(await gossip({}, { person: bob })).toEqual(forged)
    expect(await gossip({}, { meshName: 'another' })).toEqual(forged)
    const { announcement: honest } = await alice.announce()
    const changed = { ...honest, payload: honest.payload.replace('alice', 'alicf') }
    expect(await inbox.gossip('capabilities', alice.peerId, encodeJson(changed))).toEqual(forged)
    expect(counted()).toEqual({ 'rejected.forged': 3 })
  })

  test('keeps what was signed as it is, also fields that are not known here', async () => {
    const { inbox } = setup()
    const { announcement: sent } = await alice.announce({ colour: 'blue' } as object)
    const verdict = await inbox.gossip('capabilities', alice.peerId, encodeJson(sent))
    expect(verdict).toMatchObject({ ok: true, message: { announcement: sent } })
    expect(sent.payload).toContain('blue')
  })

  test('who is not a member is not heard, and nobody is blamed for passing it on', async () => {
    const { gossip, direct, handedOn, inbox, counted } = setup((of) => of === bob.peerId)
    const stranger = { ok: false, reason: 'stranger', blame: false }
    expect(await gossip()).toEqual(stranger)
    expect(await direct()).toEqual(stranger)
    expect(await handedOn()).toEqual(stranger)
    const hint = { v: 1, repo: 'acme/widgets', issue: 7, event: 'claimed', attempt: 1, at: 1 }
    expect(await inbox.gossip('tasks', alice.peerId, encodeJson(hint))).toEqual(stranger)
    expect((await inbox.gossip('tasks', bob.peerId, encodeJson(hint))).ok).toBe(true)
    expect(counted()['rejected.stranger']).toBe(4)
  })

  test('rejects what is no JSON, and what is too large before looking at it', async () => {
    const { inbox, counted } = setup()
    const hear = (bytes: Uint8Array) => inbox.gossip('capabilities', ALICE, bytes)
    const tooLarge = new Uint8Array(topics.capabilities.maxBytes + 1)
    expect(await hear(tooLarge)).toMatchObject({ reason: 'oversized' })
    for (const bytes of [new Uint8Array(), Uint8Array.of(0xff, 0xfe), Buffer.from('{"v":1')]) {
      expect(await hear(bytes)).toMatchObject({ reason: 'malformed' })
    }
    expect(counted()).toEqual({ 'rejected.malformed': 3, 'rejected.oversized': 1 })
  })

  test('never throws, whatever comes', async () => {
    const { inbox } = setup()
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 600 }), fc.json(), async (bytes, json) => {
        expect((await inbox.gossip('tasks', ALICE, bytes)).ok).toBe(false)
        expect((await inbox.gossip('heartbeat', ALICE, Buffer.from(json))).ok).toBe(false)
        const announcement = { payload: json, signature: 'x'.repeat(86) }
        expect((await inbox.handedOn(announcement)).ok).toBe(false)
      }),
    )
  })

  test('rejects replays: the same, an older one, an older incarnation', async () => {
    const { gossip, counted } = setup()
    const { startedAt } = announcement()
    expect((await gossip({ sequence: 5 })).ok).toBe(true)
    expect(await gossip({ sequence: 5 })).toEqual(replayed)
    expect((await gossip({ sequence: 4 })).ok).toBe(false)
    expect((await gossip({ sequence: 6 })).ok).toBe(true)
    const restarted = { incarnation: hex('b'), startedAt: startedAt + 1, sequence: 1 }
    expect((await gossip(restarted)).ok).toBe(true)
    expect((await gossip({ sequence: 7 })).ok).toBe(false)
    expect((await gossip({ incarnation: hex('c'), startedAt, sequence: 99 })).ok).toBe(false)
    expect(counted()['rejected.replayed']).toBe(4)
  })

  test('keeps peers apart', async () => {
    const { gossip, inbox } = setup()
    expect((await gossip({ sequence: 5 })).ok).toBe(true)
    const { announcement: bobs } = await bob.announce({ sequence: 1 })
    expect((await inbox.gossip('capabilities', bob.peerId, encodeJson(bobs))).ok).toBe(true)
  })
})

test('forgets the peer heard least recently when there are too many', async () => {
  const { inbox } = setup()
  const people = await Promise.all(Array.from({ length: MAX_ORDERED_PEERS + 1 }, person))
  const send = async (who: Person | undefined) => {
    if (who === undefined) throw new Error('nobody')
    return (await inbox.handedOn((await who.announce()).announcement)) as { isNew: boolean }
  }
  for (const who of people) expect(await send(who)).toMatchObject({ isNew: true })
  expect(await send(people.at(-1))).toMatchObject({ isNew: false })
  expect(await send(people[0])).toMatchObject({ isNew: true })
})

describe('capabilities read directly', () => {
  test('the same sequence again is a refresh, an older one a replay', async () => {
    const { direct } = setup()
    expect((await direct({ sequence: 3 })).ok).toBe(true)
    expect(await direct({ sequence: 3 })).toMatchObject({ ok: true, isNew: true })
    expect(await direct({ sequence: 2 })).toEqual(replayed)
  })

  test('gossip of what was read is passed on but not delivered again', async () => {
    const { direct, gossip } = setup()
    await direct({ sequence: 3 })
    expect(await gossip({ sequence: 3 })).toMatchObject({ ok: true, isNew: false })
    expect(await gossip({ sequence: 3 })).toEqual(replayed)
    expect(await gossip({ sequence: 4 })).toMatchObject({ ok: true, isNew: true })
  })

  test('a peer whose clock went back is heard again, and its former incarnation is not', async () => {
    const { direct, gossip, handedOn } = setup()
    const { startedAt } = announcement()
    await gossip({ sequence: 9 })
    const back = { incarnation: hex('b'), startedAt: startedAt - 3_600_000 }
    expect((await gossip({ ...back, sequence: 1 })).ok).toBe(false)
    expect((await direct({ ...back, sequence: 1 })).ok).toBe(true)
    expect((await gossip({ ...back, sequence: 2 })).ok).toBe(true)
    expect(await gossip({ sequence: 10 })).toEqual(replayed)
    expect(await handedOn({ sequence: 10 })).toEqual(replayed)
  })

  test('forged and oversized ones are rejected here, too', async () => {
    const { direct, inbox } = setup()
    expect(await direct({ peerId: BOB })).toMatchObject({ reason: 'forged' })
    expect(await direct({}, { person: bob })).toMatchObject({ reason: 'forged' })
    const large = await inbox.direct(alice.peerId, new Uint8Array(20_000))
    expect(large).toMatchObject({ reason: 'oversized' })
  })
})

describe('capabilities that a third peer hands on', () => {
  test('are taken when newer; what is known is no news; older ones and forgeries are refused', async () => {
    const { handedOn, gossip, counted } = setup()
    expect(await handedOn({ sequence: 3 })).toMatchObject({ ok: true, isNew: true })
    expect(await handedOn({ sequence: 3 })).toMatchObject({ ok: true, isNew: false })
    expect(await handedOn({ sequence: 2 })).toEqual(replayed)
    expect(await handedOn({ sequence: 9 }, { person: bob })).toMatchObject({ reason: 'forged' })
    expect(await handedOn({ sequence: 9 }, { meshName: 'x' })).toMatchObject({ reason: 'forged' })
    expect(await gossip({ sequence: 3 })).toMatchObject({ ok: true, isNew: false })
    expect(await handedOn({ sequence: 4 })).toMatchObject({ ok: true, isNew: true })
    const former = { incarnation: hex('0'), startedAt: 1, sequence: 99 }
    expect(await handedOn(former)).toEqual(replayed)
    expect(counted()).toMatchObject({ 'rejected.forged': 2, 'rejected.replayed': 2 })
  })
})

describe('other topics', () => {
  test('heartbeats rise within an incarnation', async () => {
    const { inbox, gossip } = setup()
    await gossip()
    const rest = { v: 1, incarnation: hex('a'), at: 1, everyMs: 5000, startedAt: 1, announced: 1 }
    const beat = (sequence: number) =>
      inbox.gossip('heartbeat', alice.peerId, encodeJson({ ...rest, sequence }))
    const verdicts = await Promise.all([1, 2, 2, 1, 3].map(beat))
    expect(verdicts.map(({ ok }) => ok)).toEqual([true, true, false, false, true])
  })

  test('task hints are decoded with their own limit', async () => {
    const { inbox } = setup()
    const hint = { v: 1, repo: 'acme/widgets', issue: 7, event: 'claimed', attempt: 1, at: 1 }
    expect(await inbox.gossip('tasks', ALICE, encodeJson(hint))).toMatchObject({ ok: true })
    const invalid = encodeJson({ ...hint, oid: 'main' })
    expect((await inbox.gossip('tasks', ALICE, invalid)).ok).toBe(false)
    const padded = Buffer.concat([encodeJson(hint), Buffer.alloc(2048, ' ')])
    expect(await inbox.gossip('tasks', ALICE, padded)).toMatchObject({ reason: 'oversized' })
  })

  test('ticks and limits are bounded in number, size and form', async () => {
    const { inbox } = setup()
    const changed = Array.from({ length: maxChanges }, (_, issue) => ({
      issue,
      updatedAt: '2026-01-02T03:04:05.678Z',
      gone: true,
    }))
    const tick = { v: 1, repo: 'acme/widgets', at: 1, tick: 1, everyMs: 30_000, complete: true }
    const ok = async (topic: 'issues' | 'limits', message: object) =>
      (await inbox.gossip(topic, ALICE, encodeJson(message))).ok
    expect(await ok('issues', { ...tick, changed })).toBe(true)
    expect(await ok('issues', { ...tick, changed: [...changed, changed[0]] })).toBe(false)
    expect(await ok('issues', { ...tick, changed: [{ issue: -1, updatedAt: '' }] })).toBe(false)
    expect(await ok('issues', { ...tick, changed: [], everyMs: 1e9 })).toBe(false)
    expect(await ok('issues', { ...tick, changed: [], repo: 'widgets' })).toBe(false)
    const report = { v: 1, principal: 'user:bot@host', remaining: 1, limit: 2, resetAtMs: 3, at: 4 }
    expect(await ok('limits', report)).toBe(true)
    expect(await ok('limits', { ...report, principal: 'x'.repeat(201) })).toBe(false)
    expect(await ok('limits', { ...report, remaining: -1 })).toBe(false)
  })
})
