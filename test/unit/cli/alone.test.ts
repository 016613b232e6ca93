import { expect, it } from 'vitest'
import type { NetworkReach, Status } from '../../../src/api/client.ts'
import { aloneLine } from '../../../src/cli/client/network-lines.ts'
import { silent } from '../../../src/cli/commands/doctor/agent.ts'

const reach = (more: Partial<NetworkReach>) => ({ multicast: [], bootstrap: [], ...more })
const company = (known: number, others: number, more: Partial<NetworkReach> = {}) =>
  ({ mesh: { known, reach: reach(more) }, membership: { others } }) as unknown as Pick<
    Status,
    'mesh' | 'membership'
  >
const mdns = {
  multicast: [{ interface: 'eth0', address: '192.0.2.1', ok: true, answers: 0 }],
} as Partial<NetworkReach>

it('says of an agent that knows nobody what to type', () => {
  expect(aloneLine(company(1, 1))).toBe('')
  expect(aloneLine(company(0, 0, mdns))).toMatch(/knows nobody yet.*bzzz invite/)
  expect(aloneLine(company(0, 2, mdns))).toMatch(/none of 2 other members was met yet.*bzzz doctor/)
  expect(aloneLine(company(0, 0))).toMatch(/finds nobody by itself.*mesh\.dht\.bootstrap/)
  expect(aloneLine(company(0, 1))).toMatch(/none of 1 other member was met, and it finds nobody/)
})

it('tells an agent that starts, one that has ended, and one that does not answer apart', () => {
  const nowMs = 1_000_000_000
  expect(silent(undefined, nowMs)).toMatchObject({ status: 'ok' })
  expect(silent({ pid: 7, sinceMs: nowMs - 30_000 }, nowMs)).toMatchObject({
    status: 'skip',
    seen: expect.stringContaining('is starting (process 7)'),
  })
  for (const sinceMs of [nowMs - 3_600_000, undefined])
    expect(silent({ pid: 7, sinceMs }, nowMs)).toMatchObject({
      status: 'fail',
      seen: expect.stringContaining('does not answer'),
      next: expect.stringContaining('bzzz down'),
    })
})
