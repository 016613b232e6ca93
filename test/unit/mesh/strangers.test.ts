import { expect, test } from 'vitest'
import {
  ALONE_MS,
  MAX_STRANGERS,
  Strangers,
  VISIT_PAUSE_MS,
} from '../../../src/mesh/admission/strangers.ts'

const address = ['/ip4/192.0.2.1/tcp/4001']

test('nobody who has company visits a stranger, and nobody who is alone for a moment', () => {
  const strangers = new Strangers()
  strangers.heardOf('a', address)
  for (let now = 0; now < 600_000; now += 1000) expect(strangers.visit(now, false)).toBeUndefined()
  expect(strangers.visit(600_000, true)).toBeUndefined()
  expect(strangers.visit(600_000 + ALONE_MS - 1, true)).toBeUndefined()
  expect(strangers.visit(600_000 + ALONE_MS, false)).toBeUndefined()
  expect(strangers.visit(600_001 + ALONE_MS, true)).toBeUndefined()
})

test('one that stays alone visits each in turn, one a minute', () => {
  const strangers = new Strangers()
  const visits: [number, string][] = []
  for (let now = 0; now < ALONE_MS + 5 * VISIT_PAUSE_MS; now += 1000) {
    for (const name of ['a', 'b', 'c']) strangers.heardOf(name, address)
    const next = strangers.visit(now, true)
    if (next !== undefined) visits.push([now, next.peerId])
  }
  expect(visits.map(([, name]) => name)).toEqual(['a', 'b', 'c', 'a', 'b'])
  expect(visits.map(([now]) => now)).toEqual(
    [0, 1, 2, 3, 4].map((n) => ALONE_MS + n * VISIT_PAUSE_MS),
  )
})

test('a crowd does not grow without end; who becomes a member is taken out', () => {
  const strangers = new Strangers()
  for (let n = 0; n < 10 * MAX_STRANGERS; n += 1) strangers.heardOf(`peer-${n}`, address)
  const last = `peer-${10 * MAX_STRANGERS - 1}`
  expect(strangers.take((peerId) => peerId === last || peerId === 'peer-0')).toEqual([
    { peerId: last, addresses: address },
  ])
  expect(strangers.take(() => true)).toHaveLength(MAX_STRANGERS - 1)
  expect(strangers.take(() => true)).toEqual([])
})
