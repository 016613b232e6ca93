import { createHash, randomBytes } from 'node:crypto'
import type { Duplex } from 'node:stream'
import { finished, pipeline } from 'node:stream/promises'
import { setImmediate as turn } from 'node:timers/promises'
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Mesh } from '../../src/mesh/index.ts'
import { REQUEST_TIMEOUT_MS } from '../../src/mesh/streams/request.ts'
import { sleep, until } from '../../src/util/index.ts'
import { createRaw, join, type Raw } from './raw.ts'
import { createLab, fullMesh, type Lab } from './support.ts'

let lab: Lab
let raw: Raw | undefined
beforeEach(async () => {
  lab = await createLab()
})
afterEach(async () => {
  await raw?.stop()
  raw = undefined
  await lab.close()
})

const SIZE = 64 << 20
const noise = randomBytes(1 << 20)

/** Chunks of random size; the same bytes for the same seed. */
async function* source(seed: number, bytes: number): AsyncGenerator<Uint8Array> {
  for (let sent = 0; sent < bytes;) {
    const at = (seed * 7919 + sent) % (noise.length / 2)
    const length = Math.min(bytes - sent, 1 + Math.floor(Math.random() ** 3 * 200_000))
    yield noise.subarray(at, at + length)
    sent += length
    yieldTurns += 1
    if (yieldTurns % 64 === 0) await turn()
  }
}
let yieldTurns = 0

async function send(stream: Duplex, seed: number, bytes: number): Promise<string> {
  const hash = createHash('sha256')
  async function* hashed() {
    for await (const chunk of source(seed, bytes)) {
      hash.update(chunk)
      yield chunk
    }
  }
  await pipeline(hashed, stream, { end: true })
  return hash.digest('hex')
}

async function receive(stream: Duplex, slow: boolean): Promise<{ digest: string; bytes: number }> {
  const hash = createHash('sha256')
  let bytes = 0
  let chunks = 0
  for await (const chunk of stream) {
    hash.update(chunk as Uint8Array)
    bytes += (chunk as Uint8Array).byteLength
    chunks += 1
    if (slow && chunks % 2 === 0) await sleep(10)
  }
  return { digest: hash.digest('hex'), bytes }
}

/** Until an amount has stayed the same for some looks: nothing flows any more. */
async function settled(amount: () => number): Promise<void> {
  let last = -1
  let looks = 0
  const isSame = () => {
    looks = amount() === last ? looks + 1 : 0
    last = amount()
    return looks >= 4
  }
  await until('that nothing flows', 30_000, isSame, { everyMs: 50 })
}

async function pair(): Promise<[Mesh, Mesh]> {
  const [a, b] = await Promise.all(['a', 'b'].map((name) => lab.start(name)))
  if (a === undefined || b === undefined) throw new Error('not started')
  await fullMesh([a, b])
  return [a, b]
}

async function open(a: Mesh, b: Mesh): Promise<[Duplex, Duplex]> {
  const inbound = new Promise<Duplex>((resolve) => {
    const off = b.handleJournal((stream, peerId) => {
      expect(peerId).toBe(a.peerId)
      off()
      resolve(stream)
    })
  })
  const outbound = await a.openJournal(b.peerId)
  return [outbound, await inbound]
}

describe('journal streams', () => {
  test.each([
    ['fast readers', false],
    ['slow readers', true],
  ])('64 MiB each way at once arrive whole: %s', async (_what, slow) => {
    const [a, b] = await pair()
    const [left, right] = await open(a, b)
    const at = performance.now()
    const [sentLeft, sentRight, gotLeft, gotRight] = await Promise.all([
      send(left, 1, SIZE),
      send(right, 2, SIZE),
      receive(left, slow),
      receive(right, slow),
    ])
    expect(gotRight).toEqual({ digest: sentLeft, bytes: SIZE })
    expect(gotLeft).toEqual({ digest: sentRight, bytes: SIZE })
    const seconds = (performance.now() - at) / 1000
    expect(seconds).toBeLessThan(50)
    await until('both to close', 5000, () => left.closed && right.closed)
  })

  test('a reader that does not read at all stops the writer, and loses nothing', async () => {
    const [a, b] = await pair()
    const [left, right] = await open(a, b)
    const sending = send(left, 3, 16 << 20)
    await settled(() => left.writableLength)
    expect(left.writableLength).toBeGreaterThan(0)
    expect(left.destroyed || right.destroyed).toBe(false)
    const got = await receive(right, false)
    expect(got).toEqual({ digest: await sending, bytes: 16 << 20 })
  })

  test('a reader that takes a part and stalls, again and again, loses nothing', async () => {
    const [a, b] = await pair()
    const [left, right] = await open(a, b)
    const sending = send(left, 4, SIZE / 2)
    const hash = createHash('sha256')
    let bytes = 0
    right.on('readable', () => undefined)
    for (let round = 0; bytes < SIZE / 2; round += 1) {
      const rest = SIZE / 2 - bytes
      await until('bytes', 5000, () => right.readableLength >= Math.min(rest, 200_000))
      const part = right.read(
        right.readableLength === rest ? rest : right.readableLength - 100_000,
      ) as Uint8Array | null
      if (part !== null) hash.update(part)
      bytes += part?.byteLength ?? 0
      if (round < 8) await settled(() => right.readableLength)
    }
    right.resume()
    expect(hash.digest('hex')).toBe(await sending)
  })

  test('half-close: one side may end and still read to the end', async () => {
    const [a, b] = await pair()
    const [left, right] = await open(a, b)
    left.end('question')
    const question = await right.toArray()
    expect(Buffer.concat(question as Buffer[]).toString()).toBe('question')
    right.end('answer')
    const answer = await left.toArray()
    expect(Buffer.concat(answer as Buffer[]).toString()).toBe('answer')
    await until('both to close', 5000, () => left.closed && right.closed)
  })

  test('a destroyed stream is an error on the other side, never an end', async () => {
    const [a, b] = await pair()
    const [left, right] = await open(a, b)
    left.write(randomBytes(100_000))
    const reading = receive(right, false)
    reading.catch(() => undefined)
    await until('bytes', 5000, () => right.readableDidRead)
    left.destroy()
    await expect(reading).rejects.toMatchObject({ code: 'STREAM_TRUNCATED' })
  })

  test('a peer that stops destroys the streams', async () => {
    const [a, b] = await pair()
    const [left, right] = await open(a, b)
    const ended = Promise.allSettled([finished(left), receive(right, false)])
    left.write('x')
    await b.stop()
    expect((await ended).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  })

  test('many streams at once keep their bytes apart', async () => {
    const [a, b] = await pair()
    const inbound: Promise<{ digest: string }>[] = []
    b.handleJournal((stream) => {
      inbound.push(receive(stream, false))
      stream.end()
    })
    const outbound = await Promise.all(
      Array.from({ length: 20 }, async (_, seed) => {
        const stream = await a.openJournal(b.peerId)
        stream.resume()
        return send(stream, seed, 1 << 20)
      }),
    )
    const digests = (await Promise.all(inbound)).map(({ digest }) => digest)
    expect(digests.sort()).toEqual(outbound.sort())
  })

  test('bytes that come with the end, right behind the negotiation, are not lost', async () => {
    const [a, b] = await pair()
    b.handleJournal((stream) => stream.end('all at once'))
    for (let round = 0; round < 200; round += 1) {
      const stream = await a.openJournal(b.peerId)
      stream.end()
      const bytes = Buffer.concat((await stream.toArray()) as Buffer[])
      expect(bytes.toString()).toBe('all at once')
    }
  })

  test('nobody serves it, nobody is there: coded errors', async () => {
    const [a, b] = await pair()
    const refused = await a.openJournal(b.peerId)
    await expect(receive(refused, false)).rejects.toMatchObject({ code: 'STREAM_TRUNCATED' })
    const nobody = '12D3KooWKnDdG3iXw9eTFijk3EWSunZcFi54Zka4wmtqtt6rPxc8'
    await expect(a.openJournal(nobody)).rejects.toMatchObject({ code: 'PEER_UNREACHABLE' })
    const signal = AbortSignal.abort()
    await expect(a.openJournal(b.peerId, { signal })).rejects.toMatchObject({ code: 'ABORTED' })
  })

  test('opens to a peer that is known but not connected by dialling it', async () => {
    const a = await lab.start('a', { enoughConnections: 0 })
    const b = await lab.start('b', { enoughConnections: 0 })
    b.handleJournal((stream) => stream.end('hello'))
    await until('news of b', 30_000, () => (a.counters()['mdns.answers'] ?? 0) > 0)
    expect(a.peers()).toEqual([])
    const stream = await a.openJournal(b.peerId)
    expect(Buffer.concat((await stream.toArray()) as Buffer[]).toString()).toBe('hello')
  })
})

describe('the request protocol', () => {
  test('a request that is cut or never ends gets no answer, and its stream is closed', async () => {
    const mesh = await lab.start('a')
    raw = await createRaw({ lab })
    await join(raw, mesh, lab.meshName)
    const address = mesh.addresses().map((at) => multiaddr(at))
    const protocol = `/bzzz/${lab.meshName}/capabilities/1`
    const cut = await raw.node.dialProtocol(address, protocol)
    cut.send(Buffer.from([0, 0, 0, 4, 0x6e]))
    await cut.close()
    const endless = await raw.node.dialProtocol(address, protocol)
    endless.send(Buffer.from([0, 0, 0, 4, 0x6e]))
    const done = (stream: typeof cut) => stream.status === 'reset' || stream.status === 'closed'
    await until('the cut one', 5000, () => done(cut))
    await until('the endless one', REQUEST_TIMEOUT_MS + 5000, () => done(endless))
    expect(mesh.counters()['requests.failed']).toBe(2)
  })
})
