/** Faults of the command line itself. */
import { CodedError } from '../util/index.ts'

export type CliErrorCode =
  /** Unknown command or option, missing or wrong argument. */
  | 'USAGE'
  /** data: name, known */
  | 'EXECUTOR_UNKNOWN'
  /** It was tried and failed, so it was not written. data: name, steps */
  | 'EXECUTOR_UNFIT'
  /** An issue number that several repositories have. data: tasks */
  | 'TASK_AMBIGUOUS'
  /** No repository of that name is worked by any agent known here. data: repo, known */
  | 'REPOSITORY_NOT_FOUND'
  /** The agent has not ended in time; it may still be finishing. data: pid */
  | 'STILL_STOPPING'
  /** No machine of that name, peer id or words. data: who */
  | 'PEER_NOT_FOUND'
  /** The machine that is named is this one. data: who */
  | 'PEER_IS_OWN'
  /** This machine may not admit others. */
  | 'NOT_SIGNER'
  /** Several machines of that name. data: peerIds */
  | 'PEER_AMBIGUOUS'
  /** The home belongs to a mesh with other members. data: meshName, members */
  | 'MESH_HAS_OTHERS'
  /** The home belongs to no mesh. data: home */
  | 'MESH_NONE'
  /** What should be a token to join with cannot be read. data: file */
  | 'TOKEN_UNREADABLE'
  /** The WORKFLOW.md that was named. data: file */
  | 'WORKFLOW_UNREADABLE'
  /** Another process uses the forge's directory. data: dir, pid */
  | 'FORGE_IN_USE'
  /** The directory holds other things than a forge. data: dir, found */
  | 'FORGE_DIR_FOREIGN'
  /** An agent of the demo ended by itself. */
  | 'DEMO_AGENT_DIED'
  /** The forge of the demo refuses, or answers nothing for too long. data: path, status, tries */
  | 'DEMO_FORGE'
  /** Issues of the demo did not end in time. data: issues */
  | 'DEMO_UNFINISHED'
  /** The token file of the forge holds no token. data: file */
  | 'FORGE_TOKEN_UNUSABLE'
  /** Standard output takes no more: a full disk, a broken device. */
  | 'OUTPUT_FAILED'

export class CliError extends CodedError<CliErrorCode> {}

/** Reader of stdout has gone (`bzzz logs | head`): the command ends at once and quietly. */
export class OutputClosed extends Error {}
