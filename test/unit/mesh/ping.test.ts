import { streamPair } from '@libp2p/utils'
import type { Stream } from '@libp2p/interface'
import { expect, test } from 'vitest'
import type { MeshNode } from '../../../src/mesh/node/node.ts'
import { pingPeer } from '../../../src/mesh/node/ping.ts'
import { fakeClock } from './fake-clock.ts'
import { person } from './samples.ts'

const { peerId } = await person()
type Side = (remote: Stream) => unknown

const answers: Side = (remote) =>
  remote.addEventListener('message', ({ data }) => void remote.send(data))
const closes: Side = (remote) => remote.close()
const resets: Side = (remote) => remote.abort(new Error('the connection went'))

/** The other side of each connection in turn; the last one of all that come after. */
async function ping(...sides: Side[]) {
  const clock = fakeClock()
  const dials: number[] = []
  const connection = {
    status: 'open',
    async newStream() {
      const [local, remote] = await streamPair()
      const side = sides.length > 1 ? sides.shift() : sides[0]
      side?.(remote)
      return local
    },
  }
  const node = { getConnections: () => [connection] } as unknown as MeshNode
  const { signal } = new AbortController()
  const dial = async () => void dials.push(clock.monotonic())
  const result = pingPeer(node, peerId, { dial, signal, timeoutMs: 60_000, clock }).then(
    (rttMs) => ({ rttMs }),
    (error: { code?: string }) => ({ code: error.code }),
  )
  for (let turn = 0; turn < 20; turn += 1) await clock.advance(300)
  return { ...(await result), dials: dials.length }
}

test('is answered on the connection that there is', async () => {
  expect(await ping(answers)).toEqual({ rttMs: expect.any(Number), dials: 1 })
})

test('is asked again on a new connection when the first is closed or lost meanwhile', async () => {
  expect(await ping(closes, resets, answers)).toEqual({ rttMs: expect.any(Number), dials: 3 })
})

test('is given up when each is cut', async () => {
  expect(await ping(closes)).toEqual({ code: 'STREAM_TRUNCATED', dials: 4 })
})

test('is not asked again when the answer is wrong', async () => {
  const wrong: Side = (remote) =>
    remote.addEventListener('message', () => void remote.send(new Uint8Array(32)))
  expect(await ping(wrong)).toEqual({ code: 'STREAM_MALFORMED', dials: 1 })
})
