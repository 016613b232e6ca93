/**
 * The mesh of agents: identity, discovery, connections that heal, gossip, capabilities, streams.
 * The only folder that knows libp2p; none of its types leave.
 *
 * Reading order: `wire.ts` (all topics and protocols), `membership/` (who belongs to the mesh: statements,
 * keys, invites), `admission/` (the door: who may connect and speak, joining, how the roster spreads),
 * `node/` (libp2p as it is set), `discovery/`, `links/` (whom to dial, greeting), `streams/` (requests and
 * journals), `gossip/`, `presence/` (alive, suspect, gone), `reach/` (relays and NAT). `company.ts` and
 * `life.ts` put oneself and the others together, `mesh.ts` all of it.
 *
 * @example
 * const membership = await openMembership({ home, clock, logger })
 * const mesh = createMesh(
 *   { home, name: 'ada', version: '0.1.0', roles: ['worker'],
 *     mdns: { enabled: true }, dht: { enabled: false, bootstrap: [] }, capabilities },
 *   { membership, logger },
 * )
 * mesh.events.on('peer:connect', (peer) => logger.info({ peer: peer.name }, 'connected'))
 * await mesh.start()
 * mesh.subscribe('tasks', (task, from) => reread(task.repo, task.issue))
 * mesh.announce({ slots: { total: 2, used: 1 } })
 * await mesh.stop()
 */
export {
  joinMesh,
  type JoinComponents,
  type JoinInit,
  type JoinProgress,
} from './admission/join.ts'
export { createMesh, type MeshComponents } from './mesh.ts'
export type { MeshInit } from './init.ts'
export { reserveAddresses } from './node/reserve.ts'
export { MeshError, type MeshErrorCode } from './errors.ts'
export { loadIdentity, verifySignature, type Identity } from './identity.ts'
export { foundMesh, type FoundMeshInit } from './membership/found.ts'
export { comeBack } from './membership/join-wire.ts'
export { createJoiner, type JoinerInit } from './membership/joiner.ts'
export { leaveMesh } from './membership/leave.ts'
export { isRenewalLate } from './membership/overdue.ts'
export { maxJoinAnswerBytes, maxJoinRequestBytes, maxRosterBytes } from './membership/limits.ts'
export { openMembership, type OpenMembershipInit } from './membership/open.ts'
export { readToken } from './membership/token.ts'
export type {
  AskView,
  InviteOptions,
  InviteView,
  Joiner,
  JoinStep,
  Locate,
  Membership,
  MembershipEvents,
  MemberView,
  Merged,
  Role,
  Rotated,
  Standing,
  TokenView,
} from './membership/types.ts'
export type { GoneReason, Presence } from './presence/index.ts'
export type { Mesh, MeshEvents, MeshPeer, StreamOptions } from './types.ts'
export {
  capabilitiesSchema,
  executorCapabilitySchema,
  helpAnswerSchema,
  helpBodySchema,
  helpMessageSchema,
  helpQuestionSchema,
  journalHeadSchema,
  MAX_FORWARDS,
  MAX_LIFE_MS,
  MAX_ROUNDS,
  maxChanges,
  protocols,
  taskAnnouncementSchema,
  topics,
  type Capabilities,
  type ExecutorCapability,
  type Heartbeat,
  type HelpAnswer,
  type HelpBody,
  type HelpHop,
  type HelpLetter,
  type HelpLetterMessage,
  type HelpMessage,
  type HelpQuestion,
  type HelpReceipt,
  type HelpRequest,
  type HelpWithdraw,
  type IssuesTick,
  type JournalHead,
  type LimitReport,
  type LocalCapabilities,
  type OpenTopic,
  type ProtocolName,
  type TaskAnnouncement,
  type TopicMessage,
  type TopicName,
  type WitnessAnswer,
  type WitnessRequest,
} from './wire.ts'
