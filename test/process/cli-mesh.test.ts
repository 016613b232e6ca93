import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createApi, type Api } from '../../src/api/index.ts'
import { CodedError, nullLogger } from '../../src/util/index.ts'
import {
  asking,
  fakeSources,
  ownPeerId,
  peers,
  status,
  type FakeSources,
} from '../unit/api/fixture.ts'
import { place, type Place } from './cli-harness.ts'

const gone = { ...peers[0]!, name: 'elsewhere', peerId: ownPeerId, connected: false }

let at: Place
let api: Api | undefined

beforeEach(async () => {
  at = await place()
})
afterEach(async () => {
  await api?.stop()
  api = undefined
  await at.cleanup()
})

async function agent(sources: FakeSources): Promise<FakeSources> {
  api = createApi({ home: join(at.dir, 'home') }, sources, { logger: nullLogger })
  await api.start()
  return sources
}

describe('who belongs to the mesh', () => {
  it('is shown with what is known of each, and who asks', async () => {
    const unseen = { ...gone, name: 'yak', presence: 'gone' as const, lastSeenMs: null }
    const rows = [...peers, asking, unseen, { ...gone, standing: 'removed' as const }]
    await agent(fakeSources({ peers: () => rows }))
    const list = await at.bzzz('peers', 'ls')
    expect(list.stdout).toMatch(/^yak +not seen +- /m)
    expect(list.stdout).toMatch(/^NAME +STATE +SEEN +ROLES +VERSION +SLOTS +JOURNAL +EXECUTORS/)
    expect(list.stdout).toMatch(/^bee +alive /m)
    expect(list.stdout).not.toContain('elsewhere')
    expect(list.stdout).toMatch(/^elk +ability cabin fabric ginger habit ice +worker /m)
    expect((await at.bzzz('peers', 'ls', '--all')).stdout).toMatch(/^elsewhere +removed /m)
    const shown = await at.bzzz('peers', 'show', 'bee')
    expect(shown.stdout).toMatch(/^record +as bee, signed by root, 2026-01-02 00:00 to 2099-01-02/m)
    expect((await at.bzzz('status')).stdout).toMatch(/^member +of team \(efefefefefef\) as worker/m)
    expect((await at.bzzz('peers', 'show', 'nobody')).code).toBe(5)
  })

  it('changes only when that is meant', async () => {
    const sources = await agent(fakeSources({ peers: () => [...peers, asking] }))
    const words = asking.words?.split(' ') ?? []
    for (const command of [
      ['approve', ...words],
      ['remove', 'bee'],
    ]) {
      const { code, stderr } = await at.bzzz('peers', ...command)
      expect(code).toBe(2)
      expect(stderr).toMatch(/(elk|bee) \([^)]+\)[^]*next: Add --yes if that is meant\./)
    }
    expect(sources.asked).toEqual([])
    await at.bzzz('peers', 'approve', ...words, '--role', 'observer,signer', '--yes')
    await at.bzzz('peers', 'deny', 'elk')
    await at.bzzz('peers', 'remove', 'bee', '--distrust', '--yes')
    expect(sources.asked).toEqual([
      ['approve', asking.peerId, ['observer', 'signer']],
      ['deny', asking.peerId],
      ['remove', peers[0]?.peerId, { distrust: true }],
    ])
    expect((await at.bzzz('peers', 'approve', 'bee', '--yes')).code).toBe(5)
  })

  it('is not changed by a machine that may not, and never the machine itself', async () => {
    const own = { ...status, membership: { ...status.membership, roles: ['worker' as const] } }
    const sources = await agent(fakeSources({ status: () => own }))
    for (const command of ['approve', 'deny']) {
      const { code, stderr } = await at.bzzz('peers', command, ...(asking.words ?? '').split(' '))
      expect([code, stderr]).toEqual([1, expect.stringContaining('may not admit others')])
    }
    for (const command of ['ping', 'show', 'remove']) {
      const { code, stderr } = await at.bzzz('peers', command, 'owl')
      expect([code, stderr]).toEqual([2, expect.stringContaining('owl is this machine.')])
    }
    expect(sources.asked).toEqual([])
  })

  it('is pinged, and says how many were lost', async () => {
    let turn = 0
    const sources = fakeSources()
    sources.membership.ping = async () => {
      turn += 1
      if (turn === 1) return 2.5
      throw new CodedError('PEER_UNREACHABLE', 'There is no connection.')
    }
    await agent(sources)
    const { code, stdout } = await at.bzzz('peers', 'ping', 'bee', '--count', '2')
    expect(code).toBe(0)
    expect(stdout).toMatch(
      /^bee: 2\.5 ms\nbee: There is no connection\.\n2 sent, 1 answered, 50 % lost/,
    )
    const none = await at.bzzz('peers', 'ping', 'bee', '--count', '1', '--json')
    expect(none.code).toBe(1)
    expect(JSON.parse(none.stdout)).toMatchObject({ sent: 1, received: 0, rttsMs: [] })
  })
})
