/**
 * Where a home will be reached, settled before its agent runs for the first time, so that a token made
 * by `bzzz init` already says it: open ports are chosen and remembered as the first start would.
 */
import { createServer } from 'node:net'
import { networkInterfaces } from 'node:os'
import type { Logger } from '../../util/index.ts'
import { announceable, localAddresses, type LocalAddress } from './addresses.ts'
import { loadIdentity } from '../identity.ts'
import { createPorts } from './ports.ts'

/**
 * `listen`: as configured. Gives multiaddrs with peer id, those that others can use. Errors: those of
 * `loadIdentity`.
 */
export async function reserveAddresses(
  { home, listen }: { home: string; listen: readonly string[] },
  { logger }: { logger: Logger },
): Promise<string[]> {
  const { peerId } = loadIdentity(home)
  const ports = createPorts(home, { logger })
  const settled = await Promise.all((await ports.recall(listen)).map(withPort))
  await ports.remember(listen, settled)
  const local = localAddresses(networkInterfaces())
  const all = settled.flatMap((address) => concrete(address, local))
  return announceable(all, local).map((address) => `${address}/p2p/${peerId}`)
}

async function withPort(address: string): Promise<string> {
  if (!address.endsWith('/tcp/0')) return address
  const port = await freePort(address.split('/')[2] ?? '')
  return port === undefined ? address : address.replace(/0$/, String(port))
}

function freePort(host: string): Promise<number | undefined> {
  const server = createServer()
  return new Promise((resolve) => {
    server.once('error', () => resolve(undefined))
    server.listen({ host, port: 0, exclusive: true }, () => {
      const at = server.address()
      const port = typeof at === 'object' && at !== null ? at.port : undefined
      server.close(() => resolve(port))
    })
  })
}

/** One address for each that "any" stands for; none without a port. Pure. */
export function concrete(address: string, local: readonly LocalAddress[]): string[] {
  const [, kind = '', host = '', , port = ''] = address.split('/')
  if (port === '0') return []
  if (host !== '0.0.0.0' && host !== '::') return [address]
  return local
    .filter((at) => at.address.includes(':') === (kind === 'ip6'))
    .map((at) => `/${kind}/${at.address}/tcp/${port}`)
}
