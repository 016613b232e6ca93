/** A token to what it says. From docs/protocol.md, "Token". */
import { generateKeyPairFromSeed, publicKeyFromRaw } from '@libp2p/crypto/keys'
import { peerIdFromPublicKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { base64url, sha256, type Fields } from './forms.ts'

export interface Token {
  meshId: string
  meshName: string
  invite: Fields & { id: string; by: string }
  addresses: string[]
  /** By the invite's private key. */
  sign(data: Uint8Array): Promise<Uint8Array>
}

const ROLES = ['observer', 'signer', 'worker']

export async function readToken(word: string): Promise<Token> {
  const bytes = Buffer.from(word.slice('bzzz1.'.length), 'base64url')
  if (!word.startsWith('bzzz1.')) throw new Error('not a token')
  if (sha256(bytes.subarray(4)).slice(0, 8) !== bytes.subarray(0, 4).toString('hex')) {
    throw new Error('a token that is not whole')
  }
  let at = 4
  const take = (count: number) => bytes.subarray(at, (at += count))
  const short = () => take(take(1).readUInt8())
  const meshId = take(32).toString('hex')
  const id = take(16).toString('hex')
  const key = await generateKeyPairFromSeed('Ed25519', take(32))
  const by = peerIdFromPublicKey(publicKeyFromRaw(take(32))).toString()
  const signature = base64url(take(64))
  const bits = take(1).readUInt8()
  const epoch = take(1).readUInt8()
  const uses = take(2).readUInt16BE()
  const end = take(6).readUIntBE(0, 6)
  const meshName = short().toString()
  const addresses: string[] = []
  while (at < bytes.byteLength) {
    const address = multiaddr(new Uint8Array(short())).toString()
    addresses.push(address.includes('/p2p/') ? address : `${address}/p2p/${by}`)
  }
  const invite = {
    kind: 'invite',
    v: 1,
    mesh: meshId,
    epoch,
    id,
    roles: ROLES.filter((_, place) => (bits & (1 << place)) !== 0),
    uses: uses === 0 ? null : uses,
    expiresAt: end === 0 ? null : end,
    key: base64url(key.publicKey.raw),
    by,
    signature,
  }
  return { meshId, meshName, invite, addresses, sign: async (data) => key.sign(data) }
}
