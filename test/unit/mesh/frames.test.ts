import { Readable } from 'node:stream'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { encodeFrames, FrameDecoder, readFrames } from '../../../src/mesh/streams/frames.ts'

const max = 200_000

test('a message survives any cutting into chunks', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.constant(new Uint8Array(150_000).fill(7))),
      fc.integer({ min: 1, max: 5000 }),
      (message, size) => {
        const bytes = encodeFrames(message)
        const decoder = new FrameDecoder(max)
        for (let at = 0; at < bytes.length; at += size) decoder.push(bytes.subarray(at, at + size))
        expect(Buffer.compare(decoder.end(), message)).toBe(0)
      },
    ),
    { numRuns: 60 },
  )
})

test('a stream that ends anywhere before END is an error', async () => {
  const bytes = encodeFrames(Buffer.from('{"a":1}'))
  for (let length = 0; length < bytes.length; length += 1) {
    const cut = readFrames(Readable.from([bytes.subarray(0, length)]), max)
    await expect(cut).rejects.toMatchObject({ code: 'STREAM_TRUNCATED' })
  }
  await expect(readFrames(Readable.from([bytes]), max)).resolves.toHaveLength(7)
})

test('too large is refused at its header, before the bytes come', () => {
  const decoder = new FrameDecoder(10)
  expect(() => decoder.push(Buffer.from([0xff, 0xff, 0xff, 0xff]))).toThrow(/limit/)
  const many = new FrameDecoder(10)
  many.push(encodeFrames(Buffer.alloc(8)).subarray(0, 12))
  expect(() => many.push(encodeFrames(Buffer.alloc(8)))).toThrow(/limit/)
})

test('bytes after END are refused', () => {
  const decoder = new FrameDecoder(max)
  const bytes = Buffer.concat([encodeFrames(Buffer.from('x')), Buffer.from('y')])
  expect(() => decoder.push(bytes)).toThrow(/END/)
})
