/** Who polls, when, and what ticks of others lead to: a mesh of rotas on one clock. */
import { beforeEach, describe, expect, it } from 'vitest'
import { maxChanges, type IssuesTick } from '../../../src/mesh/index.ts'
import {
  isSilent,
  longestSafetyPause,
  placeOf,
  pollNow,
  safetyPause,
} from '../../../src/tasks/look/polling.ts'
import { maxChangesPerPeer } from '../../../src/tasks/look/named.ts'
import { createRota, type Rota } from '../../../src/tasks/look/rota.ts'
import { fakeClock } from '../mesh/fake-clock.ts'

const repo = 'octo/lib'
const pollMs = 30_000
const safetyMs = 300_000
const names = Array.from({ length: 20 }, (_, n) => `peer-${n}`)
const without = (name: string) => names.filter((one) => one !== name)
const by = (place: number) =>
  names.find((one) => placeOf(repo, one, without(one)).place === place) ?? ''

describe('the election', () => {
  it('gives each place once, whoever asks, and spreads repositories', () => {
    const places = names.map((one) => placeOf(repo, one, without(one)).place)
    expect(places.toSorted((a, b) => a - b)).toEqual(names.map((_, n) => n))
    const pollers = new Set(
      Array.from({ length: 100 }, (_, n) =>
        names.find((one) => placeOf(`octo/r${n}`, one, without(one)).place === 0),
      ),
    )
    expect(pollers.size).toBeGreaterThan(10)
    expect(placeOf('OCTO/Lib', names[3]!, without(names[3]!))).toEqual(
      placeOf(repo, names[3]!, without(names[3]!)),
    )
  })

  it('looks for itself when alone, by its place when not, and always at the safety time', () => {
    const base = {
      now: 100_000,
      of: 3,
      pollMs,
      safetyAt: 400_000,
      listedAt: 70_000,
      heardAt: 95_000,
      everyMs: pollMs,
      stretch: 1,
      asked: false,
    }
    const poll = (change: object) => pollNow({ ...base, place: 0, ...change })
    expect(poll({ of: 1 })).toEqual({ list: true, why: 'alone' })
    expect(poll({})).toEqual({ list: true, why: 'poller' })
    expect(poll({ listedAt: 90_000 })).toEqual({ list: false, why: 'rests' })
    expect(poll({ stretch: 4 })).toEqual({ list: false, why: 'rests' })
    expect(poll({ place: 1 })).toEqual({ list: false, why: 'follows' })
    expect(poll({ place: 1, heardAt: 39_000 })).toEqual({ list: true, why: 'standby' })
    expect(poll({ place: 1, heardAt: 39_000, everyMs: 40_000 }).list).toBe(false)
    expect(poll({ place: 2, heardAt: 39_000 }).list).toBe(false)
    expect(poll({ place: 2, safetyAt: 100_000 })).toEqual({ list: true, why: 'safety' })
    expect(poll({ place: 2, asked: true })).toEqual({ list: true, why: 'asked' })
    expect(isSilent({ ...base, place: 0, heardAt: -Infinity })).toBe(false)
  })

  it('keeps the sum of safety looks from growing with the mesh, within a bound', () => {
    const pause = (workers: number) => safetyPause({ safetyMs, pollMs }, workers, () => 0.5)
    expect([1, 10, 20, 50, 5_000].map(pause)).toEqual([
      safetyMs,
      safetyMs,
      20 * pollMs,
      50 * pollMs,
      6 * safetyMs,
    ])
  })

  it('is never longer than what is heard may be left unexamined', () => {
    for (const workers of [1, 20, 500]) {
      const longest = safetyPause({ safetyMs, pollMs }, workers, () => 0.999_999)
      const bound = longestSafetyPause({ safetyMs, pollMs }, workers)
      expect(longest).toBeLessThan(bound)
      expect(longest).toBeGreaterThan(bound * 0.999)
    }
  })
})

describe('a mesh', () => {
  let clock: ReturnType<typeof fakeClock>
  let lists: Map<string, number[]>
  let sent: { from: string; tick: IssuesTick }[]
  let cut: (from: string, to: string) => boolean
  let dead: Set<string>
  /** Frozen: connected for the others, and silent. */
  let frozen: Set<string>
  /** Without a free slot. */
  let busy: Set<string>
  let mesh: Map<string, Member>
  interface Member {
    rota: Rota
    wakes: number
    known: Map<number, string>
    /** Runs a turn as `turns.ts` does; returns what was read. */
    turn: (changes?: { issue: number; updatedAt: string }[]) => readonly number[]
  }

  function join(name: string, change: { stretch?: () => number } = {}): Member {
    const known = new Map<number, string>()
    const others = () =>
      [...mesh.keys()].filter((one) => one !== name && !dead.has(one) && !cut(one, name))
    const rota = createRota(
      { repo, pollMs, safetyMs, staggerMs: 250 },
      {
        clock,
        random: () => 0.5,
        self: name,
        others,
        topic: {
          async publish(tick) {
            sent.push({ from: name, tick })
            for (const to of others())
              if (!frozen.has(to)) mesh.get(to)!.rota.heard(structuredClone(tick), name)
          },
          subscribe: () => () => undefined,
        },
        wake: () => void (member.wakes += 1),
        stretch: change.stretch ?? (() => 1),
        rank: () => 4 * names.indexOf(name),
        matters: () => !busy.has(name),
        full: () => busy.has(name),
        updatedAt: (issue) => known.get(issue),
      },
    )
    const member: Member = {
      rota,
      wakes: 0,
      known,
      turn(changes = []) {
        const plan = rota.plan()
        if (plan.list) {
          lists.set(name, [...(lists.get(name) ?? []), clock.monotonic()])
          for (const { issue, updatedAt } of changes) known.set(issue, updatedAt)
          rota.listed(plan, changes)
        }
        rota.done(plan, Infinity)
        return plan.read
      },
    }
    mesh.set(name, member)
    return member
  }

  async function ticks(count: number): Promise<void> {
    for (let n = 0; n < count; n += 1) {
      await clock.advance(pollMs)
      for (const [name, { turn }] of mesh) if (!dead.has(name) && !frozen.has(name)) turn()
    }
  }
  const listsOf = (name: string) => lists.get(name)?.length ?? 0
  const sum = () => [...lists.values()].reduce((all, one) => all + one.length, 0)
  const found = (...changed: number[]): IssuesTick => ({
    v: 1,
    repo,
    at: 0,
    tick: 1,
    everyMs: pollMs,
    changed: changed.map((issue) => ({ issue, updatedAt: 'now' })),
    complete: true,
  })

  beforeEach(() => {
    clock = fakeClock()
    lists = new Map()
    sent = []
    cut = () => false
    dead = new Set()
    frozen = new Set()
    busy = new Set()
    mesh = new Map()
  })

  it.each([1, 5, 20])('of %i looks about as often as one alone', async (size) => {
    for (const name of names.slice(0, size)) join(name)
    await ticks(2)
    const before = sum()
    await ticks(60)
    // One a tick by the poller; all safety looks together are at most as many.
    expect(sum() - before).toBeGreaterThanOrEqual(60)
    expect(sum() - before).toBeLessThanOrEqual(120 + size)
  })

  it('lets the standby take over when the poller is silent, and follow when it is back', async () => {
    for (const name of names) join(name)
    await ticks(3)
    const [poller, standby, third] = [by(0), by(1), by(2)]
    frozen.add(poller)
    const [before, beforeThird] = [listsOf(standby), listsOf(third)]
    await ticks(3)
    expect(listsOf(standby)).toBe(before + 1)
    expect(listsOf(third)).toBe(beforeThird)
    await ticks(3)
    expect(listsOf(standby)).toBe(before + 4)
    frozen.delete(poller)
    await ticks(1)
    const back = listsOf(standby)
    await ticks(3)
    expect(listsOf(standby)).toBe(back)
  })

  it('elects anew at once when the poller is gone', async () => {
    for (const name of names) join(name)
    await ticks(3)
    dead.add(by(0))
    const before = listsOf(by(1))
    await ticks(2)
    expect(listsOf(by(1))).toBe(before + 2)
  })

  it('polls on both sides of a partition', async () => {
    const left = new Set(names.filter((_, n) => n % 2 === 0))
    for (const name of names) join(name)
    await ticks(3)
    cut = (a, b) => left.has(a) !== left.has(b)
    const before = new Map(names.map((name) => [name, listsOf(name)]))
    await ticks(4)
    const busy = names.filter((name) => listsOf(name) - before.get(name)! >= 4)
    expect(busy.filter((name) => left.has(name))).toHaveLength(1)
    expect(busy.filter((name) => !left.has(name))).toHaveLength(1)
  })

  it('reads what the poller names, sooner where it stands first for it, and not what it knows', async () => {
    for (const name of names) join(name)
    await ticks(2)
    const poller = mesh.get(by(0))!
    const [first = '', second = ''] = without(by(0))
    const [near, far] = [mesh.get(first)!, mesh.get(second)!]
    for (const one of mesh.values()) one.known.set(1, 'as before')
    await clock.advance(pollMs)
    poller.turn([
      { issue: 1, updatedAt: 'as before' },
      { issue: 2, updatedAt: 'new' },
    ])
    const woken = near.wakes
    await clock.advance(0)
    expect(near.wakes).toBeGreaterThan(woken)
    expect(near.turn()).toEqual([2])
    expect(near.turn()).toEqual([])
    expect(far.turn()).toEqual([])
    await clock.advance(8 * 250)
    expect(far.turn()).toEqual([2])
  })

  it('bounds what a liar can cause: reads per minute, and silence until the safety look', async () => {
    const liar = by(0)
    for (const name of names) join(name)
    const honest = mesh.get(by(1))!
    await ticks(2)
    honest.turn()
    const before = listsOf(by(1))
    let read = 0
    for (let n = 0; n < 50; n += 1) {
      honest.rota.heard(found(...Array.from({ length: 4 }, (_, i) => 1_000 * n + i)), liar)
      await clock.advance(1_000)
      read += honest.turn().length
      honest.rota.heard({ ...found(), complete: false }, liar)
    }
    expect(read).toBeLessThanOrEqual(maxChangesPerPeer)
    expect(listsOf(by(1)) - before).toBeLessThanOrEqual(3)

    frozen.add(liar)
    const quiet = listsOf(by(1))
    for (let n = 0; n < 21; n += 1) {
      await clock.advance(pollMs)
      honest.rota.heard(found(), liar)
      honest.turn()
    }
    expect(listsOf(by(1)) - quiet).toBeGreaterThanOrEqual(1)
    expect(listsOf(by(1)) - quiet).toBeLessThanOrEqual(3)
  })

  it('looks at once for a hook, once for many, and then rarely while hooks arrive anywhere', async () => {
    for (const name of names) join(name)
    await ticks(3)
    const receiver = mesh.get(by(4))!
    await clock.advance(5_000)
    for (let n = 0; n < 100; n += 1) receiver.rota.hint({ hook: true })
    await clock.advance(0)
    expect(receiver.wakes).toBeGreaterThan(0)
    const before = listsOf(by(4))
    receiver.turn([{ issue: 3, updatedAt: 'new' }])
    receiver.turn()
    expect(listsOf(by(4))).toBe(before + 1)
    expect(sent.at(-1)).toMatchObject({ from: by(4), tick: { hooks: true } })
    expect(mesh.get(by(0))!.rota.status().hooks).toBe(true)
    const quiet = listsOf(by(0))
    await ticks(9)
    expect(listsOf(by(0)) - quiet).toBeLessThanOrEqual(2)
    // The poller still says that it lives: nobody takes over.
    expect(listsOf(by(1))).toBeLessThanOrEqual(3)
    await ticks(40)
    expect(mesh.get(by(0))!.rota.status().hooks).toBe(false)
  })

  it('passes no word of hooks on: agents do not keep each other in the belief', async () => {
    for (const name of names) join(name)
    await ticks(3)
    const receiver = mesh.get(by(0))!
    receiver.rota.hint({ hook: true })
    await clock.advance(1_000)
    receiver.turn([{ issue: 3, updatedAt: 'new' }])
    expect(mesh.get(by(1))!.rota.status().hooks).toBe(true)
    dead.add(by(0))
    const before = sent.length
    await ticks(20)
    const later = sent.slice(before).filter(({ from }) => from !== by(0))
    expect(later.length).toBeGreaterThan(0)
    expect(later.filter(({ tick }) => tick.hooks === true)).toEqual([])
    await ticks(12)
    expect(names.filter((one) => mesh.get(one)!.rota.status().hooks)).toEqual([])
  })

  it('names no more than a message may hold, and has the others list then', async () => {
    for (const name of names) join(name)
    await ticks(2)
    await clock.advance(pollMs)
    const many = Array.from({ length: maxChanges + 1 }, (_, issue) => ({ issue, updatedAt: 'x' }))
    mesh.get(by(0))!.turn(many)
    expect(sent.at(-1)!.tick).toMatchObject({ complete: false })
    expect(sent.at(-1)!.tick.changed).toHaveLength(maxChanges)
    const before = listsOf(by(3))
    await clock.advance(pollMs / 2 + 1)
    mesh.get(by(3))!.turn()
    expect(listsOf(by(3))).toBe(before + 1)
  })

  it('looks once when it is free again, for what came while it was not', async () => {
    for (const name of names) join(name)
    await ticks(2)
    const [follower, other] = [by(3), by(4)]
    busy.add(follower)
    await clock.advance(pollMs)
    mesh.get(by(0))!.turn([{ issue: 5, updatedAt: 'new' }])
    const before = [follower, other].map(listsOf)
    expect(mesh.get(follower)!.turn()).toEqual([])
    busy.delete(follower)
    for (const name of [follower, other]) mesh.get(name)!.turn()
    mesh.get(follower)!.turn()
    expect([follower, other].map(listsOf)).toEqual([before[0]! + 1, before[1]])
  })

  it('does not look at all while GitHub asks for a pause', async () => {
    const name = by(0)
    let stretch = Infinity
    join(name, { stretch: () => stretch })
    await ticks(20)
    expect(listsOf(name)).toBe(0)
    stretch = 1
    await ticks(2)
    expect(listsOf(name)).toBe(2)
  })
})
