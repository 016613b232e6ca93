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
  /** The peer does not speak the protocols of this mesh (data: `peerId`, `protocol`). */
  | 'PEER_FOREIGN'
  /** A stream ended before its END frame, or was reset (data: `peerId`). */
  | 'STREAM_TRUNCATED'
  /** A frame on a stream breaks the protocol (data: `bytes`, `maxBytes` where it is a size). */
  | 'STREAM_MALFORMED'

export class MeshError extends CodedError<MeshErrorCode> {}
