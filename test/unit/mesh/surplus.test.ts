import fc from 'fast-check'
import { expect, test } from 'vitest'
import { neighbours } from '../../../src/mesh/links/neighbours.ts'
import { LEAST_WORDS, surplus } from '../../../src/mesh/links/surplus.ts'

const enough = 8
const ids = (count: number, salt = '') => Array.from({ length: count }, (_, n) => `p${salt}-${n}`)
const seekable = (keys: readonly string[]) => keys.map((key) => ({ key, failures: 0 }))
const isSought = (own: string, all: readonly string[]) =>
  neighbours(own, seekable(all.filter((id) => id !== own)), enough)

/** All close what is too many, one after the other, until nobody finds anything. */
function settled(all: readonly string[], edges: Map<string, Set<string>>): number {
  const closing = new Set<string>()
  let closed = 0
  for (let isQuiet = false; !isQuiet;) {
    isQuiet = true
    for (const own of all) {
      const mine = edges.get(own) ?? new Set()
      const links = [...mine].map((peerId) => ({
        peerId,
        isNeeded: false,
        words: [...mine].filter((other) => edges.get(other)?.has(peerId)).length,
      }))
      const members = seekable(all.filter((id) => id !== own))
      const found = surplus({ own, members, links, enough, isClosing: closing.has(own) })
      if (found.isClosing) closing.add(own)
      else closing.delete(own)
      if (found.close === undefined) continue
      isQuiet = false
      closed += 1
      mine.delete(found.close)
      edges.get(found.close)?.delete(own)
    }
  }
  return closed
}

test('a full mesh of 40 comes down to about enough, keeps all that is sought, and holds together', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, maxLength: 6 }), (salt) => {
      const all = ids(40, salt)
      const edges = new Map(all.map((id) => [id, new Set(all.filter((other) => other !== id))]))
      expect(settled(all, edges)).toBeGreaterThan(0)
      const degrees = all.map((id) => edges.get(id)!.size)
      expect(degrees.reduce((sum, n) => sum + n, 0) / all.length).toBeLessThan(2 * enough)
      for (const own of all) {
        const seeks = isSought(own, all)
        for (const other of all) {
          if (other !== own && seeks(other)) expect(edges.get(own)!.has(other)).toBe(true)
        }
      }
      const seen = new Set([all[0]!])
      for (const id of seen) for (const next of edges.get(id)!) seen.add(next)
      expect(seen.size).toBe(all.length)
    }),
    { numRuns: 3 },
  )
})

const all = ids(60)
const own = all[0]!
const unsought = all.filter(
  (id) =>
    id !== own &&
    !isSought(own, all)(id) &&
    !neighbours(id, seekable(all.filter((one) => one !== id)), 12)(own),
)
const input = (change: object = {}, links = 11) => ({
  own,
  members: seekable(all.slice(1)),
  enough,
  isClosing: false,
  links: unsought
    .slice(0, links)
    .map((peerId) => ({ peerId, isNeeded: false, words: LEAST_WORDS, ...change })),
})

test('begins a quarter above enough, and goes on down to it', () => {
  expect(surplus(input({}, 10))).toEqual({ isClosing: false })
  expect(surplus(input({}, 11))).toMatchObject({ isClosing: true, close: expect.any(String) })
  expect(surplus({ ...input({}, 9), isClosing: true })).toMatchObject({ isClosing: true })
  expect(surplus({ ...input({}, 8), isClosing: true })).toEqual({ isClosing: false })
})

test('neither what is needed nor the last link to somebody is closed', () => {
  expect(surplus(input({ isNeeded: true })).close).toBeUndefined()
  expect(surplus(input({ words: LEAST_WORDS - 1 })).close).toBeUndefined()
  expect(surplus({ ...input(), members: seekable(all.slice(1, 9)) }).close).toBeUndefined()
})
