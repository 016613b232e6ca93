/**
 * The agent's persistent identity: one Ed25519 key in `identity.key` (PKCS #8 PEM, mode 0600).
 *
 * The file is written to a temporary name, synced, and linked into place, so that it is whole or
 * absent, and of two processes that start at once both use the one that came first. A damaged file
 * is never replaced: a new identity is a new peer, and that is for a person to decide. Key bytes
 * stay in this module's private map; an `Identity` that is logged shows its peer id only.
 */
import { createPrivateKey, generateKeyPairSync } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { privateKeyFromRaw } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { peerIdFromPrivateKey, peerIdFromString } from '@libp2p/peer-id'
import { MeshError } from './errors.ts'
import { createTextFile, readSecretFile } from './json-file.ts'

export const IDENTITY_FILE = 'identity.key'
/** A PKCS #8 PEM of an Ed25519 key has 119 bytes. */
const MAX_FILE_BYTES = 4096

export interface Identity {
  readonly peerId: string
  /** Ed25519 signature, 64 bytes. */
  sign(data: Uint8Array): Promise<Uint8Array>
}

const keys = new WeakMap<Identity, PrivateKey>()

/** For this folder only: the key for libp2p. */
export function privateKeyOf(identity: Identity): PrivateKey {
  const key = keys.get(identity)
  if (key === undefined) throw new TypeError('This identity was not made by loadIdentity.')
  return key
}

/**
 * Reads `dir/identity.key`; creates directory (0700) and file (0600) when there is none.
 * Errors: `IDENTITY_CORRUPT`, `IDENTITY_MODE`, `IDENTITY_UNREADABLE`, each with what to do.
 */
export function loadIdentity(dir: string): Identity {
  const path = join(dir, IDENTITY_FILE)
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 })
    return fromPem(read(path) ?? create(path), path)
  } catch (cause) {
    if (cause instanceof MeshError) throw cause
    throw new MeshError(
      'IDENTITY_UNREADABLE',
      `The identity ${path} can be neither read nor created.`,
      {
        data: { path },
        next: `Make ${dir} a directory that this user may read and write, or choose another home.`,
        cause,
      },
    )
  }
}

/** Checks an Ed25519 signature by the key inside a peer id. False for anything that is not one. */
export async function verifySignature(
  peerId: string,
  data: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  try {
    const { publicKey } = peerIdFromString(peerId)
    if (publicKey?.type !== 'Ed25519' || signature.byteLength !== 64) return false
    return await publicKey.verify(data, signature)
  } catch {
    return false
  }
}

function read(path: string): string | undefined {
  const file = readSecretFile(path, MAX_FILE_BYTES)
  if (file?.open === true) {
    const { mode } = file
    throw new MeshError(
      'IDENTITY_MODE',
      `The identity ${path} has mode ${mode.toString(8).padStart(4, '0')}: other users may read or replace it.`,
      {
        data: { path, mode },
        next: `Run: chmod 600 ${path}. If others could read it, move it away instead to get a new identity.`,
      },
    )
  }
  return file?.text
}

function create(path: string): string {
  const { privateKey } = generateKeyPairSync('ed25519')
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  if (createTextFile(path, pem)) return pem
  const winner = read(path)
  if (winner === undefined) throw new Error(`${path} exists and cannot be read`)
  return winner
}

function fromPem(pem: string, path: string): Identity {
  const key = decode(pem)
  if (key === undefined) {
    throw new MeshError(
      'IDENTITY_CORRUPT',
      `The identity ${path} is not an Ed25519 key in PEM form.`,
      {
        data: { path },
        next: `Restore ${path} from a backup. Without one, move it away: the next start makes a new identity, which the others see as a new peer.`,
      },
    )
  }
  const identity: Identity = {
    peerId: peerIdFromPrivateKey(key).toString(),
    sign: async (data) => key.sign(data),
  }
  keys.set(identity, key)
  return identity
}

/** Without a cause in any error: node's own may quote what it could not parse. */
function decode(pem: string): PrivateKey | undefined {
  try {
    const { kty, crv, d, x } = createPrivateKey(pem).export({ format: 'jwk' })
    if (kty !== 'OKP' || crv !== 'Ed25519' || d === undefined || x === undefined) return undefined
    return privateKeyFromRaw(
      Buffer.concat([Buffer.from(d, 'base64url'), Buffer.from(x, 'base64url')]),
    )
  } catch {
    return undefined
  }
}
