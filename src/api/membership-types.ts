/** What the API says about who belongs to the mesh, and what it takes to change that. Types only. */
import type { InviteView, MemberView, Role, Rotated, Standing } from '../mesh/index.ts'

export type { InviteView, MemberView, Role, Rotated, Standing }

export interface MembershipStatus {
  /** Hash of the mesh's first statement, hex: the same on all its machines, for ever. */
  meshId: string
  meshName: string
  standing: Standing
  /** Granted, not configured. */
  roles: Role[]
  /** Of the own record, ms since 1970; null when there is none. */
  expiresAtMs: number | null
  /** No signer has renewed it although that was due long ago. Absent in agents of before. */
  renewalLate?: boolean
  /** Machines that ask to join; only signers hear of them. */
  asks: number
  /** Other members that are known by name, met or not. Absent in agents of before. */
  others?: number
}

export interface InviteRequest {
  /** Default `['worker']`. */
  roles?: Role[] | undefined
  /** Default 1; null: any number. */
  uses?: number | null | undefined
  /** Default 15 minutes; null: does not end. */
  ttlMs?: number | null | undefined
}

/** The token is a secret that is said once. */
export type NewInvite = InviteView & { token: string }

export interface RotateRequest {
  /** Absolute path of the recovery key. */
  recoveryFile: string
  /** Peer ids or names: put out, and let in again that were put out. */
  remove: string[]
  reinstate: string[]
}

/** `who`: peer id, unambiguous name, or words. */
export interface MembershipSources {
  /** Errors: `NOT_SIGNER`. */
  invite(request: InviteRequest): Promise<NewInvite>
  invites(): InviteView[]
  /** Errors: `NOT_SIGNER`, `INVITE_UNKNOWN`. */
  revokeInvite(id: string): Promise<void>
  /** Errors: `NOT_SIGNER`, `ASK_UNKNOWN`, `ASK_AMBIGUOUS`. */
  approve(who: string, roles?: Role[]): Promise<MemberView>
  /** Errors: as `approve`. */
  deny(who: string): Promise<void>
  /**
   * With `distrust`, all whom a removed signer let in go, too. Errors: `NOT_SIGNER`, `NEEDS_ROOT`,
   * `MEMBER_UNKNOWN`, `MEMBER_AMBIGUOUS`, `MEMBER_SELF`.
   */
  remove(who: string, options: { distrust: boolean }): Promise<MemberView>
  /** Errors: `KEY_*`, `RECOVERY_WRONG`, `ROTATIONS_SPENT`, `MEMBER_*`. */
  rotate(request: RotateRequest): Promise<Rotated>
  /** One round trip, ms. Errors: `PEER_UNREACHABLE`, `DEADLINE`. */
  ping(peerId: string, signal: AbortSignal): Promise<number>
}
