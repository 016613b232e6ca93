import { spawn, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Mesh, MeshInit } from '../../src/mesh/index.ts'
import { until } from '../../src/util/index.ts'
import { createRelay, type Relay, type RelayInit } from './relay.ts'
import { createLab, fullMesh, type Lab } from './support.ts'

let lab: Lab
const relays: Relay[] = []
const children: ChildProcess[] = []
beforeEach(async () => {
  lab = await createLab()
})
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  await lab.close()
  await Promise.all(relays.splice(0).map((relay) => relay.close()))
})

const timing = { graceMs: 500, suspicionMs: 2000, silentMs: 5000 }
const quick: Partial<MeshInit> = {
  mdns: { enabled: false },
  heartbeatIntervalMs: 1000,
  pictureIntervalMs: 1000,
  redial: { baseMs: 300, maxMs: 1000 },
  presence: timing,
}
const to = (...bootstrap: string[]) => ({ dht: { enabled: false, bootstrap } })
const dialOnly = { listen: [] as string[] }
const addressOf = (mesh: Mesh) => mesh.addresses()[0] ?? ''

/** A mesh that tells everyone the address of a relay before it; `direct` is its own. */
async function startBehind(name: string, init: Omit<RelayInit, 'to'>, change: Partial<MeshInit>) {
  let port = 0
  const relay = await createRelay({ ...init, to: () => port })
  relays.push(relay)
  const announceFilter = (addresses: string[]) =>
    addresses.map((address) => {
      port = Number(/tcp\/(\d+)/.exec(address)?.[1])
      return address.replace(/tcp\/\d+/, `tcp/${relay.port}`)
    })
  const mesh = await lab.start(name, { ...change, announceFilter })
  const direct = addressOf(mesh).replace(/tcp\/\d+/, `tcp/${port}`)
  return { mesh, relay, direct }
}

/** What `mesh` says of the presence of others, as it changes. */
function watch(mesh: Mesh) {
  const changes: string[] = []
  mesh.events.on('peer:presence', ({ name, presence }) => changes.push(`${name} ${presence}`))
  return changes
}

const presenceOf = (mesh: Mesh, other: Pick<Mesh, 'peerId'>) =>
  mesh.peers().find(({ peerId }) => peerId === other.peerId)?.presence

test('who is not connected is alive by the word of one who is, until that one cannot reach it', async () => {
  const middle = await lab.start('middle', quick)
  // Neither listens, so they can never be connected to each other.
  const ends = await Promise.all(
    ['left', 'right'].map((name) =>
      lab.start(name, { ...quick, ...dialOnly, ...to(addressOf(middle)) }),
    ),
  )
  const [left, right] = ends as unknown as [Mesh, Mesh]
  await until('the picture', 30_000, () => presenceOf(left, right) === 'alive')
  expect(left.peers().find(({ name }) => name === 'right')).toMatchObject({
    connected: false,
    presence: 'alive',
    capabilities: { name: 'right' },
  })
  const seen = watch(left)
  await right.stop()
  await until('the goodbye to come through', 5000, () => seen.includes('right gone'))
})

test('a link that loses a fifth and delays the rest makes nobody suspect', async () => {
  const bad = { delayMs: 40, loss: 0.2, againMs: 300 }
  const { mesh: a } = await startBehind('a', bad, quick)
  const b = await lab.start('b', { ...quick, ...dialOnly, ...to(addressOf(a)) })
  await fullMesh([a, b])
  const seen = [a, b].map(watch)
  let beats = 0
  b.subscribe('heartbeat', () => (beats += 1))
  await until('heartbeats', 60_000, () => beats >= 6)
  expect(seen).toEqual([[], []])
})

test('a cut link: the other is alive through a third; without one it is suspect, then gone, then back', async () => {
  const a = await startBehind('a', {}, quick)
  const c = await startBehind('c', {}, { ...quick, ...to(a.direct) })
  await fullMesh([a.mesh, c.mesh])
  const both = to(addressOf(a.mesh), addressOf(c.mesh))
  const b = await lab.start('b', { ...quick, ...dialOnly, ...both })
  await fullMesh([a.mesh, b, c.mesh])
  const seen = watch(b)
  a.relay.cut()
  await until('another to reach it', 30_000, () => (b.counters()['presence.saved'] ?? 0) > 0)
  expect(presenceOf(b, a.mesh)).toBe('alive')
  expect(seen).not.toContain('a gone')
  c.relay.cut()
  await until('gone', 60_000, () => ['a gone', 'c gone'].every((change) => seen.includes(change)))
  expect(seen.indexOf('a suspect')).toBeGreaterThanOrEqual(0)
  expect(seen.lastIndexOf('a suspect')).toBeLessThan(seen.indexOf('a gone'))
  a.relay.mend()
  await until('back', 30_000, () => presenceOf(b, a.mesh) === 'alive')
})

interface Said {
  up?: string
  connected?: string
  name?: string
  presence?: string
}

async function startChild(bootstrap: Mesh, busyMs: number) {
  await lab.admit('child')
  const script = fileURLToPath(new URL('children/peer.ts', import.meta.url))
  const args = [script, lab.home('child'), addressOf(bootstrap), `${busyMs}`]
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  children.push(child)
  const said: Said[] = []
  createInterface({ input: child.stdout }).on('line', (line) => said.push(JSON.parse(line) as Said))
  return { child, said, blames: () => said.filter(({ presence }) => presence !== undefined) }
}

test('a process with a saturated processor neither blames others nor is blamed', async () => {
  const [a, b] = await Promise.all(
    ['a', 'b'].map((name) =>
      lab.start(name, { ...quick, mdns: { enabled: true, interfaces: ['lo'] } }),
    ),
  )
  if (a === undefined || b === undefined) throw new Error('not started')
  await fullMesh([a, b])
  const { said, blames } = await startChild(a, 800)
  const childId = () => said.find(({ up }) => up !== undefined)?.up
  await until('the child to join', 60_000, () => {
    const peerId = childId() ?? ''
    return [a, b].every((mesh) => presenceOf(mesh, { peerId }) === 'alive')
  })
  const seen = [a, b].map(watch)
  let beats = 0
  a.subscribe('heartbeat', (_beat, from) => (beats += from === childId() ? 1 : 0))
  await until('heartbeats of the child', 60_000, () => beats >= 5)
  expect(blames()).toEqual([])
  expect(seen).toEqual([[], []])
})

test('a process that was stopped blames nobody when it goes on', async () => {
  const a = await lab.start('a', quick)
  const { child, said, blames } = await startChild(a, 0)
  await until('the child to join', 60_000, () => said.some(({ connected }) => connected === 'a'))
  const peerId = said.find(({ up }) => up !== undefined)?.up ?? ''
  const seen = watch(a)
  child.kill('SIGSTOP')
  await until('it is noticed', 30_000, () => seen.includes('child gone'))
  child.kill('SIGCONT')
  await until('it is back', 60_000, () => presenceOf(a, { peerId }) === 'alive')
  let beats = 0
  a.subscribe('heartbeat', (_beat, from) => (beats += from === peerId ? 1 : 0))
  await until('its heartbeats', 60_000, () => beats >= 5)
  expect(blames()).toEqual([])
})
