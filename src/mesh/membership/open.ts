/** Opening, founding and joining: the ways to a `Membership`. */
import type { Clock, Logger } from '../../util/index.ts'
import type { Identity } from '../identity.ts'
import type { Joiner, Membership, Role, TokenView } from './types.ts'

export interface OpenMembershipInit {
  home: string
  /** Default: the home's. */
  identity?: Identity
  clock: Clock
  logger: Logger
}

export interface FoundMeshInit {
  home: string
  /** Name of the mesh, as in topics: `[a-z0-9-]`, at most 32. */
  meshName: string
  /** Of this machine. */
  name: string
  /** Roles of this machine beside `signer`. */
  roles: readonly Role[]
  clock: Clock
  logger: Logger
}

export interface JoinerInit {
  home: string
  /** Of this machine. */
  name: string
  /** Wanted, when it asks without a token; a token names its own. */
  roles: readonly Role[]
  token?: string
  /** Without a token: join only a mesh of this name. */
  meshName?: string
  /** Move the home's own mesh aside when it joins another (see `leaveMesh`). Default false: `MESH_EXISTS`. */
  replace?: boolean
  /**
   * Without a token, asked before the home becomes a member: anyone on the network can answer
   * "welcome", so a person should have seen the same words on both machines. Default: trusts.
   */
  trust?: (mesh: { meshId: string; meshName: string; words: string }) => Promise<boolean>
  clock: Clock
  logger: Logger
}

/**
 * Undefined when the home belongs to no mesh.
 * Errors: `MEMBERSHIP_CORRUPT`, `MEMBERSHIP_UNREADABLE`, `KEY_*`, those of `loadIdentity`.
 */
export async function openMembership(_init: OpenMembershipInit): Promise<Membership | undefined> {
  throw new Error('being built')
}

/** Makes mesh key, recovery key, genesis and the first member. Errors: `MESH_EXISTS`, `KEY_*`, `MEMBERSHIP_UNWRITABLE`. */
export async function foundMesh(_init: FoundMeshInit): Promise<Membership> {
  throw new Error('being built')
}

/** Errors: `TOKEN_MALFORMED`, `MESH_EXISTS` (the home belongs to another mesh), and those of `openMembership`. */
export async function createJoiner(_init: JoinerInit): Promise<Joiner> {
  throw new Error('being built')
}

/**
 * Moves the home's mesh (keys too) to a new directory `left-…` in the home, and resolves with its
 * path; undefined when there is none. The identity stays.
 */
export async function leaveMesh(_init: {
  home: string
  clock: Clock
}): Promise<string | undefined> {
  throw new Error('being built')
}

/** Errors: `TOKEN_MALFORMED`. */
export function readToken(_text: string): TokenView {
  throw new Error('being built')
}
