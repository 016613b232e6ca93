/** A peer that shares no code with Bzzz, written from docs/protocol.md, in a mesh with a real agent. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { createAgent, type Agent } from '../../src/agent/index.ts'
import { loadConfig } from '../../src/config/index.ts'
import { nullLogger, until } from '../../src/util/index.ts'
import type { Fields } from '../independent/forms.ts'
import { startPeer, type Peer } from '../independent/peer.ts'

const open: { stop(): Promise<void> }[] = []
let dir: string | undefined
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.stop()
  if (dir !== undefined) await rm(dir, { recursive: true, force: true })
})

async function startAgent(home: string): Promise<Agent> {
  const { config } = await loadConfig({
    flags: {
      home,
      name: 'ada',
      roles: ['observer'],
      'github.repos': ['acme/lib'],
      'mesh.listen': ['/ip4/127.0.0.1/tcp/0'],
      'mesh.mdns.enabled': false,
      'mesh.dht.enabled': false,
    },
    env: {},
    cwd: home,
    systemFile: join(home, 'none.yaml'),
  })
  const agent = createAgent({ config, env: {} }, { logger: nullLogger })
  open.push(agent)
  await agent.start()
  return agent
}

async function startOther(agent: Agent, name: string, isLower: boolean): Promise<Peer> {
  const { token } = await agent.membership.invite({ addresses: agent.mesh.addresses() })
  const fits = (peerId: string) => peerId < agent.mesh.peerId === isLower
  const peer = await startPeer({ token, name, dir: join(dir ?? '', name), fits })
  open.push(peer)
  return peer
}

const seenBy = ({ mesh }: Agent, { peerId }: Peer) =>
  mesh.peers().find((one) => one.peerId === peerId)

const tagsIn = (said: Fields | undefined) => (Array.isArray(said?.tags) ? said.tags : [])

async function takesPart(agent: Agent, peer: Peer, name: string): Promise<void> {
  const { mesh, journal } = agent
  const seen = () => seenBy(agent, peer)
  expect(agent.membership.roles(peer.peerId)).toEqual(['worker'])
  await until('the agent to count it as connected', 30_000, () => seen()?.connected === true)
  expect(seen()).toMatchObject({ name, presence: 'alive', roles: ['worker'] })
  expect(peer.heard.asked.get(mesh.peerId)).toMatchObject({ name: 'ada', roles: ['observer'] })
  const beats = () => Number(peer.heartbeats.get(mesh.peerId)?.sequence ?? 0)
  await until('heartbeats of the agent', 30_000, () => beats() >= 2)

  const { key, epoch } = journal.head()
  const entry = (seq: number) => peer.journals.entry(mesh.peerId, key, epoch, seq)
  expect(await entry(0)).toMatchObject({ type: 'agent.started', peerId: mesh.peerId })
  const { seq } = await journal.append({ type: 'peer.seen', peerId: peer.peerId, name })
  expect(await entry(seq)).toMatchObject({ type: 'peer.seen', name })

  await peer.journals.append({ type: 'peer.seen', peerId: mesh.peerId, name: 'ada' })
  await peer.journals.append({ type: 'weather.seen', sky: 'blue' })
  await peer.announce()
  await until('the replica here', 60_000, () =>
    journal.journals().some((one) => one.peerId === peer.peerId && one.available === 3),
  )
  const [check] = (await journal.verify()).filter(({ peerId }) => peerId === peer.peerId)
  expect(check).toMatchObject({ agent: name, ok: true, problems: [], length: 3 })
  const types: string[] = []
  for await (const { type } of journal.read({ agent: peer.peerId })) types.push(type)
  expect(types).toEqual(['agent.started', 'peer.seen', 'unknown'])
}

it('is a member like any other, whichever side opens the journals’ stream', async () => {
  dir = await mkdtemp(join(tmpdir(), 'bzzz-other-'))
  const agent = await startAgent(dir)
  const { mesh } = agent
  const low = await startOther(agent, 'low', true)
  const high = await startOther(agent, 'high', false)
  await Promise.all([takesPart(agent, low, 'low'), takesPart(agent, high, 'high')])

  mesh.announce({ tags: ['heard'] })
  const isHeard = () =>
    [low, high].every(({ heard }) => tagsIn(heard.gossiped.get(mesh.peerId)).includes('heard'))
  await until('the agent’s announcement by gossip', 30_000, isHeard)
  const passedOn = () => low.heard.gossiped.get(high.peerId)?.name === 'high'
  await until('the other’s announcement, passed on by the agent', 30_000, passedOn)

  open.pop()
  await high.stop()
  await until('its goodbye', 30_000, () => seenBy(agent, high)?.presence === 'gone')
  expect(seenBy(agent, high)?.goneBecause).toBe('left')
  expect(seenBy(agent, low)?.presence).toBe('alive')
  for (const fault of ['forged', 'malformed', 'oversized', 'replayed', 'stranger']) {
    expect(mesh.counters()).not.toHaveProperty([`rejected.${fault}`])
  }
  expect(mesh.counters()).not.toHaveProperty(['links.silent'])
})
