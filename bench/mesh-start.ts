/**
 * From the start of four processes until each is connected to the three others and has their
 * capabilities: `bzzz up` as a user types it, found by mDNS on loopback. Yardstick: four bare
 * libp2p nodes with the same transports and services that are told each other's addresses; and
 * such nodes that find each other by mDNS.
 *
 *   node bench/mesh-start.ts [rounds]
 */
import {
  newMeshName,
  prepareAgent,
  startAgent,
  startBareNode,
  stopAll,
  type BareNode,
} from './agents.ts'
import type { PeerRow } from '../src/api/client.ts'
import { until } from '../src/util/index.ts'
import { argument, bench, interleave, type Bench } from './lib.ts'

const size = 4
const limitMs = 30_000
/** How often an agent that is up is asked for its peers, ms: the resolution of its times. */
const askMs = 20
const rounds = argument(0, { min: 1, max: 50, usual: 5 })

const names = {
  told: `${size} bare libp2p nodes, told addresses`,
  mdns: `${size} bare libp2p nodes, mDNS`,
  api: `${size} × bzzz up: each is up`,
  agents: `${size} × bzzz up: connected, capabilities`,
}

async function bare(bench: Bench, mdnsTag?: string): Promise<number> {
  const began = performance.now()
  const init = { peers: size - 1, ...(mdnsTag === undefined ? {} : { mdnsTag }) }
  const nodes = Array.from({ length: size }, () => startBareNode(bench, init))
  try {
    const addresses = await Promise.all(nodes.map((node) => addressOf(node)))
    if (mdnsTag === undefined) nodes.forEach((node, index) => node.tell(addresses.slice(0, index)))
    await Promise.all(nodes.map((node) => node.says()))
    return performance.now() - began
  } finally {
    await stopAll(nodes.map(({ guest }) => guest))
  }
}

async function addressOf(node: BareNode): Promise<string> {
  const said = await node.says()
  const address = 'addresses' in said ? said.addresses[0] : undefined
  if (address === undefined) throw new Error('A bare node named no address.')
  return address
}

const isMet = (peer: PeerRow) => peer.connected && peer.capabilities !== null

async function agents(bench: Bench): Promise<{ api: number; meshed: number }> {
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
      api: Math.max(...times.map(({ answered }) => answered)),
      meshed: Math.max(...times.map(({ met }) => met)),
    }
  } finally {
    await stopAll(guests)
  }
}

await bench({ name: 'mesh-start', budgetMs: 40_000, deadlineMs: 80_000 }, async (context) => {
  const answered: number[] = []
  const samples = await interleave(context, rounds, {
    [names.told]: () => bare(context),
    [names.mdns]: () => bare(context, `_${newMeshName()}._udp.local`),
    [names.agents]: async (round) => {
      const { api, meshed } = await agents(context)
      answered.push(api)
      context.note(`round ${round + 1} of ${rounds}`)
      return meshed
    },
  })
  const { [names.agents]: meshed = [], ...bareOnes } = samples
  return {
    parts: [
      {
        title: 'start of a mesh of four processes',
        unit: 'ms',
        yardstick: names.told,
        samples: { ...bareOnes, [names.api]: answered, [names.agents]: meshed },
      },
    ],
    notes: [
      `Agents are observers with journals; once up, they are asked for their peers every ${askMs} ms. A bare node is ready when it gossips with three others.`,
    ],
    facts: { size, rounds, askMs },
  }
})
