/**
 * What membership offers: to the mesh (who may connect, what spreads), to the agent (invite, approve,
 * remove, rotate) and to a machine that wants to join. No libp2p here: streams are the caller's.
 *
 *   root chain:  genesis ──▶ rotation ──▶ …     key of each is committed to (hashed) by the one before
 *      │ signs
 *      ▼
 *   member records {peerId, name, roles, expires}, signed by the root key or by a member with `signer`
 *   removals       {peerId}, final; of a signer only by the root key
 *   revocations    {invite}
 *
 * The roster is the set of these statements. Merging is a union with a rule for each conflict, so any
 * two members that exchanged their statements agree, in whatever order they came (a CRDT).
 */
import type { EventEmitter } from 'node:events'

export type Role = 'worker' | 'observer' | 'signer'

/**
 * How a peer stands with the mesh. `expired`: was a member; may ask and join like a stranger.
 * `removed` is final for this peer id.
 */
export type Standing = 'member' | 'expired' | 'removed' | 'stranger'

export interface MemberView {
  /** base58btc. */
  peerId: string
  /** As admitted; for people, proves nothing. */
  name: string
  roles: Role[]
  standing: Exclude<Standing, 'stranger'>
  /** ms since 1970. */
  issuedAt: number
  expiresAt: number
  /** `root`, or the peer id of the signer. */
  by: string
  /** Six words of (mesh, peer); the same on every machine. */
  words: string
}

export interface InviteView {
  /** 16 random bytes in hex. */
  id: string
  roles: Role[]
  /** Admissions left; null: any number. */
  usesLeft: number | null
  /** ms since 1970; null: does not end. */
  expiresAt: number | null
  revoked: boolean
}

/** A machine that asked to join without a token. */
export interface AskView {
  peerId: string
  name: string
  roles: Role[]
  words: string
  /** Where it connects from, if known. */
  address?: string
  /** ms since 1970: first and last time it asked. */
  since: number
  lastAskedAt: number
}

export interface MembershipEvents {
  /** The set of statements changed: spread it, look again at who may stay connected. */
  change: []
  /** Someone asks to join, for the first time. */
  asked: [ask: AskView]
  /** The own record was removed or expired. */
  out: [standing: Standing]
}

/** What a merge did. `refused`: statements that do not verify, each counted, by reason. */
export interface Merged {
  added: number
  refused: Record<string, number>
}

export interface InviteOptions {
  /** Default `['worker']`. */
  roles?: Role[]
  /** Default 1; null: reusable. With a number, only the inviting signer redeems it, so it holds exactly. */
  uses?: number | null
  /** Default 15 minutes; null: does not end. */
  ttlMs?: number | null
  /** Multiaddrs with peer id under which signers can be reached; at most 8 are put into the token. */
  addresses: readonly string[]
}

export interface Membership {
  /** SHA-256 of the genesis statement, hex. The same for ever. */
  readonly meshId: string
  readonly meshName: string
  /** Own. */
  readonly peerId: string
  readonly events: EventEmitter<MembershipEvents>
  /** Of any peer, now. Cheap: asked for at every connection and stream. */
  standing(peerId: string): Standing
  /** Granted roles; empty unless `member`. */
  roles(peerId: string): Role[]
  /** Members, expired and removed ones; the own first. */
  members(): MemberView[]
  /** Hash over all statements, hex: equal rosters have equal digests. */
  digest(): string
  /** All statements, as they go over the wire; at most `maxRosterBytes` in JSON. */
  statements(): unknown[]
  /** Takes what verifies. Persisted before it resolves. Never throws for bad input. */
  merge(statements: readonly unknown[]): Promise<Merged>
  /** Answers one message of the join protocol. Bounded, never throws for bad input. */
  answer(message: unknown, from: { peerId: string; address?: string }): Promise<unknown>
  /** Errors: `NOT_SIGNER`. The token is a secret: it is returned once and not kept. */
  invite(options: InviteOptions): Promise<InviteView & { token: string }>
  invites(): InviteView[]
  /** Errors: `NOT_SIGNER`, `INVITE_UNKNOWN`. */
  revokeInvite(id: string): Promise<void>
  asks(): AskView[]
  /** `who`: peer id, unambiguous name, or words. Errors: `NOT_SIGNER`, `ASK_UNKNOWN`, `ASK_AMBIGUOUS`. */
  approve(who: string, options?: { roles?: Role[] }): Promise<MemberView>
  /** Errors: `NOT_SIGNER`, `NEEDS_ROOT` (a signer is removed by the mesh key only), `MEMBER_UNKNOWN`. */
  remove(who: string): Promise<MemberView>
  /**
   * Signs anew what runs out within half of its life, for members that `isAlive`; resolves with how
   * many. Called now and then by every member; only signers do something.
   */
  renew(isAlive: (peerId: string) => boolean): Promise<number>
  /** Replaces the mesh key by the recovery key in `file` and makes a new one. See docs/membership.md. */
  rotate(file: string, options?: { remove?: readonly string[] }): Promise<{ recoveryFile: string }>
  /** Resolves when all is on disk. */
  flush(): Promise<void>
}

/** What a token says to its holder. */
export interface TokenView {
  meshId: string
  meshName: string
  roles: Role[]
  expiresAt: number | null
  /** Multiaddrs with peer id to dial. */
  addresses: string[]
  /** Who invited. */
  signer: string
}

export type JoinStep =
  /** The home is a member now. */
  | { is: 'joined'; membership: Membership }
  /** Asked without a token: wait and send the same message again. Compare the words on both sides. */
  | { is: 'pending'; words: string; meshId: string }
  /** This peer cannot sign; these can. */
  | { is: 'elsewhere'; signers: { peerId: string; addresses: string[] }[] }
  /** Final for this token or machine. Codes: `TOKEN_EXPIRED`, `TOKEN_SPENT`, `TOKEN_REVOKED`, `TOKEN_WRONG_MESH`, `TOKEN_FORGED`, `MEMBER_REMOVED`, `ASK_DENIED`, `JOIN_BUSY`. */
  | { is: 'refused'; code: string; message: string }

/** One attempt to join, for one home. */
export interface Joiner {
  readonly peerId: string
  readonly token: TokenView | undefined
  /** Message to send to `responder` on the join protocol. */
  message(responder: string): Promise<unknown>
  /** What its answer means; with `joined`, all is on disk. Hostile answers are `refused` with `JOIN_ANSWER_INVALID`. */
  accept(answer: unknown, responder: string): Promise<JoinStep>
}
