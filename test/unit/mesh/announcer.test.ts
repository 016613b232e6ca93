import { expect, test } from 'vitest'
import { createAnnouncer } from '../../../src/mesh/announcer.ts'
import type { Capabilities } from '../../../src/mesh/wire.ts'
import { fakeClock } from './fake-clock.ts'
import { announcement } from './samples.ts'

function setup() {
  const clock = fakeClock()
  const sent: Capabilities[] = []
  const errors: unknown[] = []
  let fail = false
  const { peerId, name, version, incarnation, startedAt, roles, ...local } = announcement()
  const announcer = createAnnouncer(
    {
      fixed: { peerId, name, version, incarnation, startedAt, roles },
      local,
      lifetimeMs: 90_000,
      intervalMs: 30_000,
      coalesceMs: 200,
      async send(capabilities) {
        if (fail) throw new Error('no')
        sent.push(capabilities)
      },
      onError: (error) => errors.push(error),
    },
    { clock },
  )
  return { clock, sent, errors, announcer, failing: (value: boolean) => void (fail = value) }
}

test('announces at start, then every 30 s less jitter, with rising sequence', async () => {
  const { clock, sent, announcer } = setup()
  await announcer.start()
  await clock.advance(0)
  expect(sent.map(({ sequence }) => sequence)).toEqual([1])
  await clock.advance(120_000)
  expect(sent.length).toBeGreaterThanOrEqual(5)
  expect(sent.length).toBeLessThanOrEqual(6)
  expect(sent.map(({ sequence }) => sequence)).toEqual(sent.map((_, index) => index + 1))
  await announcer.stop()
  expect(clock.waiting).toBe(0)
})

test('changes within 200 ms go out as one', async () => {
  const { clock, sent, announcer } = setup()
  await announcer.start()
  await clock.advance(0)
  announcer.change({ slots: { total: 2, used: 1 } })
  await clock.advance(150)
  announcer.change({ tags: ['gpu'] })
  expect(sent).toHaveLength(1)
  await clock.advance(50)
  expect(sent).toHaveLength(2)
  expect(sent[1]).toMatchObject({ slots: { total: 2, used: 1 }, tags: ['gpu'], sequence: 2 })
  expect(announcer.last()).toEqual(sent[1])
  await clock.advance(1000)
  expect(sent).toHaveLength(2)
  await announcer.stop()
})

test('a change can never overwrite what the mesh vouches for', async () => {
  const { clock, sent, announcer } = setup()
  await announcer.start()
  announcer.change({ peerId: 'someone else', sequence: 999 } as object)
  await clock.advance(200)
  expect(sent.at(-1)).toMatchObject({ peerId: announcement().peerId, sequence: 2 })
  await announcer.stop()
})

test('a direct read flushes what waits, keeps the sequence otherwise, and starts a new life', async () => {
  const { clock, sent, announcer } = setup()
  await announcer.start()
  await clock.advance(0)
  await clock.advance(10_000)
  const fresh = announcer.fresh()
  expect(fresh.sequence).toBe(1)
  expect(fresh.issuedAt).toBe(clock.now())
  expect(fresh.expiresAt - fresh.issuedAt).toBe(90_000)
  announcer.change({ tags: ['x'] })
  expect(announcer.fresh()).toMatchObject({ sequence: 2, tags: ['x'] })
  await clock.advance(1000)
  expect(sent.map(({ sequence }) => sequence)).toEqual([1, 2])
  await announcer.stop()
})

test('a failure is reported and the next announcement comes at its time', async () => {
  const { clock, sent, errors, announcer, failing } = setup()
  failing(true)
  await announcer.start()
  await clock.advance(0)
  expect(errors).toHaveLength(1)
  failing(false)
  await clock.advance(30_000)
  expect(sent).toHaveLength(1)
  await announcer.stop()
})

test('before start and after stop nothing goes out', async () => {
  const { clock, sent, announcer } = setup()
  announcer.change({ tags: ['early'] })
  await clock.advance(1000)
  expect(sent).toHaveLength(0)
  await announcer.start()
  await clock.advance(0)
  expect(sent[0]).toMatchObject({ tags: ['early'] })
  announcer.change({ tags: ['late'] })
  await announcer.stop()
  await clock.advance(60_000)
  expect(sent).toHaveLength(1)
})
