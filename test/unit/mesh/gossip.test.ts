import { expect, test } from 'vitest'
import type { GossipSub } from '@libp2p/gossipsub'
import { Counters } from '../../../src/mesh/counters.ts'
import { createGossip } from '../../../src/mesh/gossip/gossip.ts'
import { createInbox } from '../../../src/mesh/gossip/inbox.ts'
import { topics } from '../../../src/mesh/wire.ts'
import { nullLogger } from '../../../src/util/index.ts'
import { MESH } from './samples.ts'

function setup() {
  const counters = new Counters()
  const sent: Uint8Array[] = []
  const gossip = createGossip(
    { meshName: MESH, isMember: () => true },
    {
      inbox: createInbox({ meshName: MESH, counters }),
      onAuthor: () => undefined,
      counters,
      logger: nullLogger,
    },
  )
  const pubsub = {
    topicValidators: new Map(),
    subscribe: () => undefined,
    publish: async (_topic: string, data: Uint8Array) => void sent.push(data),
  }
  gossip.attach(pubsub as unknown as GossipSub)
  return { gossip, sent }
}

test('what is too large would kill the receivers’ streams, and is not sent', async () => {
  const { gossip, sent } = setup()
  const { maxBytes } = topics.capabilities
  const signature = 'x'.repeat(86)
  const publish = (payload: string) => gossip.publish('capabilities', { payload, signature })
  await expect(publish('x'.repeat(maxBytes - 50))).rejects.toMatchObject({
    code: 'MESSAGE_TOO_LARGE',
    data: { topic: 'capabilities', maxBytes },
  })
  await publish('x'.repeat(maxBytes - 200))
  expect(sent).toHaveLength(1)
})

test('after a stop nothing is sent', async () => {
  const { gossip } = setup()
  gossip.detach()
  const report = { v: 1, principal: 'u', remaining: 1, limit: 2, resetAtMs: 3, at: 4 } as const
  await expect(gossip.publish('limits', report)).rejects.toMatchObject({ code: 'MESH_STOPPED' })
})
