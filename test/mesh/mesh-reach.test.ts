import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Mesh, MeshInit } from '../../src/mesh/index.ts'
import { until } from '../../src/util/index.ts'
import { connectedTo, createLab, fullMesh, type Lab } from './support.ts'

let lab: Lab
beforeEach(async () => {
  lab = await createLab()
})
afterEach(() => lab.close())

/** Known by address only, and looking around every second. */
const far = (bootstrap: string[], change: Partial<MeshInit> = {}): Partial<MeshInit> => ({
  mdns: { enabled: false },
  dht: { enabled: true, bootstrap, intervalMs: 1000 },
  ...change,
})

/** Others are not told where it is, but for what leads there through a relay. */
const hidden = (addresses: string[]) => addresses.filter((text) => text.includes('/p2p-circuit/'))

const hint = (issue: number) =>
  ({ v: 1, repo: 'a/b', issue, event: 'seen', attempt: 0, at: Date.now() }) as const

async function hears(mesh: Mesh, from: Mesh, issue: number): Promise<void> {
  const heard: number[] = []
  const end = mesh.subscribe('tasks', (task) => heard.push(task.issue))
  await until('gossip', 15_000, async () => {
    await from.publish('tasks', hint(issue))
    return heard.includes(issue)
  })
  end()
}

test('members that nobody can dial meet through a member that relays, gossip and stream', async () => {
  const relay = await lab.start('r', far([], { relay: { serve: true } }))
  const behind = { announceFilter: hidden }
  const a = await lab.start('a', far(relay.addresses(), behind))
  const b = await lab.start('b', far(relay.addresses(), behind))
  await until('both to be reserved', 20_000, () =>
    [a, b].every((at) => at.reach().relay.uses.includes(relay.peerId)),
  )
  expect(relay.reach().relay.serves).toBe(2)
  await until('them to meet', 30_000, () => connectedTo(a, b) && connectedTo(b, a))
  expect(a.reach().peers).toEqual({ direct: 1, relayed: 1 })
  await hears(a, b, 1)
  await hears(b, a, 2)
  const echoed = new Promise<string>((resolve) => {
    b.handleJournal((stream) => {
      stream.on('error', () => undefined)
      stream.pipe(stream)
    })
    void a.openJournal(b.peerId).then((stream) => {
      stream.on('data', (data: Buffer) => {
        resolve(data.toString())
        stream.destroy()
      })
      stream.write('through the relay')
    })
  })
  expect(await echoed).toBe('through the relay')
})
