import { beforeAll, expect, test } from 'vitest'
import type { Signed } from '../../../src/mesh/gossip/announcement.ts'
import { Counters } from '../../../src/mesh/counters.ts'
import { createInbox } from '../../../src/mesh/gossip/inbox.ts'
import { createPicture, fitting, missing, type Picture } from '../../../src/mesh/gossip/picture.ts'
import { protocols, type Capabilities } from '../../../src/mesh/wire.ts'
import { decodeJson, encodeJson, nullLogger } from '../../../src/util/index.ts'
import { fakeClock, type FakeClock } from './fake-clock.ts'
import { MESH, person, type Person } from './samples.ts'

const LIMIT = 30
let people: Person[] = []
beforeAll(async () => {
  people = await Promise.all(Array.from({ length: LIMIT }, person))
})

interface Member {
  peerId: string
  picture: Picture
  known: Map<string, Signed>
  words: string[]
  links: Set<string>
  /** Announces anew to itself only. */
  change(change: Partial<Capabilities>): Promise<void>
  inbox: ReturnType<typeof createInbox>
  counted(): Record<string, number>
  bytes: { asked: number; given: number }
}

function society(size: number, clock: FakeClock = fakeClock()) {
  const members = new Map<string, Member>()
  let seed = 1
  const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647

  async function add(who: Person): Promise<Member> {
    let own = await who.announce()
    const counters = new Counters()
    const inbox = createInbox({ meshName: MESH, counters })
    const known = new Map<string, Signed>()
    const words: string[] = []
    const links = new Set<string>()
    const bytes = { asked: 0, given: 0 }
    const picture = createPicture(
      { peerId: who.peerId, everyMs: 30_000, spreadMs: 200 },
      {
        async request(peerId, body) {
          const other = members.get(peerId)
          if (other === undefined || !links.has(peerId)) throw new Error('no link')
          bytes.asked += body.byteLength
          const answer = await other.picture.answer(body, who.peerId)
          bytes.given += answer.byteLength
          return answer
        },
        own: async () => own,
        others: () => [...known.values()],
        isKnown: (peerId) => known.has(peerId),
        neighbours: () => [...links],
        silentFor: (peerId) => (links.has(peerId) ? 1000 : undefined),
        inbox,
        onSigned: (signed) => void known.set(signed.capabilities.peerId, signed),
        onWord: (peerId) => void words.push(peerId),
        counters,
        logger: nullLogger,
        clock,
        random,
      },
    )
    await picture.start()
    const member: Member = {
      peerId: who.peerId,
      picture,
      known,
      words,
      links,
      inbox,
      bytes,
      change: async (change) => void (own = await who.announce(change)),
      counted: () => counters.snapshot(),
    }
    members.set(who.peerId, member)
    return member
  }

  /** As the mesh does for a new connection. */
  async function link(a: Member, b: Member): Promise<void> {
    a.links.add(b.peerId)
    b.links.add(a.peerId)
    await Promise.all([a.picture.sync(b.peerId), b.picture.sync(a.peerId)])
  }

  return {
    clock,
    add,
    link,
    members: () => [...members.values()],
    all: () => Promise.all(people.slice(0, size).map(add)),
    stop: () => Promise.all([...members.values()].map(({ picture }) => picture.stop())),
  }
}

const isWhole = (members: readonly Member[]) =>
  members.every(({ known }) => known.size === members.length - 1)

async function line(size: number) {
  const world = society(size)
  const members = await world.all()
  for (let at = 1; at < size; at += 1) {
    await world.link(members[at - 1] as Member, members[at] as Member)
  }
  return { ...world, list: members }
}

test('a late joiner has everyone after one question to its first neighbour', async () => {
  const { list, clock, add, link, stop } = await line(12)
  await clock.advance(5000)
  expect(isWhole(list)).toBe(true)
  const late = await add(people[12] as Person)
  await link(late, list[5] as Member)
  expect(late.known.size).toBe(12)
  expect(late.counted()['pictures.asked']).toBe(1)
  await clock.advance(10_000)
  expect(isWhole([...list, late])).toBe(true)
  await stop()
})

test('news cross a healed partition within seconds, by rumour', async () => {
  const { list, clock, link, stop } = await line(6)
  const world = list.slice(0, 3)
  const other = list.slice(3)
  await clock.advance(5000)
  world[2]?.links.delete(other[0]?.peerId ?? '')
  other[0]?.links.delete(world[2]?.peerId ?? '')
  await world[0]?.change({ sequence: 2, tags: ['east'] })
  await other[2]?.change({ sequence: 2, tags: ['west'] })
  await clock.advance(200_000)
  await link(world[2] as Member, other[0] as Member)
  await clock.advance(10_000)
  const tagsSeen = (members: Member[], of: Member | undefined) =>
    members.map(({ known }) => known.get(of?.peerId ?? '')?.capabilities.tags.join())
  expect(tagsSeen(other, world[0])).toEqual(['east', 'east', 'east'])
  expect(tagsSeen(world, other[2])).toEqual(['west', 'west', 'west'])
  await stop()
})

test('what got lost is repaired by a look at a neighbour every 30 s', async () => {
  const { list, clock, stop } = await line(4)
  await clock.advance(5000)
  list[0]?.known.delete(list[3]?.peerId ?? '')
  await list[2]?.change({ sequence: 2, tags: ['new'] })
  await clock.advance(240_000)
  const seen = list.filter(
    ({ known }) => known.get(list[2]?.peerId ?? '')?.capabilities.sequence === 2,
  )
  expect(seen).toHaveLength(3)
  await stop()
})

test('in a settled mesh a look costs a digest and the neighbours’ names, not the list', async () => {
  const { list, clock, stop } = await line(20)
  await clock.advance(60_000)
  expect(isWhole(list)).toBe(true)
  const before = list.map((member) => ({
    total: member.bytes.asked + member.bytes.given,
    looks: member.counted()['pictures.asked'] ?? 0,
  }))
  await clock.advance(300_000)
  for (const [index, member] of list.entries()) {
    const { bytes } = member
    const looks = (member.counted()['pictures.asked'] ?? 0) - (before[index]?.looks ?? 0)
    expect(looks).toBeGreaterThanOrEqual(9)
    expect((bytes.asked + bytes.given - (before[index]?.total ?? 0)) / looks).toBeLessThan(400)
  }
  await stop()
})

test('forged, foreign, stale and own announcements that are handed on are refused and counted', async () => {
  const [liar, victim, honest] = people.slice(0, 3) as [Person, Person, Person]
  const world = society(0)
  const member = await world.add(people[3] as Person)
  await member.inbox.handedOn((await honest.announce({ sequence: 5 })).announcement)
  const announcements = await Promise.all(
    [
      victim.announce({ tags: ['evil'] }, { person: liar }),
      victim.announce({}, { meshName: 'another' }),
      honest.announce({ sequence: 4 }),
      (people[3] as Person).announce({ sequence: 99 }),
    ].map(async (signed) => (await signed).announcement),
  )
  const first = announcements[0] as (typeof announcements)[0]
  announcements.push({ ...first, payload: '{' })
  const answer = encodeJson({ v: 1, same: false, announcements, more: false, heard: [] })
  const taken: Signed[] = []
  const counters = new Counters()
  const picture = createPicture(
    { peerId: member.peerId, everyMs: 30_000, spreadMs: 200 },
    {
      request: async () => answer,
      own: () => (people[3] as Person).announce(),
      others: () => [],
      isKnown: () => false,
      neighbours: () => [],
      silentFor: () => undefined,
      inbox: member.inbox,
      onSigned: (signed) => taken.push(signed),
      onWord: () => undefined,
      counters,
      logger: nullLogger,
      clock: world.clock,
      random: () => 0,
    },
  )
  await picture.start()
  await picture.sync(liar.peerId)
  await picture.stop()
  expect(taken).toEqual([])
  expect(member.counted()).toMatchObject({
    'rejected.forged': 2,
    'rejected.replayed': 1,
    'rejected.malformed': 1,
  })
  await world.stop()
})

test('the dead do not come back by hearsay, only by one who is connected to them', async () => {
  const { list, clock, add, link, stop } = await line(3)
  await clock.advance(5000)
  const [a, b] = list as [Member, Member]
  const dead = await add(people[9] as Person)
  await link(dead, b)
  await clock.advance(5000)
  expect(a.known.has(dead.peerId)).toBe(true)
  // It dies; a forgets it, b has not yet.
  b.links.delete(dead.peerId)
  a.known.delete(dead.peerId)
  await clock.advance(120_000)
  expect(a.known.has(dead.peerId)).toBe(false)
  // The control: it lives, and b is connected to it.
  await link(dead, b)
  await clock.advance(120_000)
  expect(a.known.has(dead.peerId)).toBe(true)
  expect(a.words).toContain(dead.peerId)
  await stop()
})

test('an answer keeps to its limit, and the rest is asked for', async () => {
  const big = 'x'.repeat(60)
  const tags = Array.from({ length: 64 }, () => big)
  const signed = await Promise.all(people.map((who) => who.announce({ tags })))
  const size = Buffer.byteLength(JSON.stringify(signed[0]?.announcement))
  const some = fitting(signed, 10 * size)
  expect(some.length).toBeGreaterThanOrEqual(8)
  expect(some.length).toBeLessThan(10)
  const bytes = encodeJson(some.map(({ announcement }) => announcement)).byteLength
  expect(bytes).toBeLessThanOrEqual(10 * size)
  const have = some.map(({ capabilities: { peerId, startedAt, sequence } }) => [
    peerId,
    startedAt,
    sequence,
  ]) as [string, number, number][]
  expect(missing(signed, have)).toHaveLength(LIMIT - some.length)
})

test('a question that is too long or too large is refused', async () => {
  const world = society(0)
  const member = await world.add(people[0] as Person)
  const have = Array.from({ length: 1001 }, () => [people[1]?.peerId, 1, 1])
  const digest = 'a'.repeat(64)
  const ask = (question: unknown) => member.picture.answer(encodeJson(question), 'x')
  await expect(ask({ v: 1, digest, have })).rejects.toMatchObject({ code: 'INVALID' })
  const large = new Uint8Array(protocols.picture.maxRequestBytes + 1)
  await expect(member.picture.answer(large, 'x')).rejects.toMatchObject({ code: 'TOO_LARGE' })
  await expect(ask({ v: 1, digest: 'a' })).rejects.toMatchObject({ code: 'INVALID' })
  const what = 'picture'
  const { maxBytes, response: schema } = protocols.picture
  const answer = decodeJson(await ask({ v: 1, digest, have: [] }), { what, maxBytes, schema })
  expect(answer).toMatchObject({ same: false, more: false })
  expect(answer.announcements).toHaveLength(1)
  await world.stop()
})
