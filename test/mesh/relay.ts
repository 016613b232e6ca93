/**
 * A TCP relay that makes a link bad: it delays every chunk, holds some back as long as TCP needs to
 * send a lost packet again, and can be cut. Bytes stay in order, as TCP keeps them.
 */
import { createServer, connect, type Server, type Socket } from 'node:net'
import type { AddressInfo } from 'node:net'

export interface RelayInit {
  /** Port on 127.0.0.1 behind it, asked for at each connection. */
  to: () => number
  /** Of every chunk, ms. */
  delayMs?: number
  /** Part of the chunks that are lost at first, and when they are there at last, ms. */
  loss?: number
  againMs?: number
}

export interface Relay {
  port: number
  /** Ends all connections and refuses new ones, until `mend`. */
  cut(): void
  mend(): void
  close(): Promise<void>
}

export async function createRelay(init: RelayInit): Promise<Relay> {
  const { to, delayMs = 0, loss = 0, againMs = 300 } = init
  const sockets = new Set<Socket>()
  let isCut = false

  function pipe(from: Socket, into: Socket): void {
    const waiting: { at: number; chunk: Buffer }[] = []
    let timer: NodeJS.Timeout | undefined
    let free = 0
    const pass = () => {
      timer = undefined
      while (waiting[0] !== undefined && waiting[0].at <= performance.now()) {
        const { chunk } = waiting.shift() as { chunk: Buffer }
        if (!into.destroyed) into.write(chunk)
      }
      if (waiting[0] !== undefined) timer ??= setTimeout(pass, waiting[0].at - performance.now())
      else if (from.destroyed) into.destroy()
    }
    from.on('data', (chunk) => {
      const late = Math.random() < loss ? againMs * (1 + Math.random()) : 0
      free = Math.max(free, performance.now() + delayMs + late)
      waiting.push({ at: free, chunk })
      if (timer === undefined) pass()
    })
    from.on('error', () => undefined)
    from.on('close', () => {
      sockets.delete(from)
      if (isCut || waiting.length === 0) into.destroy()
    })
  }

  const server: Server = createServer((inbound) => {
    if (isCut) return void inbound.destroy()
    const outbound = connect(to(), '127.0.0.1')
    for (const socket of [inbound, outbound]) sockets.add(socket.setNoDelay())
    pipe(inbound, outbound)
    pipe(outbound, inbound)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const drop = () => sockets.forEach((socket) => socket.destroy())
  return {
    port,
    cut() {
      isCut = true
      drop()
    },
    mend: () => void (isCut = false),
    async close() {
      drop()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
