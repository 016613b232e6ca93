/** Help over real peers in a line, whose ends never connect: request, offer, acceptance and answer. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createHelp, treesOf, type Help, type HelpStep } from '../../src/help/index.ts'
import type { EntryInput, LoggedEntry } from '../../src/journal/index.ts'
import { verifySignature } from '../../src/mesh/index.ts'
import { nullLogger, until } from '../../src/util/index.ts'
import { connectedTo, createLab, type Lab, type LabMesh } from './support.ts'

let lab: Lab
const rooms: Help[] = []
beforeEach(async () => {
  lab = await createLab()
})
afterEach(async () => {
  await Promise.all(rooms.splice(0).map((room) => room.stop()))
  await lab.close()
})

function memory(peerId: string, entries: LoggedEntry[]) {
  return {
    async append(input: EntryInput) {
      const stamp = { v: 1 as const, epoch: 0, seq: entries.length, time: Date.now() }
      entries.push({ ...input, ...stamp, agent: '', peerId })
      return { ...input, ...stamp }
    },
    async *read() {
      yield* entries
    },
  }
}

test('a helper that the origin never meets answers over the path', async () => {
  const meshes: LabMesh[] = []
  const journals: LoggedEntry[][] = []
  for (const name of ['a', 'b', 'c']) {
    const before = meshes.at(-1)
    const mesh = await lab.make(name, {
      mdns: { enabled: false },
      enoughConnections: 0,
      dht: { enabled: false, bootstrap: before?.addresses() ?? [] },
    })
    await mesh.start()
    meshes.push(mesh)
    if (before === undefined) continue
    await until('a link', 60_000, () => connectedTo(mesh, before) && connectedTo(before, mesh))
  }
  const [a, b, c] = meshes as [LabMesh, LabMesh, LabMesh]
  for (const mesh of meshes) {
    const { membership } = mesh
    const own: LoggedEntry[] = []
    journals.push(own)
    const room = createHelp({
      mesh,
      membership: {
        meshId: membership.meshId,
        standing: (of) => membership.standing(of),
        proof: () => (membership.introduction() as { statements: unknown[] }).statements,
        merge: (statements) => membership.merge(statements),
      },
      journal: memory(mesh.peerId, own),
      verify: verifySignature,
      helper: {
        offer: () =>
          mesh === c
            ? { ready: true, fitness: 900, reason: 'it can' }
            : { ready: false, reason: 'it cannot' },
        help: async (question) => ({ form: 'advice', text: `about ${question.question}` }),
      },
      lacks: () => [],
      logger: nullLogger,
    })
    rooms.push(room)
    await room.start()
  }
  expect(connectedTo(a, c)).toBe(false)
  await until('capabilities', 60_000, () =>
    [b.peerId].every((of) => a.peers().some((one) => one.peerId === of && one.capabilities)),
  )
  const steps: HelpStep[] = []
  const task = { repo: 'acme/widgets', issue: 7, attempt: 1 }
  const question = { task, needs: [], want: ['advice' as const], summary: '', question: 'it', lifeMs: 60_000, budget: { ms: 10_000 } } // prettier-ignore
  for await (const step of rooms[0]!.ask(question)) steps.push(step)
  const last = steps.at(-1)
  expect(last).toMatchObject({
    is: 'ended',
    outcome: { is: 'answered', helper: c.peerId, answer: { form: 'advice', text: 'about it' } },
  })
  if (last?.is === 'ended' && last.outcome.is === 'answered') {
    await rooms[0]!.conclude(last.outcome.id, 'used', 'ok')
  }
  await until('the result', 60_000, () => journals[2]?.some(({ type }) => type === 'help.result'))
  const [tree] = treesOf(journals.flat())
  expect(tree).toMatchObject({
    outcome: 'used',
    helper: c.peerId,
    root: { children: [{ peerId: b.peerId, children: [{ peerId: c.peerId, did: 'answered' }] }] },
  })
  expect(connectedTo(a, c)).toBe(false)
  expect(rooms[1]!.counters()['relayed']).toBeGreaterThanOrEqual(3)
})
