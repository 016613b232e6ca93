/**
 * A small network to break: LANs, machines, routers with NAT, and links that can be cut, moved, made
 * anew, made lossy or slow. It lives inside `enterWorld`, and ends with it.
 *
 *     hub (where this process and the forge are) ──169.254.k.0/30── up0 ┐
 *                                                                       │ machine m1
 *     switch: bridge a ── p1 ───────────────────────── eth0 10.77.1.11 ─┘
 *                      ── p2 ─── eth0 10.77.1.12 of machine m2 …
 *                      ── p3 ─── eth0 of a router, eth1 ── p4 ── bridge b
 *
 * Bridges are in a namespace of their own. Every machine has a default route. What is cut is cut at
 * the switch, so that a machine sees what it would see in life: silence, not an interface that went
 * down. `up0` is a way to the hub alone (nothing is forwarded there), with link-local addresses that
 * no agent announces: so a mesh can be partitioned while the forge stays in reach, or the other way.
 *
 * @example
 * const world = await openWorld()
 * const a = await world.lan('a')
 * const [one, two] = [await world.machine('m1', a), await world.machine('m2', a)]
 * await world.expose(Number(new URL(forge.url).port)) // the hub's 127.0.0.1:PORT, from everywhere
 * const child = world.spawn(one, [process.execPath, bin, 'up'], { stdio: 'inherit' })
 * await world.cut(one)
 * await world.heal(one)
 * console.log(await world.run(two, ['ip', 'addr']))
 * await world.close()
 */
import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process'
import { Links } from './links.ts'
import { execute, inhabit, script } from './shell.ts'
import { startImpairment, type Impairment, type Quality } from './impairment.ts'

export interface Lan {
  readonly name: string
  readonly bridge: string
  /** First three numbers: "10.77.1". */
  readonly net: string
  /** Where machines send what is not for the LAN; a router that is put there takes it. */
  readonly gateway: string
}

export interface Machine {
  readonly name: string
  readonly namespace: string
  /** On its LAN. */
  readonly address: string
  readonly lan: Lan
  /** Before a command to run it there; its process id is that of the command. */
  readonly enter: readonly string[]
}

/** Of the switch, in /run/netns. */
const switchName = 'switch'
const firstHost = 11
const maxMachines = 120

export type World = Awaited<ReturnType<typeof openWorld>>

export async function openWorld() {
  const lans = new Map<string, Lan>()
  const machines = new Map<string, Machine>()
  const children = new Set<ChildProcess>()
  const disks = new Set<string>()
  const impaired = new Map<string, Impairment>()
  const links = new Links(switchName)
  let relays = 0
  await script(
    undefined,
    `ip netns add ${switchName}`,
    'echo 1 > /proc/sys/net/ipv4/conf/all/route_localnet',
    'echo 0 > /proc/sys/net/ipv4/ip_forward',
  )

  async function lan(name: string, options: { net?: string } = {}): Promise<Lan> {
    if (lans.has(name)) throw new Error(`There is a LAN ${name} already.`)
    const net = options.net ?? `10.77.${lans.size + 1}`
    const made = { name, bridge: `br-${name}`.slice(0, 15), net, gateway: `${net}.1` }
    lans.set(name, made)
    await links.bridge(made.bridge)
    return made
  }

  /** A namespace with its interface eth0 on the LAN, and up0 to the hub unless that is not wanted. */
  async function machine(
    name: string,
    at: Lan,
    options: { uplink?: boolean } = {},
  ): Promise<Machine> {
    if (machines.has(name)) throw new Error(`There is a machine ${name} already.`)
    if (machines.size >= maxMachines) throw new Error(`A world has ${maxMachines} machines.`)
    const number = machines.size + 1
    const namespace = `m-${name}`
    const address = `${at.net}.${firstHost + number - 1}`
    const made = { name, namespace, address, lan: at, enter: inhabit(namespace) }
    machines.set(name, made)
    await script(undefined, `ip netns add ${namespace}`)
    await script(namespace, 'ip link set lo up')
    await links.attach(namespace, 'eth0', { address, bridge: at.bridge, gateway: at.gateway })
    if (options.uplink ?? true) await uplink(namespace, number)
    return made
  }

  async function uplink(namespace: string, number: number): Promise<void> {
    const [hub, own] = [`169.254.${number}.1`, `169.254.${number}.2`]
    await script(
      undefined,
      `ip link add up${number} type veth peer name up0 netns ${namespace}`,
      `ip addr add ${hub}/30 dev up${number}`,
      `ip link set up${number} up`,
    )
    await script(
      namespace,
      `ip addr add ${own}/30 dev up0`,
      'ip link set up0 up',
      'echo 1 > /proc/sys/net/ipv4/conf/all/route_localnet',
      'iptables -w -t nat -A POSTROUTING -o up0 -j MASQUERADE',
    )
  }

  /**
   * Makes a TCP port on the hub's loopback reachable as 127.0.0.1:PORT on the machines, through
   * `up0`: agents send a token over plain http to their own machine only.
   */
  async function expose(port: number, to: Iterable<Machine> = machines.values()): Promise<void> {
    const rule = `-p tcp --dport ${port} -j DNAT --to-destination`
    await script(
      undefined,
      `iptables -w -t nat -C PREROUTING -i up+ ${rule} 127.0.0.1:${port} 2>/dev/null || iptables -w -t nat -A PREROUTING -i up+ ${rule} 127.0.0.1:${port}`,
    )
    for (const { namespace } of to) {
      await script(
        namespace,
        `hub=$(ip -4 -o addr show dev up0 | sed -n 's/.*inet \\([0-9.]*\\)\\.2\\/.*/\\1.1/p')`,
        `iptables -w -t nat -A OUTPUT -d 127.0.0.1 ${rule} $hub:${port}`,
      )
    }
  }

  /** Takes from a machine the way to the hub, and so to the forge; `false` gives it back. */
  async function cutUplink({ name }: Machine, isCut = true): Promise<void> {
    const number = [...machines.keys()].indexOf(name) + 1
    await script(undefined, `ip link set up${number} ${isCut ? 'down' : 'up'}`)
  }

  /**
   * Forwards between two LANs. With `nat`, what goes out has the router's address on `outside`, and
   * nothing comes in that was not asked for. It is the gateway of `inside`, and without `nat` of both.
   */
  async function router(
    name: string,
    { inside, outside, nat }: { inside: Lan; outside: Lan; nat: boolean },
  ): Promise<{ namespace: string; outsideAddress: string }> {
    const namespace = `r-${name}`
    const outsideAddress = nat ? `${outside.net}.${201 + links.ports}` : outside.gateway
    await script(undefined, `ip netns add ${namespace}`)
    await script(
      namespace,
      'ip link set lo up',
      'echo 1 > /proc/sys/net/ipv4/ip_forward',
      ...(nat
        ? [
            'iptables -w -t nat -A POSTROUTING -o eth1 -j MASQUERADE',
            'iptables -w -A FORWARD -i eth1 -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT',
            'iptables -w -A FORWARD -i eth1 -j DROP',
          ]
        : []),
    )
    await links.attach(namespace, 'eth0', { address: inside.gateway, bridge: inside.bridge })
    await links.attach(namespace, 'eth1', { address: outsideAddress, bridge: outside.bridge })
    return { namespace, outsideAddress }
  }

  /** Nothing passes between the two any more; all else does. Both directions. */
  async function block(a: Machine, b: Machine): Promise<void> {
    for (const [at, from] of [
      [a, b],
      [b, a],
    ] as const) {
      await script(at.namespace, `iptables -w -t raw -A PREROUTING -s ${from.address} -j DROP`)
    }
  }

  const unblock = async ({ namespace }: Machine) => script(namespace, 'iptables -w -t raw -F')

  /** Of what arrives at the machine from its LAN, this share is dropped at random; 0 ends it. */
  async function loss({ namespace }: Machine, share: number): Promise<void> {
    const chain = 'iptables -w -t mangle'
    await script(
      namespace,
      `${chain} -F PREROUTING`,
      share === 0
        ? ':'
        : `${chain} -A PREROUTING -i eth0 -m statistic --mode random --probability ${share} -j DROP`,
    )
  }

  /**
   * Puts a relay of packets between the machine's port and the switch, which delays, drops, swaps and
   * throttles in both directions; undefined takes it away. Errors: where no tap device can be made
   * (rootless, or without perl), see `whyNotImpair`.
   */
  async function impair(machine: Machine, quality: Quality | undefined): Promise<void> {
    const { name, namespace } = machine
    const before = impaired.get(name)
    if (before !== undefined) {
      await links.unsplice(namespace, 'eth0')
      await before.stop()
      impaired.delete(name)
    }
    if (quality === undefined) return
    const { port, bridge } = links.portOf(namespace, 'eth0')
    const one = await startImpairment({ switchName, port, bridge, number: (relays += 1) }, quality)
    links.splice(namespace, 'eth0', one.outer)
    impaired.set(name, one)
  }

  /** Two groups or more that no longer hear of each other; who is in none stays where it is. */
  async function partition(groups: readonly (readonly Machine[])[]): Promise<void> {
    for (const [index, group] of groups.entries()) {
      if (index === 0) continue
      const bridge = `br-part${index}`
      await links.bridge(bridge)
      for (const one of group) await links.move(one.namespace, 'eth0', bridge)
    }
  }

  /** Each to its LAN, with a port that is up, and no blocks. */
  async function heal(...some: Machine[]): Promise<void> {
    for (const one of some.length > 0 ? some : machines.values()) {
      await unblock(one)
      await links.move(one.namespace, 'eth0', one.lan.bridge)
      await links.set(one.namespace, 'eth0', 'up')
    }
  }

  return {
    lan,
    machine,
    router,
    expose,
    cutUplink,
    block,
    loss,
    impair,
    partition,
    heal,
    /** The machine's port at the switch goes down: it hears nobody on its LAN. */
    cut: async ({ namespace }: Machine) => links.set(namespace, 'eth0', 'down'),
    /** Its port is moved to another LAN; its address stays, as when a cable is put elsewhere. */
    move: async ({ namespace }: Machine, to: Lan) => links.move(namespace, 'eth0', to.bridge),
    /** Its interface is deleted and made again with the same address: multicast memberships are lost. */
    relink: async ({ namespace }: Machine) => links.remake(namespace, 'eth0'),
    /** To its end; gives stdout. Errors: what it said, when it did not end with 0. */
    run: async (
      at: Machine,
      command: readonly string[],
      options: { signal?: AbortSignal; timeoutMs?: number } = {},
    ) => execute([...at.enter, ...command], options),
    /** A process on the machine. It is ended with the world. */
    spawn(at: Machine, command: readonly string[], options: SpawnOptions = {}): ChildProcess {
      const [file = '', ...args] = [...at.enter, ...command]
      const child = spawn(file, args, options)
      child.on('error', () => undefined)
      children.add(child)
      child.once('exit', () => children.delete(child))
      return child
    },
    /** A file system of its own for a directory, to fill up: MiB. */
    async disk(dir: string, mib: number): Promise<void> {
      await execute(['mount', '-t', 'tmpfs', '-o', `size=${mib}m,mode=700`, 'none', dir])
      disks.add(dir)
    },
    machines: machines as ReadonlyMap<string, Machine>,
    /** Ends what runs here and takes everything down; a further world can be opened then. */
    async close(): Promise<void> {
      for (const child of children) child.kill('SIGKILL')
      for (const dir of disks) await execute(['umount', '-l', dir])
      disks.clear()
      for (const one of impaired.values()) await one.stop()
      impaired.clear()
      for (const number of [...machines.keys()].keys()) {
        await script(undefined, `ip link del up${number + 1} 2>/dev/null || :`)
      }
      const names = (await execute(['ip', 'netns', 'list'])).split('\n')
      for (const line of names) {
        const name = line.split(' ')[0] ?? ''
        if (name !== '') await execute(['ip', 'netns', 'del', name])
      }
      await script(undefined, 'iptables -w -t nat -F')
      machines.clear()
      lans.clear()
    },
  }
}
