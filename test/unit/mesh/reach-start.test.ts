/** What fails while own addresses are looked at does not keep the agent from starting. */
import { expect, test } from 'vitest'
import { Counters } from '../../../src/mesh/counters.ts'
import { settings } from '../../../src/mesh/init.ts'
import type { Dialer } from '../../../src/mesh/links/dialer.ts'
import { createReach } from '../../../src/mesh/reach/index.ts'
import { nullLogger, systemClock } from '../../../src/util/index.ts'
import { capabilities } from '../../mesh/support.ts'

test('a peer that libp2p has not identified yet', async () => {
  const config = settings({
    home: '',
    name: 'a',
    version: '0',
    roles: ['worker'],
    mdns: { enabled: false },
    dht: { enabled: false, bootstrap: [] },
    relay: { use: false, serve: false },
    autonat: false,
    capabilities,
  })
  const dialer = { addresses: () => [] } as unknown as Dialer
  const components = { dialer, counters: new Counters(), logger: nullLogger, clock: systemClock }
  const reach = createReach(
    { ...config, mayRelay: () => true, local: () => [], known: () => [] },
    components,
  )
  const { services } = await reach.parts()
  let looks = 0
  const addressManager = {
    getAddressesWithMetadata() {
      looks += 1
      throw new Error('Not Found')
    },
  }
  void (services as Record<string, (all: unknown) => unknown>)['reach']?.({ addressManager })
  await reach.start()
  expect(looks).toBeGreaterThan(0)
  await reach.stop()
})
