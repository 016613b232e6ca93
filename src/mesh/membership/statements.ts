/**
 * The statements that a roster is made of, and invites, as they go over the wire: flat JSON objects,
 * signed over `bzzz membership` and their canonical form without the signature. A statement's id is
 * the SHA-256 of all of it.
 *
 * | kind         | says                                    | signed by                          |
 * | ------------ | --------------------------------------- | ---------------------------------- |
 * | `genesis`    | the mesh's name, key and commitment     | its own key                        |
 * | `rotation`   | the mesh key of a later epoch           | that key                           |
 * | `member`     | a peer, its roles, its dates            | the mesh key, or a peer: `by`      |
 * | `removal`    | a peer is out, for good                 | the same                           |
 * | `revocation` | an invite is void                       | the same                           |
 * | `invite`     | who holds `key` may join; never stored  | a peer: `by`                       |
 */
import { z } from 'zod'
import { canonicalJson, sha256 } from '../../util/index.ts'
import { keyOfPeer, verifies } from './keys.ts'
import { MAX_NAME, MAX_ROTATIONS, MAX_STATEMENT_BYTES, MAX_USES } from './limits.ts'
import type { Role } from './types.ts'

/** One text per value: unused bits at the end must be zero, or anyone could vary a signature's text. */
const base64url = (bytes: number) =>
  z
    .string()
    .length(Math.ceil((bytes * 8) / 6))
    .refine(
      (text) => Buffer.from(text, 'base64url').toString('base64url') === text,
      `${bytes} bytes in base64url`,
    )
const hex = (bytes: number) =>
  z.string().regex(new RegExp(`^[0-9a-f]{${bytes * 2}}$`), `${bytes} bytes in hex`)
const date = z.number().int().positive().max(Number.MAX_SAFE_INTEGER)

export const roles: readonly Role[] = ['observer', 'signer', 'worker']
export const peerIdSchema = z
  .string()
  .regex(/^12D3KooW[1-9A-HJ-NP-Za-km-z]{44}$/, 'a peer id of an Ed25519 key')
/** No control or format characters: names are printed on terminals. */
export const nameSchema = z
  .string()
  .max(MAX_NAME)
  .regex(/^[^\p{C}\p{Zl}\p{Zp}]+$/u, 'a name of printable characters')
export const meshNameSchema = z.string().regex(/^[A-Za-z0-9][\w.-]{0,63}$/, 'a name of a mesh')
export const meshIdSchema = hex(32)
export const inviteIdSchema = hex(16)
/** Sorted and without repetition, so that equal roles have one form. */
export const rolesSchema = z
  .array(z.enum(['observer', 'signer', 'worker']))
  .min(1)
  .max(3)
  .refine((list) => list.every((role, at) => at === 0 || (list[at - 1] ?? '') < role), {
    message: 'roles are sorted and named once',
  })

const signature = base64url(64)
const epoch = z.number().int().min(0).max(MAX_ROTATIONS)
const signer = z.union([z.literal('root'), peerIdSchema])
const common = { v: z.literal(1), mesh: meshIdSchema, epoch, signature }

export const genesisSchema = z.strictObject({
  kind: z.literal('genesis'),
  v: z.literal(1),
  name: meshNameSchema,
  key: base64url(32),
  next: base64url(32),
  issuedAt: date,
  signature,
})
export const rotationSchema = z.strictObject({
  kind: z.literal('rotation'),
  v: z.literal(1),
  mesh: meshIdSchema,
  epoch: epoch.min(1),
  key: base64url(32),
  next: base64url(32).nullable(),
  signature,
})
export const memberSchema = z.strictObject({
  kind: z.literal('member'),
  ...common,
  peerId: peerIdSchema,
  name: nameSchema,
  roles: rolesSchema,
  issuedAt: date,
  expiresAt: date,
  admittedAt: date,
  admittedBy: signer,
  invite: inviteIdSchema.optional(),
  by: signer,
})
export const removalSchema = z.strictObject({
  kind: z.literal('removal'),
  ...common,
  peerId: peerIdSchema,
  name: nameSchema,
  issuedAt: date,
  by: signer,
})
export const revocationSchema = z.strictObject({
  kind: z.literal('revocation'),
  ...common,
  invite: inviteIdSchema,
  /** End of the invite: the revocation says nothing after it. */
  until: date.nullable(),
  issuedAt: date,
  by: signer,
})
export const inviteSchema = z.strictObject({
  kind: z.literal('invite'),
  ...common,
  id: inviteIdSchema,
  roles: rolesSchema,
  uses: z.number().int().min(1).max(MAX_USES).nullable(),
  expiresAt: date.nullable(),
  key: base64url(32),
  by: peerIdSchema,
})
const statementSchema = z.discriminatedUnion('kind', [
  genesisSchema,
  rotationSchema,
  memberSchema,
  removalSchema,
  revocationSchema,
])

export type Genesis = z.infer<typeof genesisSchema>
export type Rotation = z.infer<typeof rotationSchema>
export type MemberRecord = z.infer<typeof memberSchema>
export type Removal = z.infer<typeof removalSchema>
export type Revocation = z.infer<typeof revocationSchema>
export type Invite = z.infer<typeof inviteSchema>
/** What merges: everything but the chain of roots. */
export type Entry = MemberRecord | Removal | Revocation
export type Statement = z.infer<typeof statementSchema>

type Unsigned<T> = T extends unknown ? Omit<T, 'signature'> : never
/** A statement that is to be made: what the mesh's state does not give. */
export type Draft = Entry extends infer T
  ? T extends unknown
    ? Omit<T, keyof typeof common>
    : never
  : never

/** An entry and its id, made once. */
export interface Stored<T extends Entry = Entry> {
  readonly id: string
  readonly entry: T
}

/** The chain of roots and, of its present epoch, one statement per (kind, subject, author); see `roster.ts`. */
export interface Roster {
  readonly meshId: string
  readonly genesis: Genesis
  /** Verified; ordered by epoch from 1. */
  readonly rotations: readonly Rotation[]
  /** Of the present epoch. */
  readonly entries: ReadonlyMap<string, Stored>
}

/** Undefined for what is no statement, or is too long. Never throws. */
export function parseStatement(input: unknown): { id: string; statement: Statement } | undefined {
  try {
    const parsed = statementSchema.safeParse(input)
    if (!parsed.success) return undefined
    const text = canonicalJson(parsed.data)
    if (Buffer.byteLength(text) > MAX_STATEMENT_BYTES) return undefined
    return { id: sha256(text), statement: parsed.data }
  } catch {
    return undefined
  }
}

/** The bytes that are signed. */
export function signedBytes(body: Unsigned<Statement | Invite>): Uint8Array {
  const { signature: _, ...rest } = body as Statement
  return Buffer.from(`bzzz membership\n${canonicalJson(rest)}`)
}

/** SHA-256 of the genesis without its signature, hex. */
export function meshIdOf(genesis: Genesis): string {
  const { signature: _, ...body } = genesis
  return sha256(canonicalJson(body))
}

/** `rootKey`: of the epoch that the statement names. */
export function isSigned(statement: Entry | Invite, rootKey: string): boolean {
  const key = statement.by === 'root' ? rootKey : keyOfPeer(statement.by)
  return key !== undefined && verifies(key, signedBytes(statement), statement.signature)
}

export function isSignedByOwnKey(root: Genesis | Rotation): boolean {
  return verifies(root.key, signedBytes(root), root.signature)
}

export function sortRoles(list: Iterable<Role>): Role[] {
  return [...new Set(list)].sort()
}
