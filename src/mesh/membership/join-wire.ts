/**
 * Messages of the join protocol: one each way.
 *
 * | request     | from                        | answers                                   |
 * | ----------- | --------------------------- | ----------------------------------------- |
 * | `join`      | whoever holds a token       | `welcome`, `elsewhere`, `refused`         |
 * | `ask`       | a machine without one       | `welcome`, `pending`, `elsewhere`, `refused` |
 * | `introduce` | a member, perhaps not known | `met`, `refused`                          |
 *
 * The connection says who asks (its peer id is proven); `proof` is a signature by the invite's private
 * key over mesh, asking peer, answering peer and time, so it serves nobody else and nowhere else.
 */
import { z } from 'zod'
import { canonicalJson } from '../../util/index.ts'
import {
  MAX_ADDRESS_CHARS,
  MAX_ADDRESSES,
  MAX_ELSEWHERE,
  MAX_SHOWN,
  MAX_WELCOME,
} from './limits.ts'
import {
  genesisSchema,
  inviteSchema,
  meshIdSchema,
  meshNameSchema,
  nameSchema,
  peerIdSchema,
  rolesSchema,
} from './statements.ts'

const v = z.literal(1)
/** Asker's clock, ms since 1970. */
const at = z.number().int().positive().max(Number.MAX_SAFE_INTEGER)
/** Taken apart one by one when they are merged. */
const statements = z.array(z.unknown()).max(MAX_SHOWN)

export const requests = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('join'),
    v,
    name: nameSchema,
    at,
    invite: inviteSchema,
    proof: z.string().max(128),
  }),
  z.strictObject({
    kind: z.literal('ask'),
    v,
    name: nameSchema,
    roles: rolesSchema,
    at,
    /** Only of interest for a mesh of this name; of this id. */
    meshName: meshNameSchema.optional(),
    mesh: meshIdSchema.optional(),
  }),
  z.strictObject({ kind: z.literal('introduce'), v, mesh: meshIdSchema, statements }),
])
export type JoinRequest = z.infer<typeof requests>

/** What a machine that was removed can do; completes “to come back, …”. */
export const comeBack = 'move `identity.key` out of its home, then type there: bzzz join TOKEN'

export const refusals = {
  TOKEN_EXPIRED: 'The token has expired. Ask for a new one: `bzzz invite`.',
  TOKEN_SPENT: 'The token was used as often as it may be. Ask for a new one: `bzzz invite`.',
  TOKEN_REVOKED: 'The token was revoked. Ask for a new one: `bzzz invite`.',
  TOKEN_UNKNOWN: 'Who made the token knows it no more. Ask for a new one: `bzzz invite`.',
  TOKEN_WRONG_MESH: 'The token is for another mesh.',
  TOKEN_FORGED: 'The token was not made by a member of this mesh, or not for this machine to use.',
  TOKEN_VOID:
    'Who made the token may not admit anybody any more, or the mesh key was replaced since. Ask for a new one: `bzzz invite`.',
  JOIN_STALE:
    'The clocks of the two machines differ by more than 10 minutes. Set the clock of this one.',
  JOIN_WRONG_MESH: 'It belongs to another mesh than the one asked for.',
  MEMBER_REMOVED: 'This machine was removed from the mesh.',
  ASK_DENIED: 'A member denied this machine. Ask for a token instead: `bzzz invite`.',
  JOIN_BUSY: 'It cannot admit anybody right now. Try again.',
  JOIN_INVALID:
    'It did not understand what this machine asked. Check that both run the same version.',
} as const
export type Refusal = keyof typeof refusals
const refusalCodes = Object.keys(refusals) as [Refusal, ...Refusal[]]

const standing = z.enum(['member', 'expired', 'removed', 'stranger'])

export const answers = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('welcome'),
    v,
    statements: z.array(z.unknown()).max(MAX_WELCOME),
  }),
  z.strictObject({ kind: z.literal('pending'), v, genesis: genesisSchema }),
  z.strictObject({
    kind: z.literal('elsewhere'),
    v,
    signers: z
      .array(
        z.strictObject({
          peerId: peerIdSchema,
          addresses: z.array(z.string().max(MAX_ADDRESS_CHARS)).max(MAX_ADDRESSES),
        }),
      )
      .max(MAX_ELSEWHERE),
  }),
  /** `statements`: the proof, where it is about the asker's standing. */
  z.strictObject({
    kind: z.literal('refused'),
    v,
    code: z.enum(refusalCodes),
    statements: statements.optional(),
  }),
  z.strictObject({ kind: z.literal('met'), v, standing, statements }),
])
export type JoinAnswer = z.infer<typeof answers>

/** Undefined for anything else. Never throws. */
export function parseRequest(input: unknown): JoinRequest | undefined {
  return parse(requests, input)
}

/** Undefined for anything else. Never throws. */
export function parseAnswer(input: unknown): JoinAnswer | undefined {
  return parse(answers, input)
}

function parse<S extends z.ZodType>(schema: S, input: unknown): z.infer<S> | undefined {
  try {
    const parsed = schema.safeParse(input)
    return parsed.success ? parsed.data : undefined
  } catch {
    return undefined
  }
}

export interface ProofOf {
  mesh: string
  invite: string
  /** Peer ids. */
  joiner: string
  responder: string
  name: string
  at: number
}

/** What the invite's private key signs. */
export function proofBytes(of: ProofOf): Uint8Array {
  return Buffer.from(`bzzz join\n${canonicalJson(of)}`)
}
