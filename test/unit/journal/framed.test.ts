import { join } from 'node:path'
import { duplexPair, Transform, type Duplex } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FramedStream, maxFrameBytes } from '../../../src/journal/replica/framed.ts'
import { openStore } from '../../../src/journal/own/store.ts'
import { until } from '../../../src/util/index.ts'
import { tempDir } from './helpers.ts'

const near = { isInitiator: true, peerId: 'near', remotePeerId: 'far' }
const far = { isInitiator: false, peerId: 'far', remotePeerId: 'near' }

/** Passes bytes on between two wires, cut into chunks of those sizes in turn. */
function relay(one: Duplex, other: Duplex, sizes: readonly number[] = [1 << 16]): void {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    let turn = 0
    from.on('data', (chunk: Buffer) => {
      for (let at = 0; at < chunk.byteLength;) {
        const size = sizes[(turn += 1) % sizes.length] ?? 1
        to.write(chunk.subarray(at, at + size))
        at += size
      }
    })
    from.on('close', () => to.destroy())
  }
}

/** Lets a chunk pass each `ms`. */
const slowly = (ms: number) =>
  new Transform({
    highWaterMark: 32 * 1024,
    transform(chunk: Buffer, _encoding, callback) {
      setTimeout(() => callback(null, chunk), ms)
    },
  })

const head = (bytes: number) => {
  const frame = Buffer.alloc(4)
  frame.writeUInt32LE(bytes)
  return frame
}

describe('framed streams', () => {
  it('keep the borders of messages, however the bytes arrive', async () => {
    const messages = fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { maxLength: 40 })
    const sizes = fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 5 })
    await fc.assert(
      fc.asyncProperty(messages, sizes, async (sent, chunks) => {
        const [[a, b], [c, d]] = [duplexPair(), duplexPair()]
        relay(b, c, chunks)
        const [left, right] = [new FramedStream(a, near), new FramedStream(d, far)]
        const got: Buffer[] = []
        right.on('data', (message: Buffer) => got.push(message))
        for (const [i, message] of sent.entries()) {
          if (i % 2 === 0) left.write(message)
          else {
            const place = left.alloc(message.byteLength)
            place.set(message)
            left.write(place)
          }
        }
        await until('all messages', 5_000, () => got.length === sent.length, { everyMs: 1 })
        expect(got.map((one) => [...one])).toEqual(sent.map((one) => [...one]))
        expect(left.handshakeHash).toEqual(right.handshakeHash)
        expect(await left.opened).toBe(true)
        left.destroy()
        right.destroy()
      }),
      { numRuns: 30 },
    )
  })

  it.each([
    ['does not begin with a nonce', head(16), Buffer.alloc(16)],
    ['begins with more than a nonce', head(33), Buffer.alloc(33)],
    ['sends a frame that is too large', head(32), Buffer.alloc(32), head(maxFrameBytes + 1)],
    ['ends within a frame', head(32), Buffer.alloc(32), head(9), Buffer.alloc(4)],
  ])('refuse who %s', async (_what, ...bytes) => {
    const [raw, peer] = duplexPair()
    const stream = new FramedStream(raw, near)
    stream.resume()
    peer.resume()
    peer.on('error', () => undefined)
    for (const chunk of bytes) peer.write(chunk)
    peer.end()
    await until('refusal', 5_000, () => stream.destroyed && raw.destroyed)
    expect(stream.errored).toBeInstanceOf(Error)
  })

  it('end when the other side is silent', async () => {
    const [raw, peer] = duplexPair()
    const stream = new FramedStream(raw, near)
    stream.resume()
    peer.resume()
    stream.setTimeout(20)
    await until('the end', 5_000, () => stream.destroyed)
    expect(String(stream.errored)).toContain('silent')
    expect(await stream.opened).toBe(false)
  })

  it('hold back the writer while the other side does not read', async () => {
    const [a, b] = duplexPair()
    const [left, right] = [new FramedStream(a, near), new FramedStream(b, far)]
    let written = 0
    const message = Buffer.alloc(8_192)
    const push = () => {
      while (written < 10_000 && left.write(message)) written += 1
    }
    left.on('drain', push)
    await until('that it is full', 5_000, () => {
      push()
      return left.writableNeedDrain
    })
    expect(written).toBeLessThan(200)
    const before = written
    let read = 0
    right.on('data', () => (read += 1))
    await until('that it goes on', 5_000, () => read > before && written > before)
    left.destroy()
    right.destroy()
    await until('the end', 5_000, () => a.destroyed && b.destroyed)
  })

  it('keep memory bounded when a journal goes to a slow peer, and bring all of it', async () => {
    const dir = await tempDir()
    const [one, other] = [await openStore(join(dir, 'a')), await openStore(join(dir, 'b'))]
    const source = one.get({ name: 'own' })
    await source.ready()
    const blocks = 2_000
    await source.append(Array.from({ length: blocks }, (_, i) => Buffer.alloc(2_000, i)))
    const replica = other.get({ key: source.key, allowFork: false })
    replica.download({ start: 0, end: -1, linear: true })
    const [[a, b], [c, d]] = [duplexPair(), duplexPair()]
    // 32 KiB each 2 ms at most, towards the replica.
    c.pipe(b)
    const slow = b.pipe(slowly(2))
    slow.pipe(c)
    const left = new FramedStream(a, near)
    const right = new FramedStream(d, far)
    let most = 0
    slow.on('data', () => {
      most = Math.max(most, left.writableLength + a.writableLength + b.readableLength)
    })
    one.replicate(left)
    other.replicate(right)
    await until('all entries', 20_000, () => replica.contiguousLength === blocks)
    expect(most).toBeGreaterThan(0)
    expect(most).toBeLessThan(1024 * 1024)
    left.destroy()
    right.destroy()
    await one.close()
    await other.close()
  })

  it('prove nothing to a third: who stands between two peers cannot replicate as one of them', async () => {
    const dir = await tempDir()
    const [one, other] = [await openStore(join(dir, 'a')), await openStore(join(dir, 'b'))]
    const source = one.get({ name: 'own' })
    await source.ready()
    await source.append([Buffer.from('entry')])
    const replica = other.get({ key: source.key, allowFork: false })
    replica.download({ start: 0, end: -1 })
    /** Both believe that they talk to `middle`, as libp2p has told them. */
    const [[a, b], [c, d]] = [duplexPair(), duplexPair()]
    relay(b, c)
    const left = new FramedStream(a, { ...near, remotePeerId: 'middle' })
    const right = new FramedStream(d, { ...far, remotePeerId: 'middle' })
    one.replicate(left)
    other.replicate(right)
    await until('refusal', 5_000, () => left.destroyed || right.destroyed)
    expect(left.handshakeHash).not.toEqual(right.handshakeHash)
    expect(replica.length).toBe(0)

    const [e, f] = duplexPair()
    one.replicate(new FramedStream(e, near))
    other.replicate(new FramedStream(f, far))
    await until('the entry', 5_000, () => replica.contiguousLength === 1)
    e.destroy()
    f.destroy()
    await one.close()
    await other.close()
  })
})
