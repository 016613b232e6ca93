/**
 * A token: one word that holds a signed invite, the private key of it, and where to dial.
 *
 *   bzzz1. + base64url of
 *     check 4 · mesh id 32 · invite id 16 · private invite key 32 · signer's key 32 · signature 64
 *     roles 1 · epoch 1 · uses 2 (0: any) · end 6 (0: never) · name length 1 · name
 *     per address: length 1 · multiaddr without the signer's peer id
 *
 * `check` is the start of the SHA-256 of the rest, so that a word that was cut or mistyped is told from
 * a forged one. All of it is as secret as the private key; it is never stored or logged by Bzzz.
 */
import { createHash } from 'node:crypto'
import { publicKeyFromRaw } from '@libp2p/crypto/keys'
import { peerIdFromPublicKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { MeshError } from '../errors.ts'
import { keyFromSeed, keyOfPeer, seedOf, type SigningKey } from './keys.ts'
import { MAX_ADDRESSES, MAX_TOKEN_CHARS } from './limits.ts'
import { inviteSchema, meshNameSchema, roles, type Invite } from './statements.ts'
import type { TokenView } from './types.ts'

const PREFIX = 'bzzz1.'
const CHECK_BYTES = 4
const MAX_ADDRESS_BYTES = 255

export interface Token {
  meshName: string
  invite: Invite
  /** The private one: whoever holds it may join. */
  key: SigningKey
  /** Multiaddrs with peer id. */
  addresses: string[]
}

/** The first addresses that fit, at most 8. Errors: none for an invite that was made here. */
export function writeToken({ meshName, invite, key, addresses }: Token): string {
  const name = Buffer.from(meshName)
  const numbers = Buffer.alloc(10)
  numbers.writeUInt8(
    roles.reduce((bits, role, at) => bits | (invite.roles.includes(role) ? 1 << at : 0), 0),
    0,
  )
  numbers.writeUInt8(invite.epoch, 1)
  numbers.writeUInt16BE(invite.uses ?? 0, 2)
  numbers.writeUIntBE(invite.expiresAt ?? 0, 4, 6)
  const parts: Uint8Array[] = [
    Buffer.from(invite.mesh, 'hex'),
    Buffer.from(invite.id, 'hex'),
    seedOf(key),
    Buffer.from(keyOfPeer(invite.by) ?? '', 'base64url'),
    Buffer.from(invite.signature, 'base64url'),
    numbers,
    Buffer.from([name.byteLength]),
    name,
  ]
  let chosen = 0
  for (const address of addresses) {
    const bytes = addressBytes(address, invite.by)
    if (bytes === undefined) continue
    const longer = [...parts, Buffer.from([bytes.byteLength]), bytes]
    if (textOf(longer).length > MAX_TOKEN_CHARS) continue
    parts.splice(0, parts.length, ...longer)
    chosen += 1
    if (chosen === MAX_ADDRESSES) break
  }
  return textOf(parts)
}

/** Errors: `TOKEN_MALFORMED`, without a piece of the text. */
export function parseToken(text: string): Token {
  const word = text.trim()
  if (!word.startsWith(PREFIX)) throw malformed('It does not begin with "bzzz1.".')
  if (word.length > MAX_TOKEN_CHARS) throw malformed('It is too long.')
  const bytes = Buffer.from(word.slice(PREFIX.length), 'base64url')
  if (PREFIX + bytes.toString('base64url') !== word) throw malformed('It is not whole.')
  const check = createHash('sha256').update(bytes.subarray(CHECK_BYTES)).digest()
  if (!check.subarray(0, CHECK_BYTES).equals(bytes.subarray(0, CHECK_BYTES))) {
    throw malformed('It is not whole.')
  }
  try {
    return decode(new Reader(bytes.subarray(CHECK_BYTES)))
  } catch {
    throw malformed('It says nothing that this version understands.')
  }
}

/** Errors: `TOKEN_MALFORMED`. */
export function readToken(text: string): TokenView {
  return viewToken(parseToken(text))
}

export function viewToken({ meshName, invite, addresses }: Token): TokenView {
  const { mesh, roles, uses, expiresAt, by } = invite
  return { meshId: mesh, meshName, roles, uses, expiresAt, addresses, signer: by }
}

function decode(read: Reader): Token {
  const mesh = read.take(32).toString('hex')
  const id = read.take(16).toString('hex')
  const key = keyFromSeed(read.take(32))
  const by = peerIdFromPublicKey(publicKeyFromRaw(read.take(32))).toString()
  const signature = read.take(64).toString('base64url')
  const bits = read.take(1).readUInt8()
  const epoch = read.take(1).readUInt8()
  const uses = read.take(2).readUInt16BE()
  const expiresAt = read.take(6).readUIntBE(0, 6)
  const meshName = meshNameSchema.parse(read.short().toString())
  const addresses: string[] = []
  while (!read.ended && addresses.length < MAX_ADDRESSES) {
    const address = multiaddr(new Uint8Array(read.short())).toString()
    addresses.push(/\/p2p\/[^/]+$/.test(address) ? address : `${address}/p2p/${by}`)
  }
  const invite = inviteSchema.parse({
    kind: 'invite',
    v: 1,
    mesh,
    epoch,
    id,
    roles: roles.filter((_, at) => (bits & (1 << at)) !== 0),
    uses: uses === 0 ? null : uses,
    expiresAt: expiresAt === 0 ? null : expiresAt,
    key: key.publicKey,
    by,
    signature,
  })
  return { meshName, invite, key, addresses }
}

function addressBytes(address: string, signer: string): Uint8Array | undefined {
  const suffix = `/p2p/${signer}`
  try {
    const { bytes } = multiaddr(
      address.endsWith(suffix) ? address.slice(0, -suffix.length) : address,
    )
    return bytes.byteLength > 0 && bytes.byteLength <= MAX_ADDRESS_BYTES ? bytes : undefined
  } catch {
    return undefined
  }
}

function textOf(parts: readonly Uint8Array[]): string {
  const body = Buffer.concat(parts)
  const check = createHash('sha256').update(body).digest().subarray(0, CHECK_BYTES)
  return PREFIX + Buffer.concat([check, body]).toString('base64url')
}

class Reader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get ended(): boolean {
    return this.#at === this.#bytes.byteLength
  }

  take(count: number): Buffer {
    const end = this.#at + count
    if (end > this.#bytes.byteLength) throw new RangeError('cut short')
    const part = this.#bytes.subarray(this.#at, end)
    this.#at = end
    return part
  }

  /** A length of one byte, and as many bytes. */
  short(): Buffer {
    return this.take(this.take(1).readUInt8())
  }
}

function malformed(why: string): MeshError {
  return new MeshError('TOKEN_MALFORMED', `This is no token. ${why}`, {
    next: 'Copy the whole word after `bzzz join`, from "bzzz1." on, or ask for a new one: `bzzz invite`.',
  })
}
