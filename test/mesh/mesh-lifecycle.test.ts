import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { hasCode, until } from '../../src/util/index.ts'
import { connectedTo, createLab, fullMesh, type Lab } from './support.ts'

let lab: Lab
beforeEach(async () => {
  lab = await createLab()
})
afterEach(() => lab.close())

test('a restart keeps the identity and is a new incarnation that the others accept', async () => {
  const a = await lab.start('a')
  const first = await lab.start('b')
  await fullMesh([a, first])
  await first.stop()
  await until('disconnect', 30_000, () => !connectedTo(a, first))
  const second = await lab.start('b')
  expect(second.peerId).toBe(first.peerId)
  expect(second.incarnation).not.toBe(first.incarnation)
  await fullMesh([a, second])
  await until('the new incarnation', 5000, () =>
    a.peers().some(({ capabilities }) => capabilities?.incarnation === second.incarnation),
  )
})

test('a peer that stops says goodbye: gone at once, and forgotten a while later', async () => {
  const a = await lab.make('a', { keepGoneMs: 1000 })
  const b = await lab.start('b')
  const seen: string[] = []
  const types = ['peer:connect', 'peer:disconnect', 'peer:lost'] as const
  for (const type of types) a.events.on(type, (peer) => seen.push(`${type} ${peer.name}`))
  a.events.on('peer:presence', ({ presence, goneBecause }, before) =>
    seen.push(`${before} → ${presence}, ${goneBecause}`),
  )
  await a.start()
  await fullMesh([a, b])
  await b.stop()
  const gone = 'alive → gone, left'
  await until('goodbye', 2000, () => seen.includes(gone))
  await until('disconnect', 30_000, () => seen.includes('peer:disconnect b'))
  expect(a.peers()).toMatchObject([{ name: 'b', connected: false, presence: 'gone' }])
  await until('lost', 30_000, () => seen.includes('peer:lost b'))
  expect(a.peers()).toEqual([])
  expect(seen.toSorted()).toEqual([gone, 'peer:connect b', 'peer:disconnect b', 'peer:lost b'])
})

test('start and stop may be called twice and at once, and a stopped mesh starts again', async () => {
  const a = await lab.make('a')
  const b = await lab.start('b')
  await a.stop()
  await Promise.all([a.start(), a.start()])
  await a.start()
  await fullMesh([a, b])
  await Promise.all([a.stop(), a.stop()])
  await a.stop()
  expect(a.addresses()).toEqual([])
  await expect(a.publish('tasks', {} as never)).rejects.toMatchObject({ code: 'MESH_STOPPED' })
  await expect(a.openJournal(b.peerId)).rejects.toMatchObject({ code: 'MESH_STOPPED' })
  await a.start()
  await fullMesh([a, b])
  const stopping = a.start().then(() => a.stop())
  await a.stop()
  await stopping
})

test('stop takes well under 10 s and leaves no socket, server or timer', async () => {
  const count = () => {
    const counts = new Map<string, number>()
    for (const type of process.getActiveResourcesInfo()) {
      counts.set(type, (counts.get(type) ?? 0) + 1)
    }
    return counts
  }
  const before = count()
  const meshes = await Promise.all(
    ['a', 'b', 'c'].map((name) => lab.start(name, { dht: { enabled: true, bootstrap: [] } })),
  )
  await fullMesh(meshes)
  const at = performance.now()
  await Promise.all(meshes.map((mesh) => mesh.stop()))
  expect(performance.now() - at).toBeLessThan(5000)
  // libp2p leaves a few one-shot timers of a second or two; they must run out.
  await until('nothing to be left', 30_000, () => {
    const left = [...count()].filter(([type, number]) => {
      const few = type === 'Timeout' ? 1 : 0
      return number > (before.get(type) ?? 0) + few
    })
    return left.length === 0
  })
})

test('a port that is taken is named, with what to do', async () => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  const address = `/ip4/127.0.0.1/tcp/${port}`
  const a = await lab.make('a', { listen: [address] })
  try {
    await expect(a.start()).rejects.toMatchObject({
      code: 'LISTEN_FAILED',
      data: { address },
      cause: { message: expect.stringMatching(/^listen EADDRINUSE: .*[0-9]$/) },
    })
    const error: unknown = await a.start().catch((caught: unknown) => caught)
    expect((error as { next: string }).next).toMatch(/port/)
  } finally {
    await new Promise((resolve) => server.close(resolve))
  }
  await a.start()
  expect(a.addresses()[0]).toContain(`/tcp/${port}/`)
})

test.each([
  [{ name: '' }, 'name'],
  [{ listen: ['localhost:4001'] }, 'listen'],
  [{ dht: { enabled: true, bootstrap: ['192.0.2.1:4001'] } }, 'dht.bootstrap'],
  [{ keepGoneMs: 0 }, 'keepGoneMs'],
])('a wrong option is named: %j', async (change, field) => {
  const error: unknown = await lab.make('a', change).catch((caught: unknown) => caught)
  expect(hasCode(error, 'MESH_CONFIG_INVALID')).toBe(true)
  expect(error).toMatchObject({ data: { field } })
})

test('a remembered port that is taken at the last moment is replaced, a fixed one is not', async () => {
  const port = await freePort()
  // Both are free when they are looked at, and the second is not when the first is listened on.
  const listen = ['/ip4/127.0.0.1/tcp/0', '/ip4/0.0.0.0/tcp/0']
  const a = await lab.make('a', { listen })
  const ports = Object.fromEntries(listen.map((address) => [address, port]))
  await writeFile(join(lab.home('a'), 'listen.json'), JSON.stringify({ v: 1, ports }))
  const b = await lab.start('b')
  await a.start()
  await fullMesh([a, b])
  const fixed = listen.map((address) => address.replace(/0$/, String(port)))
  const c = await lab.make('c', { listen: fixed })
  await expect(c.start()).rejects.toMatchObject({ code: 'LISTEN_FAILED' })
})

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

test('being alone is no error; what is ill-formed is not sent', async () => {
  const a = await lab.start('a')
  const hint = { v: 1, repo: 'acme/widgets', issue: 1, event: 'seen', attempt: 0, at: 1 } as const
  await a.publish('tasks', hint)
  await expect(a.publish('tasks', { ...hint, repo: 'x' })).rejects.toMatchObject({
    code: 'MESSAGE_INVALID',
  })
})
