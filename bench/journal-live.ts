/**
 * How fast another agent has an entry, over a libp2p connection on loopback: from the append, durable
 * or not, until a tail of another journal gives it. Yardstick, in turns in the same run: a ping over the
 * same connection (one byte there and back on an open stream).
 *
 * And a late joiner: it takes up a journal of 10,000 and one of 100,000 entries; how long that takes for
 * each entry, and how far the memory of the process rises meanwhile. Both sides run in one process.
 *
 *   node bench/journal-live.ts [entries of the large journal]
 */
import { generateKeyPairSync, sign, verify } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { noise } from '@chainsafe/libp2p-noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import type { StreamHandler } from '@libp2p/interface'
import { createLibp2p } from 'libp2p'
import { createJournal, type Journal, type JournalTransport } from '../src/journal/index.ts'
import { toDuplex } from '../src/mesh/streams/duplex.ts'
import { nullLogger, until } from '../src/util/index.ts'
import { argument, bench, interleave, timed, type Samples } from './lib.ts'

const large = argument(0, { min: 2_000, max: 1_000_000, usual: 100_000 })
const rounds = 60
const yardstick = 'ping'
const journalProtocol = '/bench/journal'
const pingProtocol = '/bench/ping'

const node = () =>
  createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux({ streamOptions: { maxStreamWindowSize: 1 << 20 } })],
  })
type Node = Awaited<ReturnType<typeof node>>

const keys = generateKeyPairSync('ed25519')

function transportOf(self: Node, addressOf: (peerId: string) => Node): JournalTransport {
  let handler: (stream: Duplex, peerId: string) => void = () => undefined
  const onStream: StreamHandler = (stream, connection) => {
    const peerId = connection.remotePeer.toString()
    handler(toDuplex(stream, peerId), peerId)
  }
  void self.handle(journalProtocol, onStream, { force: true })
  return {
    peerId: self.peerId.toString(),
    sign: async (data) => sign(null, data, keys.privateKey),
    handleJournal(next) {
      handler = next
      return () => undefined
    },
    async openJournal(to) {
      const stream = await self.dialProtocol(addressOf(to).getMultiaddrs(), journalProtocol)
      return toDuplex(stream, to)
    },
  }
}

await bench({ name: 'journal-live', budgetMs: 90_000, deadlineMs: 240_000 }, async (context) => {
  const nodes = [await node(), await node()]
  const find = (peerId: string) => nodes.find((one) => one.peerId.toString() === peerId) as Node
  const [left, right] = nodes as [Node, Node]
  let made = 0
  const start = async (self: Node, name: string): Promise<Journal> => {
    const journal = createJournal(
      {
        dir: join(context.dir, `${(made += 1)}`),
        agent: { name, version: '0.1.0', incarnation: '0a' },
        limits: { reserveBytes: 0 },
      },
      {
        transport: transportOf(self, find),
        verify: async (_peerId, data, signature) => verify(null, data, keys.publicKey, signature),
        logger: nullLogger,
      },
    )
    await journal.start()
    await journal.opened()
    return journal
  }
  const meet = (a: Journal, b: Journal) => {
    const [one, other] = [left.peerId.toString(), right.peerId.toString()]
    a.follow({ peerId: other, ...b.head(), name: 'b' })
    b.follow({ peerId: one, ...a.head(), name: 'a' })
    a.connect(other)
    b.connect(one)
  }
  await right.handle(pingProtocol, (stream) => {
    const wire = toDuplex(stream, left.peerId.toString())
    wire.on('data', (chunk: Buffer) => wire.write(chunk))
  })
  const a = await start(left, 'a')
  let b = await start(right, 'b')
  const stop = new AbortController()
  try {
    meet(a, b)
    const has = (journal: Journal, length: number) =>
      journal.journals().some(({ own, available }) => !own && available >= length)
    await until('the first entry', 10_000, () => has(b, 1))
    const ping = toDuplex(
      await left.dialProtocol(right.getMultiaddrs(), pingProtocol),
      right.peerId.toString(),
    )
    let arrived: (seq: number) => void = () => undefined
    void (async () => {
      for await (const entry of b.tail({ agent: 'a' }, stop.signal)) arrived(entry.seq)
    })()
    const live = (durable: boolean) => () =>
      timed(async () => {
        const seen = new Promise<void>((resolve) => {
          arrived = (seq) => seq >= expected && resolve()
        })
        let expected = Number.POSITIVE_INFINITY
        expected = a.head().length
        await a.append({ type: 'peer.lost', peerId: 'x', reason: 'why' }, { durable })
        await seen
      })
    const latency = await interleave(context, rounds, {
      [yardstick]: () =>
        timed(async () => {
          ping.write(Buffer.from([1]))
          await once(ping, 'data')
        }),
      'append → tail of another agent': live(false),
      'durable append → tail of another agent': live(true),
    })
    ping.destroy()
    stop.abort()

    const catchUp: Samples = {}
    const memory: Record<string, number> = {}
    let written = a.head().length
    for (const count of [Math.floor(large / 10), large]) {
      context.signal.throwIfAborted()
      await b.stop()
      for (; written < count; written += 1_000) {
        await Promise.all(
          Array.from({ length: 1_000 }, () =>
            a.append({ type: 'peer.lost', peerId: 'x', reason: 'r'.repeat(150) }),
          ),
        )
      }
      b = await start(right, 'b')
      const name = `${count} entries`
      globalThis.gc?.()
      const before = process.memoryUsage().rss
      let peak = before
      const watch = setInterval(() => {
        peak = Math.max(peak, process.memoryUsage().rss)
      }, 20)
      const took = await timed(async () => {
        meet(a, b)
        await until('the replica', 120_000, () => has(b, a.head().length), { everyMs: 5 })
      })
      clearInterval(watch)
      catchUp[name] = [(1_000 * took) / a.head().length]
      memory[name] = Math.round((peak - before) / 2 ** 20)
    }
    const first = Object.keys(catchUp)[0] ?? ''
    return {
      parts: [
        { title: 'an entry arrives', unit: 'ms', yardstick, samples: latency },
        { title: 'a late joiner', unit: 'µs per entry', yardstick: first, samples: catchUp },
      ],
      notes: Object.entries(memory).map(
        ([name, mebibytes]) => `Memory rose by at most ${mebibytes} MiB while ${name} came.`,
      ),
      facts: { memory },
    }
  } finally {
    stop.abort()
    await Promise.all([a.stop(), b.stop()])
    for (const one of nodes) await one.stop()
  }
})
