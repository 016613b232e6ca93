/**
 * Two LANs, each behind a router with NAT, and a public network between them with one member that
 * relays. Nobody can dial into a LAN; so the two sides meet at the relay, or not at all.
 *
 *   LAN a: a1 a2 ── NAT ──┐                 ┌── NAT ── b1 b2 :LAN b
 *                         └── public: relay ─┘
 *
 * A scenario of its own adds what else there is on the Internet: a port that a router forwards, and
 * a machine with a public address that a firewall closes.
 */
import { until } from '../../../../src/util/index.ts'
import { loadIdentity } from '../../../../src/mesh/index.ts'
import type { NetworkReach } from '../../../../src/api/client.ts'
import { rethrowUnless } from '../../processes/settle.ts'
import { withCrew, type Crew, type Member } from '../crew.ts'
import { script } from '../shell.ts'
import type { Context, Scenario } from '../scenario.ts'
import type { Machine } from '../world.ts'

const port = 4001
/** From all being up to a whole mesh: two walks of the DHT, a reservation, some dials; ms. */
const meetMs = 60_000
/** After the only relay is up again: the longest pause of the redial, 30 s, a reservation, a dial; ms. */
const relayBackMs = 60_000
/** For an agent to start on a busy machine, ms. */
const upMs = 120_000
/** Until what is known of the own reach has settled, ms. */
const reachMs = 60_000
const flowMs = 6_000

interface Nets {
  relay: Machine
  a: Machine[]
  b: Machine[]
  /** Of LAN a. */
  router: { namespace: string; outsideAddress: string }
}

async function lay({ world }: Context): Promise<Nets> {
  const net = await world.lan('net', { net: '11.0.0' })
  const lans = [await world.lan('a'), await world.lan('b')]
  const relay = await world.machine('relay', net)
  const machines: Machine[][] = []
  const routers = []
  for (const inside of lans) {
    routers.push(await world.router(`nat-${inside.name}`, { inside, outside: net, nat: true }))
    const { name } = inside
    machines.push([
      await world.machine(`${name}1`, inside),
      await world.machine(`${name}2`, inside),
    ])
  }
  return { relay, a: machines[0]!, b: machines[1]!, router: routers[0]! }
}

/** Everybody knows the relay's address, and nobody else's; its identity is made before it starts. */
function knowing(relay: Machine) {
  const bootstrap: string[] = []
  return {
    bootstrap,
    mesh: (machine: Machine): object => ({
      listen: [`/ip4/0.0.0.0/tcp/${port}`],
      dht: { enabled: true, bootstrap: machine === relay ? [] : bootstrap },
    }),
    prepare: async ({ members }: Crew) => {
      const { actor } = members.find(({ machine }) => machine === relay)!
      const { peerId } = loadIdentity(actor.home)
      bootstrap.push(`/ip4/${relay.address}/tcp/${port}/p2p/${peerId}`)
    },
  }
}

const reachOf = async ({ api }: Member): Promise<NetworkReach | undefined> =>
  (await api.status().catch(() => undefined))?.mesh.reach

async function settles(
  { violation, signal }: Context,
  member: Member,
  what: string,
  isSo: (reach: NetworkReach) => boolean,
): Promise<NetworkReach | undefined> {
  let last: NetworkReach | undefined
  const look = async () => {
    last = await reachOf(member)
    return last !== undefined && isSo(last)
  }
  await until(what, reachMs, look, { signal, everyMs: 250 }).catch((error: unknown) => {
    rethrowUnless('DEADLINE')(error)
    violation(`${member.name} ${what}, not in time: ${JSON.stringify(last)}`)
  })
  return last
}

const named = ({ members }: Crew, machine: Machine): Member =>
  members.find((member) => member.machine === machine)!

async function nat(context: Context): Promise<void> {
  const { world, figure, note } = context
  const { relay, a, b } = await lay(context)
  const { mesh, prepare } = knowing(relay)
  const machines = [relay, ...a, ...b]
  await withCrew(context, { machines, mesh, prepare }, async (crew) => {
    await crew.whole('start', meetMs)
    const behind = [...a, ...b].map((machine) => named(crew, machine))
    const middle = named(crew, relay)
    await settles(context, middle, 'is found open', ({ is }) => is === 'open')
    await settles(context, middle, 'serves four', (at) => at.relay.serves === 4)
    for (const member of behind) {
      // The other LAN through the relay; the own LAN and the relay directly.
      await settles(context, member, 'has its way out', ({ is, relay: at, peers }) => {
        return is === 'nat' && at.uses.length === 1 && peers.direct === 2 && peers.relayed === 2
      })
    }
    for (const member of crew.members) await crew.issue(member)
    const stop = crew.flow(flowMs)

    note('the relay goes')
    await middle.actor.end()
    for (const group of [a, b]) {
      const some = group.map((machine) => named(crew, machine))
      await crew.whole(`without the relay, ${some[0]!.name} and ${some[1]!.name}`, meetMs, some)
      for (const member of some) {
        await settles(context, member, 'has no way out', ({ relay: at, peers }) => {
          return at.uses.length === 0 && peers.relayed === 0
        })
      }
    }
    await middle.actor.start()
    const isUp = async () => middle.actor.ready()
    await until('the relay to be up', upMs, isUp, { signal: context.signal, everyMs: 250 })
    await crew.whole('the relay is back', relayBackMs)
    await stop()
    const ends = await Promise.all(behind.map(reachOf))
    const sum = (count: (reach: NetworkReach) => number) =>
      ends.reduce((all, reach) => all + (reach === undefined ? 0 : count(reach)), 0)
    figure(
      'relayed connections that were made',
      sum(({ holePunch }) => holePunch.relayed),
    )
    figure(
      'holes punched',
      sum(({ holePunch }) => holePunch.upgraded),
    )
    await crew.judge()
  })
  await world.heal()
}

async function natMixed(context: Context): Promise<void> {
  const { world, violation } = context
  const { relay, a, b, router } = await lay(context)
  const [forwarded, hidden] = a as [Machine, Machine]
  const shut = await world.machine('shut', relay.lan)
  await script(
    router.namespace,
    `iptables -w -t nat -A PREROUTING -i eth1 -p tcp --dport ${port} -j DNAT --to ${forwarded.address}:${port}`,
    `iptables -w -I FORWARD -i eth1 -d ${forwarded.address} -p tcp --dport ${port} -j ACCEPT`,
  )
  await script(shut.namespace, 'iptables -w -A INPUT -i eth0 -p tcp --syn -j DROP')
  const { mesh: usual, prepare } = knowing(relay)
  const mesh = (machine: Machine): object => ({
    ...usual(machine),
    ...(machine === forwarded && {
      announce: [`/ip4/${router.outsideAddress}/tcp/${port}`],
    }),
  })
  const machines = [relay, shut, ...a, ...b]
  await withCrew(context, { machines, mesh, prepare }, async (crew) => {
    await crew.whole('start', meetMs)
    const open = named(crew, forwarded)
    await settles(context, open, 'is found open', ({ is }) => is === 'open')
    await settles(context, open, 'relays, too', ({ relay: at }) => (at.serves ?? 0) > 0)
    await settles(context, open, 'is dialled directly', ({ peers }) => peers.relayed <= 1)
    const closed = named(crew, shut)
    await settles(context, closed, 'is found closed', ({ is, relay: at }) => {
      return is === 'closed' && at.uses.length > 0
    })
    await settles(context, named(crew, hidden), 'has two relays', ({ is, relay: at }) => {
      return is === 'nat' && at.uses.length === 2
    })
    const far = await reachOf(named(crew, b[0]!))
    if (far?.is !== 'nat') violation(`b1 is ${far?.is}, not behind NAT`)
    for (const member of crew.members) await crew.issue(member)
    await crew.judge()
  })
}

export const behindNat: Scenario = {
  name: 'nat',
  about:
    'two LANs behind NAT meet through a relay that is a member, work and replicate; the relay goes and comes back',
  short: true,
  limitMs: 540_000,
  run: nat,
}

export const mixedReach: Scenario = {
  name: 'nat-mixed',
  about: 'the same with a forwarded port and with a public machine that a firewall closes',
  short: false,
  limitMs: 480_000,
  run: natMixed,
}
