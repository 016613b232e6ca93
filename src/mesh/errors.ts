/** Coded errors of the mesh. */
import { CodedError } from '../util/index.ts'

export type MeshErrorCode =
  /** A listen address could not be bound (data: `address`). */
  | 'LISTEN_FAILED'
  /** The identity file is not an Ed25519 key (data: `path`). */
  | 'IDENTITY_CORRUPT'
  /** Others may read the identity file (data: `path`, `mode`). */
  | 'IDENTITY_MODE'
  /** The identity file or its directory cannot be read or written (data: `path`). */
  | 'IDENTITY_UNREADABLE'
  /** A mesh or recovery key file is no Ed25519 key; may be read by others; cannot be read or written; is missing (data: `path`). */
  | 'KEY_CORRUPT'
  | 'KEY_MODE'
  | 'KEY_UNREADABLE'
  | 'KEY_MISSING'
  /** The home belongs to a mesh already (data: `home`, `meshId`, `meshName`). */
  | 'MESH_EXISTS'
  /** A file of the membership is damaged; cannot be read; cannot be written (data: `path`). */
  | 'MEMBERSHIP_CORRUPT'
  | 'MEMBERSHIP_UNREADABLE'
  | 'MEMBERSHIP_UNWRITABLE'
  /** This machine may not admit or remove others. */
  | 'NOT_SIGNER'
  /** Most members say that this machine's clock is wrong: it admits nobody (data: `offsetMs`, `members`). */
  | 'CLOCK_WRONG'
  /** Only the mesh key can do this (data: `peerId`). */
  | 'NEEDS_ROOT'
  /** No such member; several of that name; this machine itself (data: `who`). */
  | 'MEMBER_UNKNOWN'
  | 'MEMBER_AMBIGUOUS'
  | 'MEMBER_SELF'
  /** The roster holds no more (data: `limit`). */
  | 'ROSTER_FULL'
  /** Nobody asks to join by that name, peer id or words; several do (data: `who`). */
  | 'ASK_UNKNOWN'
  | 'ASK_AMBIGUOUS'
  /** An option of an invite is out of range (data: `field`). */
  | 'INVITE_INVALID'
  /** No such invite (data: `id`). */
  | 'INVITE_UNKNOWN'
  /** Too many invites are open (data: `limit`). */
  | 'INVITES_FULL'
  /** The text is no whole token. */
  | 'TOKEN_MALFORMED'
  /** The key is not the recovery key of this mesh (data: `path`). */
  | 'RECOVERY_WRONG'
  /** The recovery key was used as often as it can be. */
  | 'ROTATIONS_SPENT'
  /** A field of `MeshInit` is wrong (data: `field`). */
  | 'MESH_CONFIG_INVALID'
  /** Too many peers ask the same of this one at once; it answers later. */
  | 'MESH_BUSY'
  /** The mesh is not running. */
  | 'MESH_STOPPED'
  /** A message is over its topic's limit and was not sent (data: `topic`, `bytes`, `maxBytes`). */
  | 'MESSAGE_TOO_LARGE'
  /** A message does not fit its topic's schema and was not sent (data: `topic`). */
  | 'MESSAGE_INVALID'
  /** No connection to a peer, and none could be made (data: `peerId`). */
  | 'PEER_UNREACHABLE'
  /** The mesh does not admit this machine (data: `code` of the refusal). */
  | 'JOIN_REFUSED'
  /** Nobody admitted this machine in time (data: `peers`). */
  | 'JOIN_TIMEOUT'
  /** The peer does not speak the protocols of this mesh (data: `peerId`, `protocol`). */
  | 'PEER_FOREIGN'
  /** A stream ended before its END frame, or was reset (data: `peerId`). */
  | 'STREAM_TRUNCATED'
  /** A frame on a stream breaks the protocol (data: `bytes`, `maxBytes` where it is a size). */
  | 'STREAM_MALFORMED'

export class MeshError extends CodedError<MeshErrorCode> {}
