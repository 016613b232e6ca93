/**
 * The same port at every start where the configuration leaves it open (`tcp/0`): tokens and the
 * addresses that others remember stay good. What was taken is in `listen.json` in the home; when
 * somebody else has it, any free one is taken, and remembered in its place.
 */
import { createServer } from 'node:net'
import { z } from 'zod'
import type { Logger } from '../../util/index.ts'
import { parseAddress } from './addresses.ts'
import { homeFile } from '../home-file.ts'

const FILE = 'listen.json'
const MAX_BYTES = 16 * 1024
const MAX_ADDRESSES = 32

const schema = z.object({
  v: z.literal(1),
  /** Listen address as configured → port. */
  ports: z.record(z.string().max(255), z.number().int().min(1).max(65_535)),
})

export interface Ports {
  /** The addresses to listen on, with remembered ports that are free now. */
  recall(listen: readonly string[]): Promise<string[]>
  /** `listening`: multiaddrs of the started node. */
  remember(listen: readonly string[], listening: readonly string[]): Promise<void>
}

export function createPorts(home: string, { logger }: { logger: Logger }): Ports {
  const file = homeFile({ home, name: FILE, schema, maxBytes: MAX_BYTES }, { logger })
  return {
    async recall(listen) {
      const ports = (await file.read())?.ports ?? {}
      return Promise.all(
        listen.map(async (address) => {
          const port = ports[address]
          if (!isOpen(address) || port === undefined) return address
          const host = address.split('/')[2] ?? ''
          return (await isFree(host, port)) ? address.replace(/0$/, String(port)) : address
        }),
      )
    },
    async remember(listen, listening) {
      const ports = taken(listen, listening)
      if (Object.keys(ports).length > 0) await file.write({ v: 1, ports })
    },
  }
}

/** Port of each open listen address. Pure. */
export function taken(
  listen: readonly string[],
  listening: readonly string[],
): Record<string, number> {
  const found = listening.flatMap((text) => parseAddress(text) ?? [])
  const entries = listen.filter(isOpen).flatMap((address): [string, number][] => {
    const host = address.split('/')[2] ?? ''
    const isAny = host === '0.0.0.0' || host === '::'
    const at = found.find((one) =>
      isAny ? one.host.includes(':') === host.includes(':') : one.host === host,
    )
    return at === undefined ? [] : [[address, at.port]]
  })
  return Object.fromEntries(entries.slice(0, MAX_ADDRESSES))
}

const isOpen = (address: string): boolean => address.endsWith('/tcp/0')

async function isFree(host: string, port: number): Promise<boolean> {
  const server = createServer()
  return new Promise((resolve) => {
    server.once('error', () => resolve(false))
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)))
  })
}
