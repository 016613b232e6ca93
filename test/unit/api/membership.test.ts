import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { bearer } from '../../../src/api/bearer.ts'
import { readApiKey } from '../../../src/api/key.ts'
import { connect } from '../../../src/api/client.ts'
import { createApi, type Api } from '../../../src/api/index.ts'
import type { MembershipSources } from '../../../src/api/types.ts'
import { CodedError, nullLogger } from '../../../src/util/index.ts'
import { fakeSources, invite, otherPeerId, type FakeSources } from './fixture.ts'

let home: string
let api: Api | undefined

beforeEach(async () => {
  home = await realpath(await mkdtemp(join(tmpdir(), 'bzzz-api-')))
})
afterEach(async () => {
  await api?.stop()
  api = undefined
  await rm(home, { recursive: true, force: true })
})

async function serve(change: Partial<MembershipSources> = {}): Promise<FakeSources> {
  const sources = fakeSources()
  sources.membership = { ...sources.membership, ...change }
  api = createApi({ home }, sources, { logger: nullLogger })
  await api.start()
  return sources
}

async function post(
  path: string,
  body: string,
  chunked = false,
): Promise<{ status: number; answer: string }> {
  const headers = bearer((await readApiKey(home)) ?? '')
  return new Promise((resolve, reject) => {
    const options = { socketPath: api?.socketPath, path: `/api/v1${path}`, method: 'POST' }
    const sent = request({ ...options, headers, agent: false }, (response) => {
      let answer = ''
      response.setEncoding('utf8').on('data', (text: string) => (answer += text))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, answer }))
    })
    sent.on('error', reject)
    if (chunked) sent.write(' ')
    sent.end(body)
  })
}

describe('membership over the API', () => {
  it('hands on what is asked and gives what is answered', async () => {
    const sources = await serve()
    const client = connect(home)
    const wanted = { roles: ['observer' as const], uses: null, ttlMs: 60_000 }
    expect(await client.invite(wanted)).toEqual({ ...invite, token: 'bzzz1.secret' })
    expect(await client.invites()).toEqual([invite])
    await client.revokeInvite('0123')
    expect(await client.approve('a b c', ['observer'])).toMatchObject({ peerId: otherPeerId })
    await client.deny('elk')
    expect(await client.remove('bee', { distrust: true })).toMatchObject({ peerId: otherPeerId })
    const rotation = { recoveryFile: '/media/recovery.key', remove: ['bee'], reinstate: [] }
    expect(await client.rotate(rotation)).toMatchObject({ epoch: 1, left: 6 })
    expect(await client.ping(otherPeerId)).toBe(1.25)
    expect(sources.asked).toEqual([
      ['invite', wanted],
      ['revoke', '0123'],
      ['approve', 'a b c', ['observer']],
      ['deny', 'elk'],
      ['remove', 'bee', { distrust: true }],
      ['rotate', rotation],
      ['ping', otherPeerId],
    ])
  })

  it.each([
    ['/invites', { uses: 0 }, 'uses'],
    ['/invites', { uses: 1_001 }, 'uses'],
    ['/invites', { ttlMs: 1 }, 'ttlMs'],
    ['/invites', { roles: ['root'] }, 'roles.0'],
    ['/invites', { roles: [] }, 'roles'],
    ['/invites', { role: ['worker'] }, 'role'],
    ['/invites/..%2f/revoke', {}, 'id'],
    ['/invites/xyz/revoke', {}, 'id'],
    ['/members/approve', {}, 'who'],
    ['/members/approve', { who: 'x'.repeat(257) }, 'who'],
    ['/members/remove', { who: 'bee', distrust: 'yes' }, 'distrust'],
    ['/members/rotate', { recoveryFile: 'recovery.key' }, 'recoveryFile'],
    ['/members/rotate', { recoveryFile: '/k', remove: [1] }, 'remove.0'],
    ['/peers/nobody/ping', {}, 'peerId'],
  ])('refuses to post %s with %j and names %s', async (path, body, parameter) => {
    const sources = await serve()
    const { status, answer } = await post(path, JSON.stringify(body))
    expect(status).toBe(400)
    expect(JSON.parse(answer)).toMatchObject({
      error: { code: 'INVALID_PARAMETER', data: { parameter } },
    })
    expect(sources.asked).toEqual([])
  })

  it('refuses what is no JSON, and what is too large', async () => {
    const sources = await serve()
    expect((await post('/members/deny', '{')).answer).toContain('INVALID')
    const large = await post('/members/deny', JSON.stringify({ who: 'x'.repeat(20_000) }))
    expect(large.status).toBe(413)
    const chunks = await post('/members/deny', JSON.stringify({ who: 'x'.repeat(20_000) }), true)
    expect(chunks.status).toBe(413)
    expect((await post('/members/deny', '{"who": ""}', true)).status).toBe(400)
    expect(sources.asked).toEqual([])
  })

  it('gives the code of a refusal, and no secret with it', async () => {
    await serve({
      invite: async () => {
        throw new CodedError('NOT_SIGNER', 'This machine may not admit others.', {
          next: 'Ask ada.',
        })
      },
      ping: async () => {
        throw new Error('inside: bzzz1.secret')
      },
    })
    const client = connect(home)
    await expect(client.invite({})).rejects.toMatchObject({ code: 'NOT_SIGNER', next: 'Ask ada.' })
    const failed = await client.ping(otherPeerId).catch((error: unknown) => error)
    expect(failed).toMatchObject({ code: 'INTERNAL' })
    expect(String(failed)).not.toContain('secret')
  })
})
