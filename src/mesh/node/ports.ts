/**
 * The same port at every start where the configuration leaves it open (`tcp/0`): tokens and the
 * addresses that others remember stay good. What was taken is in `listen.json` in the home; when
 * somebody else has it, also from one moment to the next, any free one is taken, and remembered in its
 * place.
 */
import { createServer } from 'node:net'
import { z } from 'zod'
import { hasCode, type Logger } from '../../util/index.ts'
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
  /**
   * Runs `start` on remembered ports; if one of them was taken since it was looked at, `stop`, and once
   * more on free ones. Errors: those of `start`.
   */
  listen(
    listen: readonly string[],
    start: (listen: readonly string[]) => Promise<void>,
    stop: () => Promise<void>,
  ): Promise<void>
  /** The addresses to listen on, with remembered ports that are free now. */
  recall(listen: readonly string[]): Promise<string[]>
  /** `listening`: multiaddrs of the started node. */
  remember(listen: readonly string[], listening: readonly string[]): Promise<void>
}

export function createPorts(home: string, { logger }: { logger: Logger }): Ports {
  const file = homeFile({ home, name: FILE, schema, maxBytes: MAX_BYTES }, { logger })
  const ports: Ports = {
    async listen(listen, start, stop) {
      const recalled = await ports.recall(listen)
      try {
        await start(recalled)
      } catch (error) {
        const isOwnChoice = recalled.some((address, at) => address !== listen[at])
        if (!isOwnChoice || !hasCode(error, 'LISTEN_FAILED')) throw error
        logger.warn({ listen: recalled }, 'a remembered port was taken: any free one is')
        await stop()
        await start(listen)
      }
    },
    async recall(listen) {
      const ports = (await file.read())?.ports ?? {}
      const recalled = []
      for (const address of listen) {
        const port = ports[address]
        const host = address.split('/')[2] ?? ''
        const isGood = isOpen(address) && port !== undefined && (await isFree(host, port))
        recalled.push(isGood ? address.replace(/0$/, String(port)) : address)
      }
      return recalled
    },
    async remember(listen, listening) {
      const ports = taken(listen, listening)
      if (Object.keys(ports).length > 0) await file.write({ v: 1, ports })
    },
  }
  return ports
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
