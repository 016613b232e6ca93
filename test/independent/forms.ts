/** What all messages are made of: canonical JSON, hashes, Ed25519 by peer ids. From docs/protocol.md, "Forms". */
import { createHash } from 'node:crypto'
import { publicKeyFromRaw } from '@libp2p/crypto/keys'
import { peerIdFromString } from '@libp2p/peer-id'

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json | undefined }
export type Fields = { [key: string]: Json | undefined }

export function canonical(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.keys(value)
    .filter((key) => value[key] !== undefined)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonical(value[key] as Json)}`)
  return `{${members.join(',')}}`
}

export const sha256 = (data: string | Uint8Array): string =>
  createHash('sha256').update(data).digest('hex')

export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)

export const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url')

export const without = (statement: Fields, name: string): Fields =>
  Object.fromEntries(Object.entries(statement).filter(([key]) => key !== name))

/** `key`: 32 bytes in base64url. */
export async function isSignedByKey(key: string, text: string, signature: string) {
  const bytes = Buffer.from(signature, 'base64url')
  return publicKeyFromRaw(Buffer.from(key, 'base64url')).verify(utf8(text), bytes)
}

export async function isSignedByPeer(peerId: string, text: string, signature: string) {
  const { publicKey } = peerIdFromString(peerId)
  if (publicKey?.type !== 'Ed25519') return false
  return publicKey.verify(utf8(text), Buffer.from(signature, 'base64url'))
}
