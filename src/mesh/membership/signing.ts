/** Makes statements: a draft, the place it belongs to, and a signature by the mesh key or the identity. */
import type { Identity } from '../identity.ts'
import type { SigningKey } from './keys.ts'
import { epochOf } from './roster.ts'
import {
  type Draft,
  type Entry,
  type Genesis,
  type Invite,
  type Roster,
  type Rotation,
  type Stored,
  parseStatement,
  signedBytes,
} from './statements.ts'

export interface Keys {
  identity: Identity
  /** Signs where a draft says `by: 'root'`. */
  root?: SigningKey | undefined
}

/** Signs for the present epoch of `roster`. */
export async function signAll(
  roster: Roster,
  drafts: readonly Draft[],
  keys: Keys,
): Promise<Stored[]> {
  const place = { v: 1, mesh: roster.meshId, epoch: epochOf(roster) } as const
  const made: Stored[] = []
  for (const draft of drafts) {
    const body = { ...draft, ...place } as Omit<Entry, 'signature'>
    made.push(stored({ ...body, signature: await signature(body, keys) }))
  }
  return made
}

export async function signInvite(
  roster: Roster,
  draft: Pick<Invite, 'id' | 'roles' | 'uses' | 'expiresAt' | 'key' | 'by'>,
  keys: Keys,
): Promise<Invite> {
  const place = { kind: 'invite', v: 1, mesh: roster.meshId, epoch: epochOf(roster) } as const
  const body = { ...draft, ...place }
  return { ...body, signature: await signature(body, keys) }
}

export function signRoot<T extends Genesis | Rotation>(
  body: Omit<T, 'signature'>,
  key: SigningKey,
): T {
  const bytes = signedBytes(body as T)
  return { ...body, signature: base64url(key.sign(bytes)) } as T
}

async function signature(
  body: Omit<Entry, 'signature'> | Omit<Invite, 'signature'>,
  { identity, root }: Keys,
): Promise<string> {
  const bytes = signedBytes(body as Entry)
  if (body.by !== 'root') return base64url(await identity.sign(bytes))
  if (root === undefined) throw new TypeError('The mesh key is not here.')
  return base64url(root.sign(bytes))
}

/** Read back as others will read it: what they would refuse is not made. */
function stored(statement: object): Stored {
  const parsed = parseStatement(statement)
  if (parsed === undefined || !('by' in parsed.statement)) {
    throw new TypeError('A statement was made that is none.')
  }
  return { id: parsed.id, entry: parsed.statement }
}

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url')
}
