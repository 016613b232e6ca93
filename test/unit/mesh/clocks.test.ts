import { expect, test } from 'vitest'
import { createClocks } from '../../../src/mesh/gossip/clocks.ts'
import { judgeClock, timesOf } from '../../../src/mesh/membership/times.ts'
import { nullLogger } from '../../../src/util/index.ts'
import { fakeClock } from './fake-clock.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE

test.each<[string, number[], unknown]>([
  ['nobody', [], undefined],
  ['one against one', [HOUR], undefined],
  ['two against one', [HOUR, HOUR + MINUTE], { offsetMs: HOUR, members: 2 }],
  ['two against two', [HOUR, HOUR, 0], undefined],
  ['three against two', [HOUR, HOUR, HOUR, 0], { offsetMs: HOUR, members: 3 }],
  ['one of the others is wrong', [-HOUR, 0, 0], undefined],
  ['all differ', [HOUR, 2 * HOUR, 3 * HOUR], undefined],
  ['little', [4 * MINUTE, 4 * MINUTE, 4 * MINUTE], undefined],
  ['ahead', [-HOUR, -HOUR], { offsetMs: -HOUR, members: 2 }],
])('whose clock is wrong: %s', (_, offsets, hint) => {
  expect(judgeClock(offsets)).toEqual(hint)
})

test('both times count, and within bounds', () => {
  const at = 1_700_000_000_000
  const day = 24 * HOUR
  expect(timesOf(at, undefined)).toMatchObject({ now: at, earliest: at, latest: at })
  const of = (offsetMs: number) => timesOf(at, { offsetMs, members: 3 })
  expect(of(HOUR)).toMatchObject({ now: at + HOUR, earliest: at, latest: at + HOUR })
  expect(of(-HOUR)).toMatchObject({ now: at - HOUR, earliest: at - HOUR, latest: at })
  expect(of(400 * day)).toMatchObject({ now: at, earliest: at, latest: at + day })
  expect(of(-400 * day)).toMatchObject({ now: at, earliest: at - 7 * day, latest: at })
})

test('a jump of the own clock shows before anybody is heard again', () => {
  const clock = fakeClock()
  const clocks = createClocks({ clock, logger: nullLogger })
  for (const peer of ['a', 'b', 'c']) clocks.heard(peer, clock.now() + 100)
  expect(clocks.judge()).toBeUndefined()
  clock.jump(-HOUR)
  const hint = clocks.judge()
  expect(hint).toEqual({ offsetMs: HOUR + 100, members: 3 })
  for (const peer of ['a', 'b', 'c']) clocks.heard(peer, clock.now() + HOUR + 20_000)
  expect(clocks.judge(), 'what is late by some changes nothing').toEqual(hint)
  clock.jump(HOUR)
  expect(clocks.judge()).toBeUndefined()
})
