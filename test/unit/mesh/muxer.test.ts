import { multiaddrConnectionPair } from '@libp2p/utils'
import { expect, test } from 'vitest'
import { muxer } from '../../../src/mesh/node/muxer.ts'
import { until } from '../../../src/util/index.ts'

test('a stream that is opened while its connection closes fails, and not the process', async () => {
  const [one] = multiaddrConnectionPair()
  const streams = muxer()().createStreamMuxer(one)
  const opening = streams.createStream()
  const closing = one.close()
  const stream = await opening
  await closing
  // An error in the task that sends its first frame would end the test run.
  await until('the stream to learn of it', 5000, () => stream.status !== 'open')
  expect(streams.streams).toEqual([])
})

test('what is sent over an open connection arrives', async () => {
  const [one, two] = multiaddrConnectionPair()
  const [near, far] = [one, two].map((at) => muxer()().createStreamMuxer(at))
  const arrived: string[] = []
  far!.addEventListener('stream', ({ detail }) => {
    detail.addEventListener('message', ({ data }) => {
      arrived.push(Buffer.from(data.subarray()).toString())
    })
  })
  const stream = await near!.createStream()
  stream.send(Buffer.from('hello'))
  await until('the other side', 5000, () => arrived.join('') === 'hello')
})
