/**
 * How long a mesh takes to be whole after its link is back: two agents on two machines of a world of
 * namespaces, cut at the switch until each has noticed. Yardstick: a TCP connection on the same
 * machines that probes and dials as often as an agent does, and does nothing else. Where no
 * namespaces can be made, nothing is measured, and that is said.
 *
 *   node bench/heal.ts [rounds]
 */
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { connect } from '../src/api/client.ts'
import { sleep, until } from '../src/util/index.ts'
import { createFounder, type Founder } from '../test/members.ts'
import { enterWorld } from '../test/chaos/net/inside.ts'
import { openWorld, type Machine, type World } from '../test/chaos/net/world.ts'
import { bin, environment, newMeshName, prepareAgent } from './agents.ts'
import { argument, bench, type Bench, type Measured } from './lib.ts'

const loop = fileURLToPath(new URL('children/tcp-loop.ts', import.meta.url))
const port = 7_000
const limitMs = 60_000
/** How often the agents are asked, ms: the resolution of their times. */
const askMs = 20
/** From the time at which both have noticed to the end of the cut, ms: anywhere in a pause. */
const holdMs = [500, 8_000] as const
const rounds = argument(0, { min: 1, max: 20, usual: 4 })
const names = { tcp: 'TCP, connected again in a loop', agents: 'two agents' }

async function agent(bench: Bench, world: World, at: Machine, founder: Founder) {
  const { meshName } = founder.membership
  const mesh = { name: meshName, dht: { enabled: false } }
  const init = { name: at.name, meshName, role: 'observer', config: { mesh } } as const
  const { home, file } = await prepareAgent(bench, init)
  await founder.admit(home, at.name, ['observer'])
  world.spawn(at, [process.execPath, bin, 'up', '--config', file], {
    cwd: home,
    env: environment(bench),
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const api = connect(home, { timeoutMs: 5_000 })
  return async () => {
    const status = await api.status().catch(() => undefined)
    return (status?.mesh.connected ?? 0) > 0
  }
}

async function measure(bench: Bench, world: World): Promise<Measured> {
  const { signal, used, note } = bench
  const lan = await world.lan('a')
  const [one, two] = [await world.machine('one', lan), await world.machine('two', lan)]
  world.spawn(two, [process.execPath, loop, 'listen', `${port}`])
  const tcp = world.spawn(one, [process.execPath, loop, 'connect', `${port}`, two.address], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let tcpUp = false
  createInterface({ input: tcp.stdout! }).on('line', (line) => (tcpUp = line === 'up'))
  const founder = await createFounder(bench.dir, newMeshName())
  const asks = await Promise.all([one, two].map((at) => agent(bench, world, at, founder)))
  const agents = async (are: boolean) =>
    (await Promise.all(asks.map((ask) => ask()))).every((is) => is === are)
  const wait = (what: string, test: () => boolean | Promise<boolean>) =>
    until(what, limitMs, test, { signal, everyMs: askMs })
  await Promise.all([wait('agents', () => agents(true)), wait('TCP', () => tcpUp)])
  const samples: Record<string, number[]> = { [names.tcp]: [], [names.agents]: [] }
  const noticed: Record<string, number[]> = { [names.tcp]: [], [names.agents]: [] }
  const both = async (into: typeof samples, are: boolean) => {
    const began = performance.now()
    const took = (name: string) => () => void into[name]?.push(performance.now() - began)
    await Promise.all([
      wait('TCP', () => tcpUp === are).then(took(names.tcp)),
      wait('agents', () => agents(are)).then(took(names.agents)),
    ])
  }
  for (let round = 0; round < rounds && (round === 0 || used() < 1); round += 1) {
    note(`round ${round + 1} of ${rounds}`)
    await world.cut(two)
    await both(noticed, false)
    const [low, high] = holdMs
    await sleep(low + (high - low) * Math.random(), { signal })
    await world.heal(two)
    await both(samples, true)
  }
  const unit = 'ms'
  const yardstick = names.tcp
  return {
    parts: [
      { title: 'whole again after the link is back', unit, yardstick, samples },
      { title: 'the cut noticed by both', unit, yardstick, samples: noticed },
    ],
    notes: [
      'Both at the same time, on the same two machines; the loop probes every 4 s, waits 5 s and dials every 3 s.',
      `Agents are asked every ${askMs} ms; the cut ends ${holdMs[0]} to ${holdMs[1]} ms after both have noticed.`,
    ],
  }
}

const here = await enterWorld(import.meta.filename, process.argv.slice(2))
if (here.is === 'outside') process.exitCode = here.code
else if (here.is === 'impossible') {
  console.log(`\nheal: not measured, since ${here.reason}. ${here.next}`)
} else {
  await bench({ name: 'heal', budgetMs: 60_000, deadlineMs: 180_000 }, async (context) => {
    const world = await openWorld()
    try {
      return await measure(context, world)
    } finally {
      await world.close()
    }
  })
}
