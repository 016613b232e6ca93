/**
 * Ed25519 as membership needs it: keys as 32 bytes in base64url, signatures made and checked at
 * once (Node's own crypto), and the keys that one recovery key stands for.
 *
 * The recovery key is a seed. The mesh key of epoch n is HKDF(seed, n), so that neither it nor any
 * number of such keys gives away the next. Genesis commits to all of them at once by a hash chain:
 *
 *   c(n) = SHA-256 {key: K(n), next: c(n+1)}        c(last + 1) = null
 *
 * A rotation reveals K(n) and c(n+1), which hash to the c(n) that its predecessor named. It has no
 * field left to choose, so there is one rotation per epoch and nobody can fork the chain, not even
 * with every mesh key that was ever used. (Plain pre-rotation, where each rotation chooses the next
 * commitment, lets a thief of the present mesh key sign a second rotation of the same epoch.)
 */
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  hkdfSync,
  sign,
  verify,
  type KeyObject,
} from 'node:crypto'
import { peerIdFromString } from '@libp2p/peer-id'
import { canonicalJson, RecentMap, sha256 } from '../../util/index.ts'
import { MAX_ROTATIONS } from './limits.ts'

const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex')
const SPKI = Buffer.from('302a300506032b6570032100', 'hex')
/** Imported public keys: more than a roster has signers. */
const MAX_IMPORTED = 256

/** A private key. Its bytes are nowhere to be seen, only `seedOf` gives them out. */
export interface SigningKey {
  /** 32 bytes in base64url. */
  readonly publicKey: string
  sign(data: Uint8Array): Uint8Array
}

const privates = new WeakMap<SigningKey, KeyObject>()
const imported = new RecentMap<string, KeyObject>(MAX_IMPORTED)
const ofPeers = new RecentMap<string, string | null>(MAX_IMPORTED * 8)

export function generateKey(): SigningKey {
  return fromKeyObject(generateKeyPairSync('ed25519').privateKey)
}

/** `seed`: 32 bytes. */
export function keyFromSeed(seed: Uint8Array): SigningKey {
  const key = Buffer.concat([PKCS8, seed])
  return fromKeyObject(createPrivateKey({ key, format: 'der', type: 'pkcs8' }))
}

/** Undefined for anything but a whole Ed25519 key. Without a cause: node's own may quote the text. */
export function keyFromPem(pem: string): SigningKey | undefined {
  try {
    const key = createPrivateKey(pem)
    return key.asymmetricKeyType === 'ed25519' ? fromKeyObject(key) : undefined
  } catch {
    return undefined
  }
}

function fromKeyObject(key: KeyObject): SigningKey {
  const made: SigningKey = {
    publicKey: createPublicKey(key).export({ format: 'jwk' }).x ?? '',
    sign: (data) => sign(null, data, key),
  }
  privates.set(made, key)
  return made
}

function keyObject(key: SigningKey): KeyObject {
  const found = privates.get(key)
  if (found === undefined) throw new TypeError('This key was not made here.')
  return found
}

/** A secret. For the key's file only. */
export function pemOf(key: SigningKey): string {
  return keyObject(key).export({ type: 'pkcs8', format: 'pem' }).toString()
}

/** A secret: the 32 bytes that make the key. For tokens and for deriving only. */
export function seedOf(key: SigningKey): Uint8Array {
  return Buffer.from(keyObject(key).export({ format: 'jwk' }).d ?? '', 'base64url')
}

/** False for anything that is not a signature by `publicKey` (32 bytes in base64url) over `data`. */
export function verifies(publicKey: string, data: Uint8Array, signature: string): boolean {
  try {
    let key = imported.get(publicKey)
    if (key === undefined) {
      const bytes = Buffer.concat([SPKI, Buffer.from(publicKey, 'base64url')])
      key = createPublicKey({ key: bytes, format: 'der', type: 'spki' })
      imported.set(publicKey, key)
    }
    return verify(null, data, key, Buffer.from(signature, 'base64url'))
  } catch {
    return false
  }
}

/** The key inside a peer id; undefined when it is no Ed25519 one. */
export function keyOfPeer(peerId: string): string | undefined {
  let key = ofPeers.get(peerId)
  if (key === undefined) {
    try {
      const { publicKey } = peerIdFromString(peerId)
      key = publicKey?.type === 'Ed25519' ? Buffer.from(publicKey.raw).toString('base64url') : null
    } catch {
      key = null
    }
    ofPeers.set(peerId, key)
  }
  return key ?? undefined
}

/** c of a root statement that shows `key` and `next`. */
export function commitment(key: string, next: string | null): string {
  return Buffer.from(sha256(canonicalJson({ key, next })), 'hex').toString('base64url')
}

export interface Root {
  key: SigningKey
  /** c(epoch + 1); null in the last epoch. */
  next: string | null
}

/** Mesh key and commitment of `epoch`, 0 to MAX_ROTATIONS, that `recovery` stands for. */
export function rootOf(recovery: SigningKey, epoch: number): Root {
  const seed = seedOf(recovery)
  const keyOf = (n: number) =>
    keyFromSeed(new Uint8Array(hkdfSync('sha256', seed, '', `bzzz mesh key ${n}`, 32)))
  let next: string | null = null
  for (let n = MAX_ROTATIONS; n > epoch; n -= 1) next = commitment(keyOf(n).publicKey, next)
  return { key: keyOf(epoch), next }
}
