import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { signCapabilities, type Signed } from '../../../src/mesh/gossip/announcement.ts'
import type { Capabilities } from '../../../src/mesh/index.ts'

export const ALICE = '12D3KooWHpJtZsCdT2Qs2vCqZ7nH9eCbdJ6h4Nn6oQpQ5x9w3Rka'
export const BOB = '12D3KooWKnDdG3iXw9eTFijk3EWSunZcFi54Zka4wmtqtt6rPxc8'
export const CAROL = '12D3KooWFgEiUbJkdxA6t1LSMYf9QZaqwBv1Esfn9d7zCdbVHB3U'
export const hex = (character: string): string => character.repeat(32)

export function announcement(change: Partial<Capabilities> = {}): Capabilities {
  const issuedAt = 1_700_000_000_000
  return {
    v: 1,
    peerId: ALICE,
    name: 'alice',
    version: '0.1.0',
    incarnation: hex('a'),
    sequence: 1,
    startedAt: issuedAt - 1000,
    roles: ['worker'],
    executors: [],
    models: [],
    languages: [],
    tools: [],
    tags: [],
    cpu: { cores: 1, load1: 0 },
    memory: { totalBytes: 1, freeBytes: 1 },
    gpu: [],
    slots: { total: 1, used: 0 },
    repositories: [],
    issuedAt,
    ...change,
  }
}

export const MESH = 'samples'

export interface Person {
  peerId: string
  /** Its announcement, truly signed unless `by` says otherwise. */
  announce(
    change?: Partial<Capabilities>,
    by?: { meshName?: string; person?: Person },
  ): Promise<Signed>
  sign(data: Uint8Array): Promise<Uint8Array>
}

export async function person(): Promise<Person> {
  const key = await generateKeyPair('Ed25519')
  const self: Person = {
    peerId: peerIdFromPrivateKey(key).toString(),
    sign: async (data) => key.sign(data),
    announce: (change = {}, { meshName = MESH, person: identity = self } = {}) =>
      signCapabilities(announcement({ peerId: self.peerId, ...change }), { identity, meshName }),
  }
  return self
}
