import { EventEmitter } from 'node:events'
import { afterEach, expect, test } from 'vitest'
import { Counters } from '../../../src/mesh/counters.ts'
import type { Membership, MembershipEvents } from '../../../src/mesh/membership/types.ts'
import {
  createRoster,
  NOTICE_RATE,
  REQUEST_RATE,
  STATEMENTS_RATE,
  type Roster,
} from '../../../src/mesh/admission/roster.ts'
import type { RosterNotice } from '../../../src/mesh/wire.ts'
import { canonicalJson, nullLogger, sha256 } from '../../../src/util/index.ts'
import { fakeClock, type FakeClock } from './fake-clock.ts'

/** A set of strings in place of signed statements: what spreads, not what it means. */
class Box {
  readonly events = new EventEmitter<MembershipEvents>()
  readonly all = new Set<string>()
  readonly rejects = new Set<string>()
  digest = () => sha256(canonicalJson([...this.all].sort()))
  statements = () => [...this.all].sort()
  async merge(statements: readonly unknown[]) {
    const fresh = statements.filter(
      (one) => !this.all.has(one as string) && !this.rejects.has(one as string),
    )
    for (const one of fresh) this.all.add(one as string)
    if (fresh.length > 0) this.events.emit('change')
    return { added: fresh.length, refused: {} }
  }
}

interface Peer {
  box: Box
  roster: Roster
  counters: Counters
  requests: number
  notices: RosterNotice[]
}

const running: Roster[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map((roster) => roster.stop()))
})

/** `names`: who is connected to whom is everyone to everyone; `deaf`: gossip is lost. */
async function lab(names: string[], { deaf = false } = {}) {
  const clock = fakeClock()
  const peers = new Map<string, Peer>()
  for (const name of names) {
    const box = new Box()
    const counters = new Counters()
    const notices: RosterNotice[] = []
    const roster = createRoster(
      {
        async request(to, body) {
          const other = peers.get(to)
          if (other === undefined) throw new Error('gone')
          other.requests += 1
          return other.roster.answer(body, name)
        },
        async publish(notice) {
          notices.push(notice)
          if (deaf) return
          for (const [to, { roster: theirs }] of peers) if (to !== name) theirs.heard(notice, name)
        },
        connected: () => names.filter((other) => other !== name),
        onTold: () => undefined,
      },
      {
        membership: box as unknown as Membership,
        counters,
        logger: nullLogger,
        clock,
        random: () => 0.5,
      },
    )
    peers.set(name, { box, roster, counters, requests: 0, notices })
    await roster.start()
    running.push(roster)
  }
  const get = (name: string): Peer => {
    const peer = peers.get(name)
    if (peer === undefined) throw new Error(name)
    return peer
  }
  return { clock, get, all: () => [...peers.values()] }
}

const same = (peers: Peer[]) => new Set(peers.map(({ box }) => box.digest())).size === 1
const settle = (clock: FakeClock) => clock.advance(5000)

test('a change goes out once, as what is new, and nobody tells it again or asks', async () => {
  const { clock, get, all } = await lab(['a', 'b', 'c'])
  await get('a').box.merge(['one', 'two'])
  await settle(clock)
  expect(same(all())).toBe(true)
  expect(get('a').notices).toMatchObject([{ statements: ['one', 'two'] }])
  expect(get('b').notices).toEqual([])
  expect(all().map(({ requests }) => requests)).toEqual([0, 0, 0])
})

test('who connects has the whole roster in both directions', async () => {
  const { clock, get, all } = await lab(['a', 'b'], { deaf: true })
  await get('a').box.merge(['one'])
  await get('b').box.merge(['two'])
  get('a').roster.met('b')
  await settle(clock)
  expect(get('a').box.statements()).toEqual(['one', 'two'])
  expect(same(all())).toBe(true)
})

test('equal rosters cost one request; what was lost is made good within two minutes', async () => {
  const { clock, get, all } = await lab(['a', 'b'], { deaf: true })
  get('a').roster.met('b')
  await settle(clock)
  expect(get('b').requests).toBe(1)
  await get('b').box.merge(['lost'])
  await clock.advance(120_000)
  expect(same(all())).toBe(true)
})

test('what is too much for one notice is fetched by those who hear of it', async () => {
  const { clock, get, all } = await lab(['a', 'b', 'c'])
  await get('a').box.merge(Array.from({ length: 60 }, (_, n) => `${n} ${'x'.repeat(500)}`))
  await settle(clock)
  expect(get('a').notices).toMatchObject([{ statements: [] }])
  expect(same(all())).toBe(true)
})

test('two that cannot agree do not send their rosters again and again', async () => {
  const { clock, get } = await lab(['a', 'b'], { deaf: true })
  get('a').box.rejects.add('theirs')
  await get('b').box.merge(['theirs'])
  get('a').roster.met('b')
  await settle(clock)
  expect(get('b').requests).toBe(2)
  get('a').roster.met('b')
  await settle(clock)
  expect(get('b').requests).toBe(3)
  await get('b').box.merge(['news'])
  get('a').roster.met('b')
  await settle(clock)
  expect(get('a').box.statements()).toEqual(['news'])
})

test('an answer that makes no sense is counted and changes nothing', async () => {
  const { clock, get } = await lab(['a', 'b'])
  get('b').roster.answer = async () => Buffer.from('{"v":1,"digest":"nonsense"}')
  get('a').roster.met('b')
  await settle(clock)
  expect(get('a').counters.snapshot()['roster.failed']).toBe(1)
  await expect(get('a').roster.answer(Buffer.from('[]'), 'b')).rejects.toMatchObject({
    code: 'INVALID',
  })
})

test('a member that floods is heard now and then, others as ever', async () => {
  const { clock, get } = await lab(['a', 'b', 'c'])
  const message = (statements?: string[]) =>
    Buffer.from(JSON.stringify({ v: 1, digest: 'a'.repeat(64), ...(statements && { statements }) }))
  const { roster, counters } = get('a')
  const ask = (from: string, statements?: string[]) =>
    roster.answer(message(statements), from).then(
      () => 1,
      () => 0,
    )
  const sum = async (all: Promise<number>[]) => (await Promise.all(all)).reduce((x, y) => x + y, 0)
  const many = Array.from({ length: 100 }, (_, n) => n)
  expect(await sum(many.map((n) => ask('b', [`flood ${n}`])))).toBe(STATEMENTS_RATE.burst)
  expect(await sum(many.map(() => ask('b')))).toBe(REQUEST_RATE.burst)
  expect(await ask('c', ['honest'])).toBe(1)
  for (const n of many)
    roster.heard({ v: 1, digest: 'b'.repeat(64), statements: [`say ${n}`] }, 'b')
  await settle(clock)
  const said = get('a')
    .box.statements()
    .filter((one) => one.startsWith('say'))
  expect(said).toHaveLength(NOTICE_RATE.burst)
  expect(counters.snapshot()['roster.flooded']).toBeGreaterThanOrEqual(300 - 5 - 20 - 20)
  expect(await ask('b', ['later'])).toBe(1)
})
