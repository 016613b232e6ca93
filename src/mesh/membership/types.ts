/**
 * What membership offers: to the mesh (who may connect, what spreads), to the agent (invite, approve,
 * remove, rotate) and to a machine that wants to join. No libp2p here: streams are the caller's.
 *
 *   root chain:  genesis ──▶ rotation ──▶ …     every later key is committed to by the genesis
 *      │ signs
 *      ▼
 *   member records {peerId, name, roles, expires}, signed by the root key or by a member with `signer`
 *   removals       {peerId}, final; of a signer only by the root key
 *   revocations    {invite}
 *
 * The roster is the set of these statements. Merging is a union with a rule for each conflict, so any
 * two members that exchanged their statements agree, in whatever order they came (a CRDT). Each
 * statement names the epoch of the root key; a rotation voids all that was signed before it.
 */
import type { EventEmitter } from 'node:events'
import type { ClockHint } from './times.ts'

export type Role = 'worker' | 'observer' | 'signer'

/**
 * How a peer stands with the mesh. `expired`: was a member (its record ran out, or who signed it
 * counts no more); may ask and join like a stranger. `removed` is final for this peer id.
 */
export type Standing = 'member' | 'expired' | 'removed' | 'stranger'

export interface MemberView {
  /** base58btc. */
  peerId: string
  /** As admitted; for people, proves nothing. */
  name: string
  roles: Role[]
  standing: Exclude<Standing, 'stranger'>
  /** ms since 1970: of the record that counts, or of the removal. */
  issuedAt: number
  /** ms since 1970; of a removed one, when it was removed. */
  expiresAt: number
  /** Who signed the record or the removal: `root`, or the peer id of the signer. */
  by: string
  /** Who let it in at first (renewals keep it): `root` or a peer id. Absent for removed ones. */
  admittedBy?: string
  /** ms since 1970. Absent for removed ones. */
  admittedAt?: number
  /** Id of the invite that it came by, if any. */
  invite?: string
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
  /** Six words of (mesh, peer): the same on the machine that asks. */
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
  /**
   * The own standing is no longer `member`: at once when it was removed, else when that lasts for 30 s
   * (a new mesh key that one hears of before the rest, a clock that jumps). May end: `change` follows
   * then, and `standing` says `member` again. Noticed by `merge`, `introduced`, `renew`, and when
   * `standing` is asked; a home that is out already when it is opened says so by `standing(peerId)`.
   */
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
  /** Default 1, at most 1,000; null: reusable. With a number, only the inviting signer redeems it, so it holds exactly. */
  uses?: number | null
  /** Default 15 minutes; null: does not end. */
  ttlMs?: number | null
  /**
   * Multiaddrs with peer id under which signers can be reached, best first; those of the first eight
   * that fit are put into the token.
   */
  addresses: readonly string[]
}

/** Where members can be reached, for answers to joiners: multiaddrs with peer id. */
export type Locate = (peerId: string) => readonly string[]

export interface Membership {
  /** SHA-256 of the genesis statement, hex. The same for ever. */
  readonly meshId: string
  readonly meshName: string
  /** Own. */
  readonly peerId: string
  /** True when the home holds the mesh key that counts now. */
  readonly holdsRoot: boolean
  readonly events: EventEmitter<MembershipEvents>
  /** Of any peer, now. Cheap: asked for at every connection and stream. */
  standing(peerId: string): Standing
  /** Granted roles; empty unless `member`. */
  roles(peerId: string): Role[]
  /** Members, expired and removed ones; the own first. */
  members(): MemberView[]
  /** True when any other peer was ever a member of this mesh, as far as this home knows. */
  hadOthers(): boolean
  /** Hash over all statements, hex: equal rosters have equal digests. */
  digest(): string
  /** All statements, as they go over the wire; at most `maxRosterBytes` in JSON. */
  statements(): unknown[]
  /**
   * Takes what verifies. In force at once; on disk before it resolves. Never throws for bad input.
   * Errors: `MEMBERSHIP_UNWRITABLE` (what was merged counts all the same, and is written later).
   */
  merge(statements: readonly unknown[]): Promise<Merged>
  /** Answers one message of the join protocol. Bounded, never throws. */
  answer(message: unknown, from: { peerId: string; address?: string }): Promise<unknown>
  /** Message for the join protocol to a member that may not know us: our record and its chain. At most 16 KiB. */
  introduction(): unknown
  /**
   * Takes the answer to `introduction()`: merges what it proves (a rotation, our removal). Resolves
   * with how the other says we stand with it, `undefined` when the answer makes no sense. Bounded,
   * never throws for bad input.
   */
  introduced(answer: unknown): Promise<Standing | undefined>
  /** Says how far members' clocks are from the own one; asked for again and again, so cheap. */
  hintClock(find: () => ClockHint | undefined): void
  /** Set while most members say that the own clock is wrong: then nobody is admitted here, and nothing renewed. */
  clock(): ClockHint | undefined
  /** Says where members can be found; until then joiners are told peer ids alone. */
  locate(find: Locate): void
  /** Errors: `NOT_SIGNER`, `CLOCK_WRONG`, `INVITE_INVALID`, `MESH_CONFIG_INVALID` (roles), `INVITES_FULL`, `MEMBERSHIP_UNWRITABLE`. The token is a secret: it is returned once and not kept. */
  invite(options: InviteOptions): Promise<InviteView & { token: string }>
  /** Those made by this home. */
  invites(): InviteView[]
  /** By any signer, of any invite by its whole id; an own one also by a prefix of 4 or more digits. Errors: `NOT_SIGNER`, `INVITE_UNKNOWN`. */
  revokeInvite(id: string): Promise<void>
  asks(): AskView[]
  /** `who`: peer id, unambiguous name, or words. Errors: `NOT_SIGNER`, `CLOCK_WRONG`, `ASK_UNKNOWN`, `ASK_AMBIGUOUS`. */
  approve(who: string, options?: { roles?: Role[] }): Promise<MemberView>
  /** Its asks are refused for 10 minutes. Errors as `approve`. */
  deny(who: string): Promise<void>
  /**
   * `who`: peer id or unambiguous name. What a removed signer signed and that is still in force is
   * signed anew by the root key; with `distrust` it is not, and all whom it let in are removed too.
   * Errors: `NOT_SIGNER`, `NEEDS_ROOT` (a signer is removed by the mesh key only), `MEMBER_UNKNOWN`,
   * `MEMBER_AMBIGUOUS`, `MEMBER_SELF`, `ROSTER_FULL`.
   */
  remove(who: string, options?: { distrust?: boolean }): Promise<MemberView>
  /**
   * Signs anew what runs out within half of its life, for members that `isAlive`; resolves with how
   * many. Called now and then by every member; only signers do something. Also writes what could
   * not be written before.
   */
  renew(isAlive: (peerId: string) => boolean): Promise<number>
  /**
   * Takes the next mesh key from the recovery key in `file` and signs anew all members and removals
   * but those named. `remove`, `reinstate`: peer ids or unambiguous names. Any member's home can do
   * it, also one that was removed by a stolen mesh key; it holds the mesh key from then on.
   * See docs/membership.md. Errors: `KEY_*`, `RECOVERY_WRONG`, `ROTATIONS_SPENT`, `MEMBER_UNKNOWN`,
   * `MEMBER_AMBIGUOUS`, `MEMBER_SELF`.
   */
  rotate(
    file: string,
    options?: { remove?: readonly string[]; reinstate?: readonly string[] },
  ): Promise<Rotated>
  /** Resolves when all is on disk. Errors: `MEMBERSHIP_UNWRITABLE`. */
  flush(): Promise<void>
}

export interface Rotated {
  /** Of the mesh key that counts now; the genesis is 0. */
  epoch: number
  /** How often the same recovery key can still do this. */
  left: number
  /** Members and removals that were signed anew. */
  members: number
  removals: number
}

/** What a token says to its holder. */
export interface TokenView {
  meshId: string
  meshName: string
  roles: Role[]
  /** Admissions as made; null: reusable. */
  uses: number | null
  /** ms since 1970; null: does not end. */
  expiresAt: number | null
  /** Multiaddrs with peer id to dial. */
  addresses: string[]
  /** Who invited. */
  signer: string
}

/**
 * Codes of refusals: `TOKEN_EXPIRED`, `TOKEN_SPENT`, `TOKEN_REVOKED`, `TOKEN_UNKNOWN` (not an invite
 * of this signer), `TOKEN_WRONG_MESH`, `TOKEN_FORGED`, `TOKEN_VOID` (who signed it signs no more, or the mesh key was rotated),
 * `JOIN_STALE` (clocks differ by over 10 minutes), `JOIN_WRONG_MESH`, `MEMBER_REMOVED`,
 * `ASK_DENIED`, `JOIN_BUSY` (try again), `JOIN_INVALID`, `JOIN_UNTRUSTED` (`trust` said no),
 * `JOIN_ANSWER_INVALID`.
 */
export type JoinStep =
  /** The home is a member now. */
  | { is: 'joined'; membership: Membership }
  /** Asked without a token: wait and send a new message. Compare the words on both sides. */
  | { is: 'pending'; words: string; meshId: string; meshName: string }
  /** This peer cannot sign; these can. At most 8, each with at most 8 addresses, which are this peer's word only. */
  | { is: 'elsewhere'; signers: { peerId: string; addresses: string[] }[] }
  /** `final`: trying others or later is of no use. Otherwise it is the word of this one peer. */
  | { is: 'refused'; code: string; message: string; final: boolean }

/** One attempt to join, for one home. */
export interface Joiner {
  readonly peerId: string
  /** Of the token, or as asked for. Undefined: whatever mesh answers. */
  readonly meshName: string | undefined
  readonly token: TokenView | undefined
  /** Message to send to `responder` on the join protocol. A new one for every attempt. At most 16 KiB. */
  message(responder: string): Promise<unknown>
  /** What its answer means; with `joined`, all is on disk. Hostile answers are `refused` with `JOIN_ANSWER_INVALID`. Errors: those of writing. */
  accept(answer: unknown, responder: string): Promise<JoinStep>
}
