import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Capabilities, Mesh } from '../../src/mesh/index.ts'
import { encodeJson, until } from '../../src/util/index.ts'
import { createRaw, dial, join, type Raw } from './raw.ts'
import { connectedTo, createLab, fullMesh, type Lab } from './support.ts'

let lab: Lab
let raw: Raw | undefined
beforeEach(async () => {
  lab = await createLab()
})
afterEach(async () => {
  await raw?.stop()
  raw = undefined
  await lab.close()
})

const rejected = (mesh: Mesh, reason: string) => mesh.counters()[`rejected.${reason}`] ?? 0

/** Two honest peers, and a raw one that is connected to the first only. */
async function setup() {
  const [first, second] = await Promise.all(['a', 'b'].map((name) => lab.start(name)))
  if (first === undefined || second === undefined) throw new Error('not started')
  await fullMesh([first, second])
  raw = await createRaw({ lab })
  await join(raw, first, lab.meshName)
  return { first, second, raw }
}

test('a forged announcement is rejected, counted, and not passed on', async () => {
  const { first, second, raw } = await setup()
  const victim = second.capabilities()
  const forged: Capabilities = { ...victim, name: 'evil', sequence: 999, tags: ['evil'] }
  await raw.announce(forged)
  await until('the rejection', 5000, () => rejected(first, 'forged') === 1)
  await raw.announce({ sequence: 2, tags: ['marker'] })
  await until('the honest one to be passed on', 5000, () =>
    second.peers().some(({ capabilities }) => capabilities?.tags.includes('marker') === true),
  )
  expect(rejected(second, 'forged')).toBe(0)
  for (const mesh of [first, second]) {
    expect(mesh.peers().some(({ name }) => name === 'evil')).toBe(false)
  }
  expect(connectedTo(first, second)).toBe(true)
})

test('malformed, oversized and replayed ones are counted by reason', async () => {
  const { first, raw } = await setup()
  const send = (change: Partial<Capabilities>) => raw.announce(change)
  await raw.publish('capabilities', Buffer.from('not json'))
  await raw.publish('tasks', encodeJson({ v: 1, repo: 'a b' }))
  await raw.publish('capabilities', new Uint8Array(17 * 1024))
  await send({ sequence: 10 })
  await until('acceptance', 5000, () =>
    first.peers().some(({ capabilities }) => capabilities?.sequence === 10),
  )
  await send({ sequence: 10 })
  await send({ sequence: 9 })
  await send({ sequence: 99, incarnation: 'b'.repeat(32), startedAt: 1 })
  await until('all to be judged', 5000, () => rejected(first, 'replayed') === 3)
  expect(first.counters()).toMatchObject({
    'rejected.malformed': 2,
    'rejected.oversized': 1,
    'rejected.replayed': 3,
  })
  expect(first.peers().find(({ name }) => name === 'raw')?.capabilities?.sequence).toBe(10)
})

test('a peer that answers with capabilities of someone else never counts as connected', async () => {
  const first = await lab.start('a')
  raw = await createRaw({
    lab,
    answer: (own) => own.signed({ peerId: first.peerId }),
  })
  const seen: string[] = []
  first.events.on('peer:connect', ({ peerId }) => seen.push(peerId))
  await dial(raw, first)
  await until('the rejection', 5000, () => rejected(first, 'forged') > 0)
  await until('the hang-up', 5000, () => raw?.node.getConnections().length === 0)
  expect(seen).toEqual([])
  expect(first.peers()).toEqual([])
})

test('a peer that answers with far too much is cut off and never counts', async () => {
  const first = await lab.start('a')
  raw = await createRaw({ lab, answer: () => new Uint8Array(5 << 20) })
  await dial(raw, first)
  await until('the hang-up', 30_000, () => (first.counters()['peers.mute'] ?? 0) > 0)
  expect(first.peers()).toEqual([])
})
