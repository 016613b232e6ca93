import { expect, test } from 'vitest'
import { Counters } from '../../../src/mesh/counters.ts'
import type { MeshNode } from '../../../src/mesh/node/node.ts'
import { createProber, pick } from '../../../src/mesh/presence/index.ts'
import { probeResponseSchema, protocols } from '../../../src/mesh/wire.ts'
import { decodeJson, encodeJson } from '../../../src/util/index.ts'
import { fakeClock } from './fake-clock.ts'
import { person } from './samples.ts'

const [own, asker, target] = await Promise.all([person(), person(), person()])

function setup({ reaches = true, dials = true, connected = true } = {}) {
  const counters = new Counters()
  const dialled: string[] = []
  let release: () => void = () => undefined
  const held = new Promise<void>((resolve) => void (release = resolve))
  let holds = false
  const node = {
    getConnections: () => (connected ? [{ status: 'open' }] : []),
    services: {
      ping: {
        async ping() {
          if (holds) await held
          if (!reaches) throw new Error('no answer')
          return 7
        },
      },
    },
  } as unknown as MeshNode
  const prober = createProber(
    { protocol: 'probe', peerId: own.peerId, helpers: 3, signal: new AbortController().signal },
    {
      node,
      async dial(peerId) {
        dialled.push(peerId)
        if (!dials) throw new Error('refused')
      },
      helpers: () => [],
      isKnown: (peerId) => peerId === target.peerId,
      counters,
      clock: fakeClock(),
      random: () => 0,
    },
  )
  async function ask(peerId: string, from = asker.peerId) {
    const body = await prober.answer(encodeJson({ v: 1, target: peerId }), from)
    const { maxBytes } = protocols.probe
    return decodeJson(body, { what: 'answer', schema: probeResponseSchema, maxBytes })
  }
  return { ask, prober, dialled, counters, release, hold: () => void (holds = true) }
}

test('says whether it reaches another, with the round trip', async () => {
  expect(await setup().ask(target.peerId)).toEqual({ v: 1, reached: true, tried: true, rttMs: 7 })
  const { ask, dialled } = setup({ reaches: false })
  expect(await ask(target.peerId)).toEqual({ v: 1, reached: false, tried: true, rttMs: null })
  expect(dialled).toEqual([])
})

test('dials one that is not connected, and says when that fails', async () => {
  const { ask, dialled } = setup({ connected: false, dials: false })
  expect(await ask(target.peerId)).toMatchObject({ reached: false, tried: true })
  expect(dialled).toEqual([target.peerId])
})

test('itself is reached; one that it does not know is not even tried', async () => {
  const { ask, dialled } = setup({ connected: false })
  expect(await ask(own.peerId)).toMatchObject({ reached: true, rttMs: 0 })
  expect(await ask((await person()).peerId)).toMatchObject({ reached: false, tried: false })
  expect(dialled).toEqual([])
})

test('probes for few at a time: for one peer four, for all sixteen', async () => {
  const { ask, counters, hold, release } = setup()
  hold()
  const askers = await Promise.all(Array.from({ length: 6 }, person))
  const first = askers
    .slice(0, 1)
    .flatMap(({ peerId }) => Array.from({ length: 5 }, () => ask(target.peerId, peerId)))
  expect(await first[4]).toMatchObject({ tried: false, reached: false })
  const rest = askers
    .slice(1)
    .flatMap(({ peerId }) => Array.from({ length: 4 }, () => ask(target.peerId, peerId)))
  await Promise.resolve()
  expect(counters.snapshot()).toEqual({ 'probes.busy': 1 + 8, 'probes.served': 16 })
  release()
  const answers = await Promise.all([...first, ...rest])
  expect(answers.filter(({ reached }) => reached)).toHaveLength(16)
  expect(await ask(target.peerId)).toMatchObject({ reached: true })
})

test('what is no question is refused', async () => {
  const { prober, ask } = setup()
  await expect(ask('../../etc')).rejects.toMatchObject({ code: 'INVALID' })
  const large = new Uint8Array(protocols.probe.maxRequestBytes + 1)
  await expect(prober.answer(large, asker.peerId)).rejects.toMatchObject({ code: 'TOO_LARGE' })
})

test('without members to ask, its own dial decides', async () => {
  const alone = await setup().prober.probe(target.peerId, 1)
  expect(alone).toEqual({ reached: 'direct', denied: [], mute: [], asked: 0 })
  const cut = await setup({ connected: false, dials: false }).prober.probe(target.peerId, 1)
  expect(cut).toEqual({ reached: undefined, denied: [], mute: [], asked: 0 })
})

test('pick: as many as asked for, each once, and no more than there are', () => {
  const all = ['a', 'b', 'c', 'd']
  expect(new Set(pick(all, 3, Math.random)).size).toBe(3)
  expect(pick(all, 9, () => 0.999).toSorted()).toEqual(all)
  expect(pick([], 3, Math.random)).toEqual([])
})
