import { expect, test } from 'vitest'
import { createHeartbeats, silentPeers } from '../../../src/mesh/heartbeat.ts'
import { fakeClock } from './fake-clock.ts'
import { hex } from './samples.ts'

function setup() {
  const clock = fakeClock()
  const silent: string[] = []
  const sequences: number[] = []
  const heartbeats = createHeartbeats(
    {
      incarnation: hex('a'),
      intervalMs: 5000,
      async publish({ sequence }) {
        sequences.push(sequence)
      },
      onSilent: (peerId) => silent.push(peerId),
      onError: (error) => {
        throw error
      },
    },
    { clock },
  )
  return { clock, silent, sequences, heartbeats }
}

test('silentPeers: more than three intervals', () => {
  const heard = new Map([
    ['just', 100],
    ['silent', 99],
  ])
  expect(silentPeers(heard, 115, 5)).toEqual(['silent'])
})

test('a connected peer that goes silent is reported once; one that beats is not', async () => {
  const { clock, silent, sequences, heartbeats } = setup()
  await heartbeats.start()
  heartbeats.connected('mute')
  heartbeats.connected('well')
  for (let second = 0; second < 30; second += 1) {
    await clock.advance(1000)
    heartbeats.heard('well')
  }
  expect(silent).toEqual(['mute'])
  expect(sequences).toEqual(sequences.map((_, index) => index + 1))
  expect(sequences.length).toBeGreaterThanOrEqual(6)
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

test('after a pause of this process nobody is blamed', async () => {
  const real = fakeClock()
  let slept = 0
  const clock = { ...real, monotonic: () => real.monotonic() + slept }
  const silent: string[] = []
  const heartbeats = createHeartbeats(
    {
      incarnation: hex('a'),
      intervalMs: 5000,
      publish: async () => undefined,
      onSilent: (peerId) => silent.push(peerId),
      onError: () => undefined,
    },
    { clock },
  )
  await heartbeats.start()
  heartbeats.connected('peer')
  await real.advance(5000)
  slept = 3_600_000
  await real.advance(5000)
  expect(silent).toEqual([])
  await real.advance(21_000)
  expect(silent).toEqual(['peer'])
  await heartbeats.stop()
})
