/** Cables and bridges: pairs of interfaces between a namespace and the switch. */
import { script } from './shell.ts'

interface Cable {
  namespace: string
  name: string
  port: string
  /** What of the cable stands at the bridge: the port, or the far end of a relay. */
  outer: string
  mac: string
  bridge: string
  address: string
  gateway: string | undefined
}

export class Links {
  readonly #switch: string
  readonly #cables = new Map<string, Cable>()
  readonly #bridges = new Set<string>()

  constructor(switchName: string) {
    this.#switch = switchName
  }

  /** Cables that were ever laid. */
  get ports(): number {
    return this.#cables.size
  }

  portOf(namespace: string, name: string): Readonly<Pick<Cable, 'port' | 'bridge'>> {
    return this.#cable(namespace, name)
  }

  /** A relay stands between the port and the bridge now. */
  splice(namespace: string, name: string, outer: string): void {
    this.#cable(namespace, name).outer = outer
  }

  async unsplice(namespace: string, name: string): Promise<void> {
    const cable = this.#cable(namespace, name)
    cable.outer = cable.port
    await script(this.#switch, `ip link set ${cable.port} master ${cable.bridge}`)
  }

  /** Without snooping and spanning tree: multicast passes at once. Does nothing when it is there. */
  async bridge(name: string): Promise<void> {
    if (this.#bridges.has(name)) return
    this.#bridges.add(name)
    await script(
      this.#switch,
      `ip link add ${name} type bridge mcast_snooping 0 stp_state 0 forward_delay 0`,
      `ip link set ${name} up`,
    )
  }

  async attach(
    namespace: string,
    name: string,
    at: { address: string; bridge: string; gateway?: string },
  ): Promise<void> {
    const number = this.#cables.size + 1
    const hex = number.toString(16).padStart(4, '0')
    const mac = `02:bb:00:00:${hex.slice(0, 2)}:${hex.slice(2)}`
    const { address, bridge, gateway } = at
    const port = `p${number}`
    const cable = { namespace, name, port, outer: port, mac, bridge, address, gateway }
    this.#cables.set(`${namespace} ${name}`, cable)
    await this.#lay(cable)
  }

  async #lay({ namespace, name, port, mac, bridge, address, gateway }: Cable): Promise<void> {
    await script(
      this.#switch,
      `ip link add ${port} type veth peer name ${name} address ${mac} netns /run/netns/${namespace}`,
      `ip link set ${port} master ${bridge} up`,
    )
    const isWay = gateway !== undefined
    await script(
      namespace,
      `ip addr add ${address}/24 dev ${name}`,
      `ip link set ${name} up`,
      isWay && gateway !== address ? `ip route add default via ${gateway} dev ${name}` : ':',
    )
  }

  async set(namespace: string, name: string, state: 'up' | 'down'): Promise<void> {
    await script(this.#switch, `ip link set ${this.#cable(namespace, name).port} ${state}`)
  }

  async move(namespace: string, name: string, bridge: string): Promise<void> {
    const cable = this.#cable(namespace, name)
    if (cable.bridge === bridge) return
    await script(this.#switch, `ip link set ${cable.outer} master ${bridge}`)
    cable.bridge = bridge
  }

  /** Deleted, and made again with the same addresses. */
  async remake(namespace: string, name: string): Promise<void> {
    const cable = this.#cable(namespace, name)
    if (cable.outer !== cable.port) throw new Error('A link with a relay cannot be made anew.')
    await script(this.#switch, `ip link del ${cable.port}`)
    await this.#lay(cable)
  }

  #cable(namespace: string, name: string): Cable {
    const cable = this.#cables.get(`${namespace} ${name}`)
    if (cable === undefined) throw new Error(`There is no ${name} in ${namespace}.`)
    return cable
  }
}
