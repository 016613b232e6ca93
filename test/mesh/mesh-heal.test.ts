import { peerIdFromString } from '@libp2p/peer-id'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { until } from '../../src/util/index.ts'
import { connectionsTo, createRaw, join, type Raw } from './raw.ts'
import { createLab, fullMesh, type Lab } from './support.ts'

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

const quick = { mdns: { enabled: false }, heartbeatIntervalMs: 1000 }

test('a connection that is closed is made anew at once, without any discovery', async () => {
  const mesh = await lab.start('a', quick)
  raw = await createRaw({ lab })
  await join(raw, mesh, lab.meshName)
  const [old] = connectionsTo(raw, mesh)
  const events: string[] = []
  mesh.events.on('peer:disconnect', () => events.push('disconnect'))
  mesh.events.on('peer:connect', () => events.push('connect'))
  await until('identify', 5000, () => mesh.peers().every(({ addresses }) => addresses.length > 0))
  old?.abort(new Error('cut'))
  await until('a new connection', 5000, () => events.includes('connect'))
  expect(events).toEqual(['disconnect', 'connect'])
  expect(connectionsTo(raw, mesh).some(({ id }) => id === old?.id)).toBe(false)
})

test('a peer that comes back after a while is found again by redialling', async () => {
  const fast = { ...quick, redial: { baseMs: 300, maxMs: 1000 } }
  const a = await lab.start('a', fast)
  const listen = ['/ip4/127.0.0.1/tcp/0']
  const b = await lab.start('b', {
    ...fast,
    listen,
    dht: { enabled: false, bootstrap: a.addresses() },
  })
  await fullMesh([a, b])
  const fixed = b.addresses().map((address) => address.split('/p2p/')[0] ?? '')
  await b.stop()
  await until('failing dials', 30_000, () => (a.counters()['dials.failed'] ?? 0) >= 2)
  const again = await lab.start('b', { ...fast, listen: fixed })
  await fullMesh([a, again])
})

test('a gossip stream that is reset on a live connection is noticed and cured', async () => {
  const mesh = await lab.start('a', quick)
  raw = await createRaw({ lab })
  await join(raw, mesh, lab.meshName)
  const heard: number[] = []
  mesh.subscribe('tasks', ({ issue }) => heard.push(issue))
  const say = (issue: number) =>
    raw?.publish(
      'tasks',
      Buffer.from(
        JSON.stringify({ v: 1, repo: 'a/b', issue, event: 'seen', attempt: 0, at: Date.now() }),
      ),
    )
  await say(1)
  await until('gossip before', 5000, () => heard.includes(1))

  const [connection] = connectionsTo(raw, mesh)
  // Again and again, since being identified anew, as after a change of addresses, opens another one.
  const reset = () => {
    for (const stream of connection?.streams ?? []) {
      if (stream.direction === 'outbound' && stream.protocol.includes('meshsub')) {
        stream.abort(new Error('reset by the test'))
      }
    }
  }
  reset()
  await say(2)
  expect(connection?.status).toBe('open')

  await until('the dead link to be noticed', 30_000, () => {
    if (connection?.status === 'open') reset()
    return mesh.counters()['links.silent'] === 1
  })
  await until('gossip to work again', 30_000, async () => {
    await say(3)
    return heard.includes(3)
  })
  expect(heard).not.toContain(2)
})

test('the control: without the reset the link is left alone', async () => {
  const mesh = await lab.start('a', quick)
  raw = await createRaw({ lab, heartbeatMs: 500 })
  await join(raw, mesh, lab.meshName)
  const [before] = connectionsTo(raw, mesh)
  let beats = 0
  mesh.subscribe('heartbeat', () => {
    beats += 1
  })
  await until('ten heartbeats', 60_000, () => beats >= 10)
  expect(mesh.counters()['links.silent']).toBeUndefined()
  expect(raw.node.getConnections(peerIdFromString(mesh.peerId))[0]?.id).toBe(before?.id)
})
