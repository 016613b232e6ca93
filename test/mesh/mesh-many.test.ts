import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Mesh } from '../../src/mesh/index.ts'
import { until } from '../../src/util/index.ts'
import { createLab, type Lab } from './support.ts'

let lab: Lab
beforeEach(async () => {
  lab = await createLab()
})
afterEach(() => lab.close())

const size = 12
/** Whom each is told of: those that started so many places before it. */
const before = [1, 4, 9]

const hasAll = (mesh: Mesh, count: number) => {
  const peers = mesh.peers()
  return (
    peers.length === count - 1 &&
    peers.every(({ presence, capabilities }) => presence === 'alive' && capabilities !== undefined)
  )
}
const connections = (mesh: Mesh) => mesh.peers().filter(({ connected }) => connected).length

test('12 peers with few connections each: everyone knows everyone, gossip reaches all, a late one too', async () => {
  const meshes: Mesh[] = []
  const start = async (name: string) => {
    const at = (places: number) => meshes[meshes.length - places]?.addresses()[0]
    const bootstrap = before.flatMap((places) => at(places) ?? [])
    return lab.start(name, { mdns: { enabled: false }, dht: { enabled: false, bootstrap } })
  }
  while (meshes.length < size) meshes.push(await start(`peer-${meshes.length}`))
  await until('the whole picture', 60_000, () => meshes.every((mesh) => hasAll(mesh, size)))
  const heard = new Set<string>()
  for (const mesh of meshes) mesh.subscribe('tasks', () => heard.add(mesh.peerId))
  const hint = { v: 1, repo: 'acme/widgets', issue: 1, event: 'seen', attempt: 0, at: 1 } as const
  await meshes[0]?.publish('tasks', hint)
  await until('gossip', 30_000, () => heard.size === size - 1)

  const late = await start('late')
  await until('the first connection', 30_000, () => connections(late) > 0)
  await until('the picture of a late one', 2000, () => hasAll(late, size + 1))
  await until('all know the late one', 30_000, () =>
    meshes.every((mesh) => mesh.peers().some(({ peerId }) => peerId === late.peerId)),
  )
  expect(Math.max(...meshes.map(connections))).toBeLessThan(size - 2)
})
