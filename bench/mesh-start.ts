/**
 * From the start of some processes until each has the capabilities of all others and, in a
 * mesh of up to 24, is connected to them: `bzzz up` as a user types it,
 * found by mDNS on loopback. Yardstick: as many bare libp2p nodes with the same transports and services
 * that are told each other's addresses; and such nodes that find each other by mDNS.
 *
 *   node bench/mesh-start.ts [rounds] [processes]
 */
import {
  cpuOf,
  newMeshName,
  prepareAgent,
  startAgent,
  startBareNode,
  stopAll,
  type BareNode,
} from './agents.ts'
import type { PeerRow } from '../src/api/client.ts'
import { until } from '../src/util/index.ts'
import { argument, bench, interleave, type Bench, type Samples } from './lib.ts'

const size = argument(1, { min: 2, max: 60, usual: 4 })
/** Up to so many, all are connected to all (`enoughConnections`). */
const fullMesh = 24
const limitMs = 30_000 + 4_000 * size
/** How often an agent that is up is asked for its peers, ms: the resolution of its times. */
const askMs = 20
const rounds = argument(0, { min: 1, max: 50, usual: 5 })

const names = {
  told: `${size} bare libp2p nodes, told addresses`,
  mdns: `${size} bare libp2p nodes, mDNS`,
  up: `${size} × bzzz up: each is up`,
  agents: `${size} × bzzz up: connected, capabilities`,
}

interface Start {
  /** Until the last has all others, ms. */
  meshed: number
  /** Processor time of all until then, ms. */
  cpu: number | undefined
}

async function bare(bench: Bench, mdnsTag?: string): Promise<Start> {
  const began = performance.now()
  const init = { peers: size - 1, ...(mdnsTag === undefined ? {} : { mdnsTag }) }
  const nodes = Array.from({ length: size }, () => startBareNode(bench, init))
  const guests = nodes.map(({ guest }) => guest)
  try {
    const addresses = await Promise.all(nodes.map((node) => addressOf(node)))
    if (mdnsTag === undefined) nodes.forEach((node, index) => node.tell(addresses.slice(0, index)))
    await Promise.all(nodes.map((node) => node.says()))
    return { meshed: performance.now() - began, cpu: await cpuOf(guests) }
  } finally {
    await stopAll(guests)
  }
}

async function addressOf(node: BareNode): Promise<string> {
  const said = await node.says()
  const address = 'addresses' in said ? said.addresses[0] : undefined
  if (address === undefined) throw new Error('A bare node named no address.')
  return address
}

const isMet = (peer: PeerRow) => peer.capabilities !== null && (peer.connected || size > fullMesh)

async function agents(bench: Bench): Promise<Start & { up: number }> {
  const { signal } = bench
  const meshName = newMeshName()
  const prepared = await Promise.all(
    Array.from({ length: size }, (_, index) =>
      prepareAgent(bench, { name: `agent-${index}`, meshName, role: 'observer' }),
    ),
  )
  const began = performance.now()
  const running = prepared.map((at) => startAgent(bench, at))
  const guests = running.map(({ guest }) => guest)
  try {
    const times = await Promise.all(
      running.map(async ({ name, api, up }) => {
        await up
        const answered = performance.now() - began
        const meshed = async () => {
          const peers = await api.peers()
          return peers.filter(isMet).length === size - 1
        }
        await until(`the peers of ${name}`, limitMs, meshed, { signal, everyMs: askMs })
        return { answered, met: performance.now() - began }
      }),
    )
    return {
      up: Math.max(...times.map(({ answered }) => answered)),
      meshed: Math.max(...times.map(({ met }) => met)),
      cpu: await cpuOf(guests),
    }
  } finally {
    await stopAll(guests)
  }
}

/** A larger mesh takes longer. */
const times = Math.max(1, size / 4)
const frame = {
  name: size === 4 ? 'mesh-start' : `mesh-start-${size}`,
  budgetMs: 35_000 * times,
  deadlineMs: 90_000 * times,
}
await bench(frame, async (context) => {
  const up: number[] = []
  const cpu: Samples = {}
  const note = (name: string, start: Start): number => {
    if (start.cpu !== undefined) (cpu[name] ??= []).push(start.cpu)
    return start.meshed
  }
  await bare(context)
  const cold = await agents(context)
  const samples = await interleave(context, rounds, {
    [names.told]: async () => note(names.told, await bare(context)),
    [names.mdns]: async () => note(names.mdns, await bare(context, `_${newMeshName()}._udp.local`)),
    [names.agents]: async (round) => {
      const start = await agents(context)
      up.push(start.up)
      context.note(`round ${round + 1} of ${rounds}`)
      return note(names.agents, start)
    },
  })
  const { [names.agents]: meshed = [], ...bareOnes } = samples
  const yardstick = names.told
  const title = `start of a mesh of ${size} processes`
  return {
    parts: [
      {
        title,
        unit: 'ms',
        yardstick,
        samples: { ...bareOnes, [names.up]: up, [names.agents]: meshed },
      },
      ...(Object.keys(cpu).length === 0
        ? []
        : [{ title: `${title}, processor time of all`, unit: 'ms', yardstick, samples: cpu }]),
    ],
    notes: [
      `Agents are observers with journals; once up, they are asked for their peers every ${askMs} ms. A bare node is ready when it gossips with all others.`,
      `Not counted: the first start of all, with an empty compile cache, took ${Math.round(cold.meshed)} ms.`,
    ],
    facts: { size, rounds, askMs, cold },
  }
})
