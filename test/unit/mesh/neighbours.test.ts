import fc from 'fast-check'
import { expect, test } from 'vitest'
import { GIVE_UP_AFTER, neighbours } from '../../../src/mesh/links/neighbours.ts'

const ENOUGH = 24
const ids = (count: number, salt = '') =>
  Array.from({ length: count }, (_, index) => `peer-${salt}-${index}`)

type Graph = Map<string, Set<string>>

/** Who is connected to whom when everyone has what it seeks. */
function graph(members: readonly string[], isUp: (id: string) => boolean = () => true): Graph {
  const edges: Graph = new Map(members.map((id) => [id, new Set()]))
  for (const own of members.filter(isUp)) {
    const others = members.filter((id) => id !== own)
    const known = others.map((key) => ({ key, failures: isUp(key) ? 0 : GIVE_UP_AFTER + 1 }))
    const isSought = neighbours(own, known, ENOUGH)
    for (const key of others.filter((id) => isUp(id) && isSought(id))) {
      edges.get(own)?.add(key)
      edges.get(key)?.add(own)
    }
  }
  return edges
}

function reached(edges: Graph, from: string, isUp: (id: string) => boolean): number {
  const seen = new Set([from])
  for (const id of seen) for (const next of edges.get(id) ?? []) if (isUp(next)) seen.add(next)
  return seen.size
}

test('up to enough, everybody is sought', () => {
  const known = ids(ENOUGH).map((key) => ({ key, failures: 9 }))
  const isSought = neighbours('own', known, ENOUGH)
  expect(known.every(({ key }) => isSought(key))).toBe(true)
})

test('beyond, about enough connections each, and never very many', () => {
  for (const count of [26, 50, 100]) {
    const degrees = [...graph(ids(count)).values()].map((edges) => edges.size)
    const mean = degrees.reduce((sum, degree) => sum + degree, 0) / count
    expect(mean).toBeGreaterThan(ENOUGH * 0.6)
    expect(mean).toBeLessThanOrEqual(ENOUGH)
    expect(Math.min(...degrees)).toBeGreaterThanOrEqual(ENOUGH / 2)
    expect(Math.max(...degrees)).toBeLessThanOrEqual(ENOUGH * 2)
  }
})

test('the graph holds together when half of 100 fail at once, before anything is repaired', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, maxLength: 8 }), fc.nat(1e6), (salt, seed) => {
      const members = ids(100, salt)
      const edges = graph(members)
      const up = new Set(members.filter((_, index) => (index * 7919 + seed) % 100 < 50))
      const [first] = up
      expect(reached(edges, first ?? '', (id) => up.has(id))).toBe(up.size)
    }),
    { numRuns: 25 },
  )
})

test('places of those that cannot be reached go to the next, and back', () => {
  const members = ids(60)
  const known = (failing: ReadonlySet<string>) =>
    members.map((key) => ({ key, failures: failing.has(key) ? GIVE_UP_AFTER + 1 : 0 }))
  const chosen = (failing: ReadonlySet<string>) => {
    const isSought = neighbours('own', known(failing), ENOUGH)
    return members.filter((id) => isSought(id))
  }
  const before = chosen(new Set())
  const failing = new Set(before.slice(0, 5))
  const after = chosen(failing)
  expect(after.filter((id) => !failing.has(id))).toHaveLength(ENOUGH / 2)
  expect(after).toEqual(expect.arrayContaining(before))
  expect(chosen(new Set())).toEqual(before)
})

test('one member more or less changes few connections', () => {
  const members = ids(60)
  const known = members.map((key) => ({ key, failures: 0 }))
  const isSought = neighbours('own', known, ENOUGH)
  for (const gone of members) {
    const now = neighbours(
      'own',
      known.filter(({ key }) => key !== gone),
      ENOUGH,
    )
    const changed = members.filter((id) => id !== gone && now(id) !== isSought(id))
    expect(changed.length).toBeLessThanOrEqual(1)
  }
})
