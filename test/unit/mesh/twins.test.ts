import { expect, it } from 'vitest'
import { createTwins } from '../../../src/mesh/gossip/twins.ts'

const voices = (twins: ReturnType<typeof createTwins>, ...spoken: [string, number, number][]) =>
  spoken.map(([incarnation, sequence, now]) => twins.heard('ada', { incarnation, sequence }, now))

it('finds two processes under one identity, once', () => {
  const twins = createTwins()
  const alarms = voices(twins, ['a', 1, 0], ['b', 1, 1], ['a', 2, 5], ['b', 2, 6], ['a', 3, 10])
  expect(alarms).toEqual([false, false, false, false, true])
  expect(twins.list(10)).toEqual(['ada'])
  expect(twins.list(400_000)).toEqual([])
})

it('takes a restart for what it is, also one whose last heartbeats come late', () => {
  const twins = createTwins()
  voices(twins, ['a', 1, 0], ['b', 1, 1], ['a', 2, 2], ['b', 2, 3], ['c', 1, 4], ['d', 1, 5])
  expect(twins.list(6)).toEqual([])
})

it('does not count what is repeated', () => {
  const twins = createTwins()
  voices(
    twins,
    ['a', 5, 0],
    ['b', 1, 1],
    ['a', 5, 2],
    ['b', 2, 3],
    ['a', 4, 4],
    ['b', 3, 5],
    ['a', 5, 6],
  )
  expect(twins.list(6)).toEqual([])
})
