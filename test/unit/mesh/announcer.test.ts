import { expect, test } from 'vitest'
import { createAnnouncer } from '../../../src/mesh/gossip/announcer.ts'
import type { Capabilities } from '../../../src/mesh/wire.ts'
import { fakeClock } from './fake-clock.ts'
import { announcement } from './samples.ts'

function setup() {
  const clock = fakeClock()
  const sent: Capabilities[] = []
  const errors: unknown[] = []
  let fail = false
  const { peerId, name, version, incarnation, startedAt, roles, ...local } = announcement({
    cpu: { cores: 4, load1: 0 },
    memory: { totalBytes: 1000, freeBytes: 500 },
  })
  const announcer = createAnnouncer(
    {
      fixed: { peerId, name, version, incarnation, startedAt, roles },
      local,
      driftMs: 30_000,
      coalesceMs: 200,
      sign: async (capabilities) => ({
        capabilities,
        announcement: { payload: '', signature: String(capabilities.sequence) },
      }),
      async send({ capabilities }) {
        if (fail) throw new Error('no')
        sent.push(capabilities)
      },
      onError: (error) => errors.push(error),
    },
    { clock },
  )
  return { clock, sent, errors, announcer, failing: (value: boolean) => void (fail = value) }
}

async function started() {
  const all = setup()
  await all.announcer.start()
  await all.clock.advance(0)
  expect(all.sent.map(({ sequence }) => sequence)).toEqual([1])
  return all
}

test('announces at start, and never again while nothing changes', async () => {
  const { clock, sent, announcer } = await started()
  await clock.advance(3_600_000)
  expect(sent).toHaveLength(1)
  await announcer.stop()
  expect(clock.waiting).toBe(0)
})

test('changes within 200 ms go out as one', async () => {
  const { clock, sent, announcer } = await started()
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

test('what drifts goes out at most every 30 s, and only when it is a step away', async () => {
  const { clock, sent, announcer } = await started()
  await clock.advance(10_000)
  announcer.change({ cpu: { cores: 4, load1: 0.9 }, memory: { totalBytes: 1000, freeBytes: 400 } })
  await clock.advance(60_000)
  expect(sent).toHaveLength(1)
  announcer.change({ cpu: { cores: 4, load1: 1.1 } })
  await clock.advance(200)
  expect(sent).toHaveLength(2)
  announcer.change({ cpu: { cores: 4, load1: 4 } })
  await clock.advance(29_000)
  expect(sent).toHaveLength(2)
  await clock.advance(1000)
  expect(sent.at(-1)).toMatchObject({ cpu: { load1: 4 }, sequence: 3 })
  await announcer.stop()
})

test('what matters does not wait for what drifts', async () => {
  const { clock, sent, announcer } = await started()
  announcer.change({ cpu: { cores: 4, load1: 4 } })
  await clock.advance(1000)
  announcer.change({ tags: ['gpu'] })
  await clock.advance(200)
  expect(sent.at(-1)).toMatchObject({ cpu: { load1: 4 }, tags: ['gpu'], sequence: 2 })
  await clock.advance(60_000)
  expect(sent).toHaveLength(2)
  await announcer.stop()
})

test('a change can never overwrite what the mesh vouches for', async () => {
  const { clock, sent, announcer } = await started()
  announcer.change({ peerId: 'someone else', sequence: 999, tags: ['x'] } as object)
  await clock.advance(200)
  expect(sent.at(-1)).toMatchObject({ peerId: announcement().peerId, sequence: 2, tags: ['x'] })
  await announcer.stop()
})

test('a direct read flushes what waits, and else repeats what was signed', async () => {
  const { clock, sent, announcer } = await started()
  expect((await announcer.fresh()).announcement.signature).toBe('1')
  announcer.change({ tags: ['x'] })
  expect((await announcer.signed()).capabilities.sequence).toBe(1)
  expect((await announcer.fresh()).capabilities).toMatchObject({ sequence: 2, tags: ['x'] })
  await clock.advance(1000)
  expect(sent.map(({ sequence }) => sequence)).toEqual([1, 2])
  await announcer.stop()
})

test('announces again when there was nobody to hear it', async () => {
  const { clock, sent, announcer } = await started()
  announcer.again()
  announcer.again()
  await clock.advance(1000)
  expect(sent.map(({ sequence }) => sequence)).toEqual([1, 2])
  await announcer.stop()
})

test('a failure is reported, and the next change is announced', async () => {
  const { clock, sent, errors, announcer, failing } = setup()
  failing(true)
  await announcer.start()
  await clock.advance(0)
  expect(errors).toHaveLength(1)
  failing(false)
  announcer.change({ tags: ['x'] })
  await clock.advance(200)
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
