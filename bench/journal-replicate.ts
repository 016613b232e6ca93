/**
 * What replication costs: a journal's hypercore, copied whole from one store to another in the same
 * process, over a libp2p stream as agents do it. Yardstick, in turns in the same run: hypercore's own
 * replication (its Noise stream) over raw TCP on loopback. Also measured: hypercore's own Noise stream
 * over the libp2p stream, which encrypts twice. Both sides, with their stores, run in one process, so
 * the processor time of a copy, which other processes hardly disturb, is measured beside its duration.
 * Ratios above 1 are slower; the notes give the throughput as a part of the yardstick's.
 *
 *   node bench/journal-replicate.ts [MiB per copy of 64 KiB blocks; an eighth for 300 B]
 */
import { once } from 'node:events'
import { createServer, connect, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { noise } from '@chainsafe/libp2p-noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import Corestore from 'corestore'
import type { Hypercore } from 'hypercore'
import { createLibp2p } from 'libp2p'
import { FramedStream } from '../src/journal/replica/framed.ts'
import { toDuplex } from '../src/mesh/streams/duplex.ts'
import { argument, bench, interleave, median, timed, type Samples } from './lib.ts'

const mebibytes = argument(0, { min: 8, max: 512, usual: 16 })
const rounds = 7
const copyMs = 60_000
const protocol = '/bench/journal'
const yardstick = 'hypercore over raw TCP'
const framedName = 'over a libp2p stream, framed (as agents do)'
const twiceName = 'over a libp2p stream, encrypted twice'

const node = () =>
  createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux({ streamOptions: { maxStreamWindowSize: 1 << 20 } })],
  })

type Pair = [near: Duplex, far: Duplex]

/** The raw side of hypercore's own Noise stream, piped to the wire. */
function encrypt(store: Corestore, wire: Duplex, isInitiator: boolean): void {
  const side = store.replicate(isInitiator)
  side.on('error', () => undefined)
  wire.pipe(side).pipe(wire)
}

await bench(
  { name: 'journal-replicate', budgetMs: 60_000, deadlineMs: 150_000 },
  async (context) => {
    const server = createServer({ noDelay: true })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const [left, right] = [await node(), await node()]
    const [a, b] = [left.peerId.toString(), right.peerId.toString()]
    let arrived: (wire: Duplex) => void = () => undefined
    await right.handle(protocol, (stream) => arrived(toDuplex(stream, a)))

    const overTcp = async (): Promise<Pair> => {
      const far = once(server, 'connection') as Promise<[Duplex]>
      const near = connect({ port, host: '127.0.0.1', noDelay: true })
      return [near, (await far)[0]]
    }
    const overLibp2p = async (): Promise<Pair> => {
      const far = new Promise<Duplex>((resolve) => {
        arrived = resolve
      })
      const stream = await left.dialProtocol(right.getMultiaddrs(), protocol)
      return [toDuplex(stream, b), await far]
    }
    let copies = 0

    /** Copies the core into a new store; ms per MiB of duration, and of processor time into `cpu`. */
    async function copy(
      source: { store: Corestore; core: Hypercore; mebibytes: number },
      kind: string,
      cpu: number[] = [],
    ) {
      const target = new Corestore(join(context.dir, `copy-${(copies += 1)}`))
      const core = target.get({ key: source.core.key, allowFork: false })
      await core.ready()
      const [near, far] = kind === yardstick ? await overTcp() : await overLibp2p()
      for (const wire of [near, far]) wire.on('error', () => undefined)
      const before = process.cpuUsage()
      const took = await timed(async () => {
        if (kind === framedName) {
          const ends = { peerId: a, remotePeerId: b }
          source.store.replicate(new FramedStream(near, { isInitiator: true, ...ends }))
          const back = { peerId: b, remotePeerId: a }
          target.replicate(new FramedStream(far, { isInitiator: false, ...back }))
        } else {
          encrypt(source.store, near, true)
          encrypt(target, far, false)
        }
        core.download({ start: 0, end: -1, linear: true })
        await new Promise<void>((resolve, reject) => {
          const timer = setTimeout(() => reject(new Error('a copy took too long')), copyMs)
          const look = () => {
            if (core.length === 0 || core.contiguousLength < source.core.length) return
            clearTimeout(timer)
            resolve()
          }
          core.on('download', look)
          core.on('append', look)
        })
      })
      const { user, system } = process.cpuUsage(before)
      cpu.push((user + system) / 1_000 / source.mebibytes)
      near.destroy()
      far.destroy()
      await target.close()
      return took / source.mebibytes
    }

    try {
      const parts = []
      const notes = []
      const facts: Record<string, unknown> = { mebibytes }
      for (const [blockBytes, size] of [
        [300, Math.ceil(mebibytes / 8)],
        [64 * 1024, mebibytes],
      ] as const) {
        const blocks = Math.ceil((size * 2 ** 20) / blockBytes)
        const store = new Corestore(join(context.dir, `source-${blockBytes}`))
        const core = store.get({ name: 'source' })
        await core.ready()
        for (let made = 0; made < blocks; made += 256) {
          const batch = Math.min(256, blocks - made)
          await core.append(
            Array.from({ length: batch }, (_, i) => Buffer.alloc(blockBytes, made + i)),
          )
        }
        const from = { store, core, mebibytes: size }
        await copy(from, framedName)
        const cpu: Samples = { [yardstick]: [], [framedName]: [], [twiceName]: [] }
        const steps = Object.keys(cpu).map((kind) => [kind, () => copy(from, kind, cpu[kind])])
        const part = { ...context, used: () => context.used() * (blockBytes === 300 ? 2 : 1) }
        const samples = await interleave(
          part,
          rounds,
          Object.fromEntries(steps) as Record<string, () => Promise<number>>,
        )
        await store.close()
        const rate = (of: Samples, kind: string) =>
          median(of[yardstick] ?? []) / median(of[kind] ?? [])
        const said = [framedName, twiceName].map((kind) => ({
          kind,
          byDuration: rate(samples, kind),
          byProcessorTime: rate(cpu, kind),
        }))
        facts[`throughput at ${blockBytes} B`] = said
        for (const { kind, byDuration, byProcessorTime } of said) {
          const numbers = [byDuration, byProcessorTime].map((value) => value.toFixed(2))
          notes.push(
            `${blockBytes} B, ${kind}: ${numbers[0]} of the yardstick's throughput, ${numbers[1]} by processor time.`,
          )
        }
        const title = `${blockBytes} B blocks`
        parts.push({ title, unit: 'ms per MiB', yardstick, samples })
        const cpuTitle = `${title}, processor time`
        parts.push({ title: cpuTitle, unit: 'ms per MiB', yardstick, samples: cpu })
      }
      return { parts, notes, facts }
    } finally {
      await Promise.all([left.stop(), right.stop()])
      server.close()
    }
  },
)
