import { generateKeyPairSync } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { createHeldSecrets, createSecretScanner, Secret } from '../../../src/secrets/index.ts'
import { masked } from '../../../src/secrets/scan/scanner.ts'

const TOKEN = 'tok-Zk3/9+Qw81=xP'
const pem = generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' })
const held = createHeldSecrets()
held.add('GitHub token', new Secret(TOKEN))
held.add('identity key', new Secret(pem.toString()))
held.add('short', new Secret('abc'))
const scanner = createSecretScanner({}, { held })
afterAll(() => scanner.stop())

const scan = (text: string, where = 'src/a.ts') => scanner.scan([{ where, text }])
const rulesIn = async (text: string, where?: string) =>
  (await scan(text, where)).map(({ rule }) => rule)
// Put together here, so that no scanner takes this file for a leak.
const github = `ghp_${'a1B2c3D4e5F6'.repeat(3)}`

describe('the scanner', () => {
  it.each([
    ['plain', TOKEN],
    ['base64', Buffer.from(`x-access-token:${TOKEN}`).toString('base64')],
    ['base64url', Buffer.from(`?${TOKEN}`).toString('base64url')],
    ['hex', Buffer.from(TOKEN).toString('hex').toUpperCase()],
    ['percent-encoded', encodeURIComponent(TOKEN)],
    ['UTF-16', Buffer.from(TOKEN, 'utf16le').toString('latin1')],
  ])('finds a held value that is %s', async (_, form) => {
    expect(await rulesIn(`first\nconst x = "${form}"`)).toContain('held: GitHub token')
  })

  it('finds a held key by its body and by its raw bytes, however it is written', async () => {
    const body = pem.toString().split('\n')[1] ?? ''
    const raw = Buffer.from(body, 'base64').subarray(-32)
    for (const form of [
      body,
      raw.toString('hex'),
      raw.toString('base64'),
      raw.toString('base64url'),
    ])
      expect(await rulesIn(form)).toContain('held: identity key')
  })

  it('finds what others hold by rules, and says where, never what', async () => {
    const hits = await scan(`a\nb\ntoken = "${github}"\n`)
    expect(hits).toMatchObject([{ where: 'src/a.ts', line: 3, rule: 'github' }])
    expect(JSON.stringify(hits)).not.toContain(github)
    expect(await rulesIn(`bzzz join bzzz1.${'Ab3_'.repeat(20)}`)).toEqual(['bzzz-join-token'])
  })

  it('cannot be switched off by the text', async () => {
    const text = `/* secretlint-disable */\nx = "${github}" // secretlint-disable-line\n`
    expect(await rulesIn(text)).toEqual(['github'])
  })

  it('counts lines as they stand in the file', async () => {
    const part = { where: 'a', text: `x\n${TOKEN}\ny`, lines: [7, 90, 91] }
    expect((await scanner.scan([part])).map(({ line }) => line)).toEqual([90])
  })

  it('lets ordinary text pass, and rules that are switched off', async () => {
    expect(await rulesIn('const token = process.env.GITHUB_TOKEN\nabc\n')).toEqual([])
    const lax = createSecretScanner({ ignore: ['github', 'held: GitHub token'] }, { held })
    const hits = await lax.scan([{ where: 'a', text: `${github} ${TOKEN}` }])
    await lax.stop()
    expect(hits.map(({ rule }) => rule)).toEqual(['held: GitHub token'])
  })

  it('fails closed when there is too much or it takes too long, and works again after', async () => {
    const hasty = createSecretScanner({ timeoutMs: 1 }, { held })
    await expect(hasty.scan([{ where: 'a', text: 'x'.repeat(8_000_000) }])).rejects.toMatchObject({
      code: 'SCAN_FAILED',
    })
    expect(await hasty.mask('x')).toBe('[secret]')
    await hasty.stop()
    const many = Array.from({ length: 20_001 }, () => ({ where: 'a', text: '' }))
    await expect(scanner.scan(many)).rejects.toMatchObject({ code: 'SCAN_FAILED' })
    expect(await rulesIn(TOKEN)).toContain('held: GitHub token')
  })

  it('can be aborted', async () => {
    const aborted = AbortSignal.abort()
    await expect(scanner.scan([{ where: 'a', text: 'x' }], aborted)).rejects.toMatchObject({
      code: 'ABORTED',
    })
  })

  it('masks all that it finds', async () => {
    expect(await scanner.mask(`a ${TOKEN} b ${github} c`)).toBe('a [secret] b [secret] c')
  })
})

describe('masked', () => {
  it('leaves nothing of what was hit, however the hits overlap', () => {
    const place = fc
      .tuple(fc.nat(30), fc.nat(10))
      .map(([start, size]) => ({ start, end: start + size }))
    fc.assert(
      fc.property(fc.array(place, { maxLength: 6 }), (hits) => {
        const text = Array.from({ length: 41 }, (_, at) => String.fromCharCode(0x4e00 + at)).join(
          '',
        )
        const shown = masked(text, hits)
        for (const { start, end } of hits)
          for (const letter of text.slice(start, end)) expect(shown).not.toContain(letter)
      }),
    )
  })
})
