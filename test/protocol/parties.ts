/**
 * A mesh whose keys and dates are all known, so that its messages can be printed, and made again byte
 * for byte by whoever reads the page. Its keys are worth nothing.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { publicKeyFromRaw } from '@libp2p/crypto/keys'
import { peerIdFromPublicKey } from '@libp2p/peer-id'
import Corestore from 'corestore'
import { headOf } from '../../src/journal/heads/heads.ts'
import { proveIdentity } from '../../src/journal/proof/identity.ts'
import type { Head } from '../../src/journal/types.ts'
import { keyFromSeed, rootOf, type SigningKey } from '../../src/mesh/membership/keys.ts'
import { meshIdOf, signedBytes, type Genesis } from '../../src/mesh/membership/statements.ts'
import { canonicalJson } from '../../src/util/index.ts'

export const seedOf = (byte: number): Uint8Array => new Uint8Array(32).fill(byte)

/** 1 January 2026. */
export const dayMs = 86_400_000
export const now = Date.UTC(2026, 0, 1)

export interface Party {
  name: string
  seed: number
  key: SigningKey
  peerId: string
}

function party(name: string, seed: number): Party {
  const key = keyFromSeed(seedOf(seed))
  const raw = publicKeyFromRaw(Buffer.from(key.publicKey, 'base64url'))
  return { name, seed, key, peerId: peerIdFromPublicKey(raw).toString() }
}

export const recovery = keyFromSeed(seedOf(1))
/** Founder and signer; admitted by invite; removed. */
export const ada = party('ada', 2)
export const bob = party('bob', 3)
export const eve = party('eve', 4)
export const inviteKey = keyFromSeed(seedOf(5))

export function signed<T extends object>(body: T, key: SigningKey): T & { signature: string } {
  const bytes = signedBytes(body as never)
  return { ...body, signature: Buffer.from(key.sign(bytes)).toString('base64url') }
}

const root = rootOf(recovery, 0)
export const rootKey = root.key
export const genesis: Genesis = signed(
  {
    kind: 'genesis',
    v: 1,
    name: 'example',
    key: root.key.publicKey,
    next: root.next ?? '',
    issuedAt: now,
  } as const,
  root.key,
)
export const meshId = meshIdOf(genesis)

export interface Written {
  head: Head
  first: object
  /** As hypercore encodes it. */
  manifest: Buffer
}

/** Bob's journal with its first entry, in a real hypercore. */
export async function bobsJournal(incarnation: string): Promise<Written> {
  const dir = await mkdtemp(join(tmpdir(), 'bzzz-example-'))
  const options = { primaryKey: Buffer.from(seedOf(6)), unsafe: true }
  const store = new Corestore(dir, options as never)
  try {
    const core = store.get({ name: 'example' })
    await core.ready()
    const key = core.key.toString('hex')
    const sign = async (data: Uint8Array) => bob.key.sign(data)
    const proof = await proveIdentity({ key, epoch: 0 }, sign)
    const { name, peerId } = bob
    const about = { type: 'agent.started', peerId, name, incarnation, version: '0.1.0', proof }
    const first = { ...about, v: 1, epoch: 0, seq: 0, time: now, order: now * 1024 }
    await core.append([Buffer.from(canonicalJson(first))])
    const manifest = core.getManifest({ raw: true })
    if (manifest === null) throw new Error('a journal without a manifest')
    return { head: headOf(core, 0), first, manifest }
  } finally {
    await store.close()
    await rm(dir, { recursive: true, force: true })
  }
}
