/**
 * UPnP as libp2p asks for it, with what the library gets wrong put right: when the agent stops it asks the
 * router to forget a mapping without naming the protocol, and by the inner port, which routers refuse;
 * so the port would stay open until the lease ends, an hour.
 *
 * Only routers of version 2 of the standard are found. A mapping is asked for an hour, and again a
 * minute before its end.
 */
import { upnpNat, type UPnPNAT } from '@achingbrain/nat-port-mapper'

const WAN_CONNECTION = 'urn:schemas-upnp-org:service:WANIPConnection:2'

/** What the library keeps of a gateway; its types do not show it. */
interface Inner {
  family?: string
  mappings?: Map<
    number,
    { externalPort: string; protocol: string; refreshTimeout?: NodeJS.Timeout }[]
  >
  getGateway?: (options?: object) => Promise<{
    run(
      service: string,
      action: string,
      args: [string, unknown][],
      options?: object,
    ): Promise<object>
  }>
  unmap: (port: number, options?: object) => Promise<void>
}

export function portMapper(): UPnPNAT {
  const client = upnpNat({ description: 'bzzz' })
  return {
    async *findGateways(options) {
      for await (const gateway of client.findGateways(options)) yield mended(gateway)
    },
    getGateway: async (location, options) => mended(await client.getGateway(location, options)),
  }
}

/** For IPv4; holes in a firewall for IPv6 are closed by an id, rightly. */
function mended<T extends object>(gateway: T): T {
  const inner = gateway as T & Inner
  const { mappings, getGateway } = inner
  if (inner.family !== 'IPv4' || mappings === undefined || getGateway === undefined) return gateway
  inner.unmap = async (port, options) => {
    const known = mappings.get(port) ?? []
    mappings.delete(port)
    for (const { externalPort, protocol, refreshTimeout } of known) {
      clearTimeout(refreshTimeout)
      const device = await getGateway.call(inner, options)
      const args: [string, unknown][] = [
        ['NewRemoteHost', ''],
        ['NewExternalPort', externalPort],
        ['NewProtocol', protocol],
      ]
      await device.run(WAN_CONNECTION, 'DeletePortMapping', args, options)
    }
  }
  return gateway
}
