import { generateKeyPairSync, sign as edSign, verify as edVerify } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  decodeRecord,
  encodeRecord,
  maxRecordBytes,
  mintRecord,
  type ClaimRecord,
} from '../../../src/tasks/claim/record.ts'

const keys = generateKeyPairSync('ed25519')
const signer = {
  peerId: 'peer-a',
  sign: async (data: Uint8Array) => edSign(null, data, keys.privateKey),
}
const verify = async (peerId: string, data: Uint8Array, signature: Uint8Array) =>
  peerId === 'peer-a' && edVerify(null, data, keys.publicKey, signature)
const parent = 'c'.repeat(40)
const fields = {
  repo: 'octo/lib',
  issue: 7,
  state: 'held' as const,
  attempt: 1,
  strikes: 0,
  peerId: 'peer-a',
  name: 'ada',
  incarnation: '1'.repeat(32),
  login: 'ada-bot',
  leaseMs: 1_800_000,
  previous: parent,
}
const place = { repo: 'octo/lib', issue: 7, parents: [parent] }

describe('claim records', () => {
  it('come back as they were written', async () => {
    const record = mintRecord(fields)
    expect(await decodeRecord(await encodeRecord(record, signer), place, verify)).toEqual(record)
  })

  it('count more strikes than a reader accepts as the most that it accepts', async () => {
    const record = mintRecord({ ...fields, strikes: 1_001 })
    expect(record.strikes).toBe(1_000)
    expect(await decodeRecord(await encodeRecord(record, signer), place, verify)).toEqual(record)
  })

  it.each<[string, Partial<ClaimRecord>]>([
    ['leaseMs', { leaseMs: 1e15 }],
    ['name', { name: 'x'.repeat(65) }],
    ['attempt', { attempt: 0 }],
    ['strikes', { strikes: -1 }],
    ['strikes', { strikes: Number.NaN }],
    ['previous', { previous: 'HEAD' }],
    ['', { extra: 1 } as object],
  ])('are not minted when a reader would refuse them: %s', (path, change) => {
    expect(() => mintRecord({ ...fields, ...change })).toThrow(TypeError)
    expect(() => mintRecord({ ...fields, ...change })).toThrow(`record: ${path}: `)
  })

  it('are as small as readers want, with every field at its longest', async () => {
    const record = mintRecord({
      ...fields,
      repo: '\u0001'.repeat(201),
      name: '\u0001'.repeat(64),
      login: '\u0001'.repeat(100),
      peerId: 'x'.repeat(128),
      previous: 'c'.repeat(64),
    })
    expect(Buffer.byteLength(await encodeRecord(record, signer))).toBeLessThanOrEqual(
      maxRecordBytes,
    )
  })

  it('are never the same twice', async () => {
    const texts = await Promise.all(
      Array.from({ length: 50 }, () => encodeRecord(mintRecord(fields), signer)),
    )
    expect(new Set(texts).size).toBe(50)
  })

  it.each<[string, Partial<ClaimRecord>]>([
    ['another holder', { peerId: 'peer-b' }],
    ['a longer lease', { leaseMs: 3_600_000 }],
    ['another attempt', { attempt: 9 }],
    ['another state', { state: 'released' }],
    ['another login', { login: 'mallory' }],
  ])('refuse %s under the old signature', async (_what, change) => {
    const text = JSON.parse(await encodeRecord(mintRecord(fields), signer)) as object
    await expect(
      decodeRecord(JSON.stringify({ ...text, ...change }), place, verify),
    ).rejects.toMatchObject({ path: 'signature' })
  })

  it.each([
    ['another issue', { ...place, issue: 8 }, 'issue'],
    ['another repository', { ...place, repo: 'octo/other' }, 'repo'],
    ['another predecessor', { ...place, parents: ['d'.repeat(40)] }, 'previous'],
    ['a merge', { ...place, parents: [parent, 'd'.repeat(40)] }, 'previous'],
    ['the first place of a ref', { ...place, parents: [] }, 'previous'],
  ])('cannot be replayed at %s', async (_what, where, path) => {
    const text = await encodeRecord(mintRecord(fields), signer)
    await expect(decodeRecord(text, where, verify)).rejects.toMatchObject({ path })
  })

  it('count under a former name of the repository, which is asked for signed ones only', async () => {
    const asked: string[] = []
    const isFormer = async (name: string) => asked.push(name) > 0 && name === 'octo/lib'
    const now = { ...place, repo: 'octo/new', isFormer }
    const record = mintRecord(fields)
    const text = await encodeRecord(record, signer)
    expect(await decodeRecord(text, now, verify)).toEqual(record)
    const other = await encodeRecord(mintRecord({ ...fields, repo: 'octo/other' }), signer)
    await expect(decodeRecord(other, now, verify)).rejects.toMatchObject({ path: 'repo' })
    const forged = JSON.stringify({ ...(JSON.parse(text) as object), attempt: 2 })
    await expect(decodeRecord(forged, now, verify)).rejects.toMatchObject({ path: 'signature' })
    expect(asked).toEqual(['octo/lib', 'octo/other'])
  })

  it.each([
    ['garbage', 'not json', 'INVALID'],
    [
      'an absurd lease',
      JSON.stringify({ ...mintRecord(fields), leaseMs: 1e15, signature: '' }),
      'INVALID',
    ],
    [
      'an unknown field',
      JSON.stringify({ ...mintRecord(fields), extra: 1, signature: '' }),
      'INVALID',
    ],
    [
      'a huge one',
      JSON.stringify({ ...mintRecord(fields), name: 'x'.repeat(maxRecordBytes) }),
      'TOO_LARGE',
    ],
  ])('refuse %s', async (_what, text, code) => {
    await expect(decodeRecord(text, place, verify)).rejects.toMatchObject({ code })
  })

  it('never decode arbitrary text', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string(), async (text) => {
        await expect(decodeRecord(text, place, verify)).rejects.toBeInstanceOf(Error)
      }),
    )
  })
})
