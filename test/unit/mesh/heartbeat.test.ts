import { expect, test } from 'vitest'
import { createHeartbeats, silentPeers, stretched } from '../../../src/mesh/gossip/heartbeat.ts'
import type { Heartbeat } from '../../../src/mesh/index.ts'
import type { Clock } from '../../../src/util/index.ts'
import { fakeClock } from './fake-clock.ts'
import { hex } from './samples.ts'

function setup(change: (clock: Clock) => Clock = (clock) => clock) {
  const clock = fakeClock()
  const silent: string[] = []
  const beats: Heartbeat[] = []
  const heartbeats = createHeartbeats(
    {
      incarnation: hex('a'),
      intervalMs: 5000,
      newest: () => ({ startedAt: 7, sequence: 3 }),
      async publish(heartbeat) {
        beats.push(heartbeat)
      },
      onSilent: (peerId) => silent.push(peerId),
      onError: (error) => {
        throw error
      },
    },
    { clock: change(clock) },
  )
  return { clock, silent, beats, heartbeats }
}

test('silentPeers: more than three of its own intervals', () => {
  const heard = new Map([
    ['just', { at: 100, everyMs: 5 }],
    ['silent', { at: 99, everyMs: 5 }],
    ['slow', { at: 99, everyMs: 6 }],
  ])
  expect(silentPeers(heard, 115)).toEqual(['silent'])
})

test('a connected peer that goes silent is reported once; one that beats is not', async () => {
  const { clock, silent, beats, heartbeats } = setup()
  await heartbeats.start()
  heartbeats.connected('mute')
  heartbeats.connected('well')
  for (let second = 0; second < 30; second += 1) {
    await clock.advance(1000)
    heartbeats.heard('well', 5000)
  }
  expect(silent).toEqual(['mute'])
  const sequences = beats.map(({ sequence }) => sequence)
  expect(sequences).toEqual(sequences.map((_, index) => index + 1))
  expect(sequences.length).toBeGreaterThanOrEqual(6)
  expect(beats[0]).toMatchObject({ startedAt: 7, announced: 3, everyMs: 5000 })
  await heartbeats.stop()
  expect(clock.waiting).toBe(0)
})

test('one that disconnected is not reported', async () => {
  const { clock, silent, heartbeats } = setup()
  await heartbeats.start()
  heartbeats.connected('gone')
  heartbeats.disconnected('gone')
  await clock.advance(60_000)
  expect(silent).toEqual([])
  await heartbeats.stop()
})

test('the interval grows with the connections beyond 16, and what is sent stays about the same', async () => {
  expect([0, 16, 32, 48, 1000].map((count) => stretched(5000, count))).toEqual([
    5000, 5000, 10_000, 15_000, 20_000,
  ])
  const perMinute = async (count: number) => {
    const { clock, beats, heartbeats } = setup()
    await heartbeats.start()
    for (let second = 0; second < 240; second += 1) {
      for (let peer = 0; peer < count; peer += 1) {
        if (second === 0) heartbeats.connected(`${peer}`)
        else heartbeats.heard(`${peer}`, 20_000)
      }
      await clock.advance(1000)
    }
    await heartbeats.stop()
    return (beats.length * count) / 4
  }
  const [few, many] = [await perMinute(16), await perMinute(48)]
  expect(many / few).toBeGreaterThan(0.7)
  expect(many / few).toBeLessThan(1.3)
})

test('a peer with a long interval has longer; one that claims a day does not', async () => {
  const { clock, silent, heartbeats } = setup()
  await heartbeats.start()
  heartbeats.connected('slow')
  heartbeats.heard('slow', 20_000)
  heartbeats.connected('liar')
  heartbeats.heard('liar', 86_400_000)
  await clock.advance(50_000)
  expect(silent).toEqual([])
  await clock.advance(20_000)
  expect(silent).toEqual(['slow'])
  await clock.advance(130_000)
  expect(silent).toEqual(['slow', 'liar'])
  await heartbeats.stop()
})

test('the last word says that it leaves', async () => {
  const { beats, heartbeats } = setup()
  await heartbeats.start()
  await heartbeats.goodbye()
  expect(beats.at(-1)).toMatchObject({ leaving: true, sequence: beats.length })
  await heartbeats.stop()
})

test('after a pause of this process nobody is blamed', async () => {
  let slept = 0
  const { clock, silent, heartbeats } = setup((real) => ({
    ...real,
    monotonic: () => real.monotonic() + slept,
  }))
  await heartbeats.start()
  heartbeats.connected('peer')
  await clock.advance(5000)
  slept = 3_600_000
  await clock.advance(5000)
  expect(silent).toEqual([])
  await clock.advance(21_000)
  expect(silent).toEqual(['peer'])
  await heartbeats.stop()
})
