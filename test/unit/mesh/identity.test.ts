import { chmod, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { generateKeyPairSync } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { loadIdentity, MeshError, verifySignature } from '../../../src/mesh/index.ts'

let directory: string
const file = () => join(directory, 'identity.key')

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'bzzz-identity-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

function codeOf(run: () => unknown): { code: string; text: string; next: string | undefined } {
  try {
    run()
  } catch (error) {
    if (error instanceof MeshError) {
      return { code: error.code, text: inspect(error), next: error.next }
    }
    throw error
  }
  throw new Error('nothing was thrown')
}

test('creates one identity, 0600, and finds it again', async () => {
  const nested = join(directory, 'a', 'b')
  const first = loadIdentity(nested)
  const { mode } = await stat(join(nested, 'identity.key'))
  expect(mode & 0o777).toBe(0o600)
  expect(first.peerId).toMatch(/^12D3KooW/)
  expect(loadIdentity(nested).peerId).toBe(first.peerId)
  expect(await readdir(nested)).toEqual(['identity.key'])
  expect(loadIdentity(directory).peerId).not.toBe(first.peerId)
})

test('signs; the signature is checked by peer id alone', async () => {
  const identity = loadIdentity(directory)
  const data = Buffer.from('what was said')
  const signature = await identity.sign(data)
  expect(await verifySignature(identity.peerId, data, signature)).toBe(true)
  expect(await verifySignature(identity.peerId, Buffer.from('other'), signature)).toBe(false)
  const other = loadIdentity(join(directory, 'other'))
  expect(await verifySignature(other.peerId, data, signature)).toBe(false)
  for (const peerId of ['', 'nonsense', 'QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N']) {
    expect(await verifySignature(peerId, data, signature)).toBe(false)
  }
  for (const odd of [new Uint8Array(), new Uint8Array(64), signature.slice(1)]) {
    expect(await verifySignature(identity.peerId, data, odd)).toBe(false)
  }
})

test.each([
  ['empty', ''],
  ['text', 'hello'],
  ['truncated', '-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2Vw'],
  [
    'of another kind',
    generateKeyPairSync('x25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  ],
])('a key that is %s is refused, kept as it is, and not quoted', async (_what, content) => {
  await writeFile(file(), content, { mode: 0o600 })
  const { code, text, next } = codeOf(() => loadIdentity(directory))
  expect(code).toBe('IDENTITY_CORRUPT')
  expect(next).toContain(file())
  const secret = content.split('\n')[1]
  if (secret) expect(text).not.toContain(secret)
  expect(await readFile(file(), 'utf8')).toBe(content)
})

test('a key that others may read is refused with what to type', async () => {
  loadIdentity(directory)
  await chmod(file(), 0o640)
  const { code, next } = codeOf(() => loadIdentity(directory))
  expect(code).toBe('IDENTITY_MODE')
  expect(next).toContain(`chmod 600 ${file()}`)
  await chmod(file(), 0o600)
  loadIdentity(directory)
})

test('a home that is no directory is named', async () => {
  const path = join(directory, 'file')
  await writeFile(path, '')
  const { code, next } = codeOf(() => loadIdentity(path))
  expect(code).toBe('IDENTITY_UNREADABLE')
  expect(next).toContain(path)
})

test('a dangling link is not replaced', async () => {
  await symlink(join(directory, 'nowhere'), file())
  expect(codeOf(() => loadIdentity(directory)).code).toBe('IDENTITY_UNREADABLE')
})

test('key bytes do not show when an identity is logged', async () => {
  const identity = loadIdentity(directory)
  const [, body] = (await readFile(file(), 'utf8')).split('\n')
  const shown = inspect(identity, { depth: 9, showHidden: true }) + JSON.stringify(identity)
  expect(shown).toContain(identity.peerId)
  expect(shown).not.toContain(body!.slice(20, 40))
})
