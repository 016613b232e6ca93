/**
 * The wire: every topic and every protocol of the mesh in one table each. Id with version, message
 * type, limit. Whoever adds a message adds a row; the compiler finds the missing handler.
 *
 * Messages are canonical JSON. All of them come from outside and are hostile until `decodeJson`
 * accepted them: size first, then schema, then sender, expiry and replay (see `inbox.ts`).
 */
import { z } from 'zod'
import { maxRosterBytes } from './membership/limits.ts'
import { helpMessageSchema, helpReceiptSchema, maxHelpBytes } from './wire-help.ts'
import { issuesTickSchema, limitReportSchema, taskAnnouncementSchema } from './wire-hints.ts'
import { rosterMessageSchema, rosterNoticeSchema } from './wire-members.ts'
import { count, hex, peerId, repo, text } from './wire-parts.ts'

export {
  helpAnswerSchema,
  helpBodySchema,
  helpMessageSchema,
  helpQuestionSchema,
  MAX_FORWARDS,
  MAX_LIFE_MS,
  MAX_ROUNDS,
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
} from './wire-help.ts'
export {
  maxChanges,
  taskAnnouncementSchema,
  type IssuesTick,
  type LimitReport,
  type TaskAnnouncement,
} from './wire-hints.ts'
export { join, rosterNoticeSchema, type RosterMessage, type RosterNotice } from './wire-members.ts'

const tool = z.object({ name: text(64), version: text(128).optional() })

/** A claim that a journal has this head: a witness against rollback. */
export const journalHeadSchema = z.object({
  /** Public key of the hypercore, 32 bytes in hex. */
  key: hex(32),
  epoch: count,
  /** Number of entries. */
  length: count,
  fork: count,
  /** Merkle tree hash at `length`, 32 bytes in hex; empty journals have none. */
  treeHash: hex(32).optional(),
  /** Hypercore's signature by the journal's key over tree hash, length and fork, in hex: nobody else can make a head up. */
  signature: z
    .string()
    .regex(/^([0-9a-f]{2}){64,128}$/, '64 to 128 bytes in hex')
    .optional(),
})
export type JournalHead = z.infer<typeof journalHeadSchema>

/** Heads that one answer names at most: those of the latest epochs. */
export const maxWitnessedHeads = 24

/** What do you know of my journals? Asked before the own journal is written or replicated. */
export const witnessRequestSchema = z.object({
  v: z.literal(1),
  /** Tree hash at that length of that journal, to find out whether one history begins the other. */
  at: z.object({ key: hex(32), length: count }).optional(),
})
export type WitnessRequest = z.infer<typeof witnessRequestSchema>

export const witnessAnswerSchema = z.object({
  v: z.literal(1),
  /** The longest head known of each journal of the asking peer, the latest epochs first. */
  heads: z.array(journalHeadSchema).max(maxWitnessedHeads),
  /** Answer to `at`; absent when it is not known here. */
  treeHash: hex(32).optional(),
})
export type WitnessAnswer = z.infer<typeof witnessAnswerSchema>

export const executorCapabilitySchema = z.object({
  /** Name as configured: "claude", "command". */
  name: text(64),
  kind: z.enum(['acp', 'command', 'chat', 'handler', 'mock']),
  version: text(128).optional(),
  models: z.array(text(128)).max(64).default([]),
  /** It is not used for now; `untilMs`: wall clock of its peer, ms. */
  away: z
    .object({ why: z.enum(['quota', 'environment']), reason: text(256), untilMs: count })
    .optional(),
})
export type ExecutorCapability = z.infer<typeof executorCapabilitySchema>

/** What a peer can do and how busy it is. Announced when it changed; see `announcementSchema`. */
export const capabilitiesSchema = z.object({
  v: z.literal(1),
  peerId,
  /** Name for people; not unique, proves nothing. */
  name: text(64),
  version: text(32),
  /** New for every process start; 16 random bytes in hex. */
  incarnation: hex(16),
  /** Rises with every announcement of an incarnation; with `startedAt` it orders all of a peer's. */
  sequence: count,
  /** Start of the incarnation, ms since 1970. */
  startedAt: count,
  /** GitHub login that the agent assigns, if it works issues. */
  login: text(64).optional(),
  roles: z.array(z.enum(['worker', 'observer', 'signer'])).max(3),
  journal: journalHeadSchema.optional(),
  executors: z.array(executorCapabilitySchema).max(32),
  /** Models that the machine itself serves. */
  models: z.array(text(128)).max(128),
  languages: z.array(tool).max(64),
  tools: z.array(tool).max(128),
  /** Free words that `needs:WORD` labels ask for, from the configuration. */
  tags: z.array(text(64)).max(64),
  /** Logical cores; 1-minute load average. */
  cpu: z.object({ cores: count, load1: z.number().nonnegative().max(1e6) }),
  memory: z.object({ totalBytes: count, freeBytes: count }),
  gpu: z.array(z.object({ name: text(128), memoryBytes: count.optional() })).max(16),
  slots: z.object({ total: count, used: count }),
  repositories: z.array(repo).max(256),
  /** ms since 1970. */
  issuedAt: count,
})
export type Capabilities = z.infer<typeof capabilitiesSchema>

/**
 * Capabilities as their peer signed them, so that any member can hand them on. The payload is text,
 * not an object: what was signed is what is kept and handed on, also by those who know fewer fields.
 */
export const announcementSchema = z.object({
  /** Canonical JSON of `capabilitiesSchema`. */
  payload: text(16 * 1024),
  /** Ed25519, by the peer's identity, over `bzzz-capabilities:<mesh name>:` and the payload; base64url. */
  signature: z.string().regex(/^[\w-]{86}$/, '64 bytes in base64url'),
})
export type Announcement = z.infer<typeof announcementSchema>

/** The part of the capabilities that the rest of the agent decides; the mesh fills in the rest. */
export type LocalCapabilities = Omit<
  Capabilities,
  | 'v'
  | 'peerId'
  | 'name'
  | 'version'
  | 'incarnation'
  | 'sequence'
  | 'startedAt'
  | 'issuedAt'
  | 'roles'
>

/**
 * A sign of life over one link; only the goodbye is passed on. It also says which announcement of its
 * peer is the newest, so that who missed it asks.
 */
export const heartbeatSchema = z.object({
  v: z.literal(1),
  incarnation: hex(16),
  sequence: count,
  at: count,
  /** Pause until the next one, ms. */
  everyMs: count.min(1).max(60_000),
  /** `startedAt` and `sequence` of the capabilities that were announced last. */
  startedAt: count,
  announced: count,
  /** The last one: its peer stops in good order. */
  leaving: z.literal(true).optional(),
})
export type Heartbeat = z.infer<typeof heartbeatSchema>

/** Gossip topics. The full name is `/bzzz/<mesh name>/<id>`; `maxBytes` also holds when publishing. */
export const topics = {
  capabilities: { id: 'capabilities/1', schema: announcementSchema, maxBytes: 16 * 1024 },
  tasks: { id: 'tasks/1', schema: taskAnnouncementSchema, maxBytes: 2 * 1024 },
  heartbeat: { id: 'heartbeat/1', schema: heartbeatSchema, maxBytes: 512 },
  issues: { id: 'issues/1', schema: issuesTickSchema, maxBytes: 8 * 1024 },
  limits: { id: 'limits/1', schema: limitReportSchema, maxBytes: 1024 },
  roster: { id: 'roster/1', schema: rosterNoticeSchema, maxBytes: 16 * 1024 },
} as const satisfies Record<string, { id: string; schema: z.ZodType; maxBytes: number }>
export type TopicName = keyof typeof topics
/** Topics for the rest of the agent; capabilities go out by `announce` and come in by events, the roster is membership's. */
export type OpenTopic = Exclude<TopicName, 'capabilities' | 'roster'>
export type TopicMessage<T extends TopicName> = z.infer<(typeof topics)[T]['schema']>

/** Most peers in one picture. */
export const MAX_PICTURE = 1000

/** `[peer id, startedAt, sequence]`: which announcement of a peer one has. */
const haveSchema = z.tuple([peerId, count, count])
export type Have = z.infer<typeof haveSchema>

/** Asks for the announcements that one lacks. */
export const pictureRequestSchema = z.object({
  v: z.literal(1),
  /** SHA-256 in hex of the canonical JSON of the own list, sorted by peer id. */
  digest: hex(32),
  /** The list itself; left out, only the digests are compared. */
  have: z.array(haveSchema).max(MAX_PICTURE).optional(),
})
export type PictureRequest = z.infer<typeof pictureRequestSchema>

export const pictureResponseSchema = z.object({
  v: z.literal(1),
  /** Equal digests, or nothing that the asker lacks. */
  same: z.boolean(),
  announcements: z.array(announcementSchema).max(MAX_PICTURE),
  /** More than fits is missing: ask again. */
  more: z.boolean(),
  /** `[peer id, ms ago]`: whom the answering peer itself is connected to, and when it heard of each. */
  heard: z.array(z.tuple([peerId, count])).max(MAX_PICTURE),
})
export type PictureResponse = z.infer<typeof pictureResponseSchema>

/** Asks whether a third peer can be reached from there. */
export const probeRequestSchema = z.object({ v: z.literal(1), target: peerId })
export type ProbeRequest = z.infer<typeof probeRequestSchema>

export const probeResponseSchema = z.object({
  v: z.literal(1),
  reached: z.boolean(),
  /** False when it did not try: it does not know the target, or is too busy. Then it says nothing of it. */
  tried: z.boolean(),
  /** Round trip, ms. */
  rttMs: z.number().nonnegative().max(600_000).nullable(),
})
export type ProbeResponse = z.infer<typeof probeResponseSchema>

/**
 * Stream protocols. The full id is `/bzzz/<mesh name>/<id>`. `request`: one message each way, each
 * closed by an END frame, of at most `maxRequestBytes` and `maxBytes`. `stream`: bytes in both directions, framed by who uses it.
 */
export const protocols = {
  capabilities: {
    id: 'capabilities/1',
    kind: 'request',
    request: z.null(),
    response: announcementSchema,
    maxRequestBytes: 16,
    maxBytes: 16 * 1024,
  },
  journal: { id: 'journal/2', kind: 'stream' },
  witness: {
    id: 'witness/1',
    kind: 'request',
    request: witnessRequestSchema,
    response: witnessAnswerSchema,
    maxBytes: 16 * 1024,
  },
  picture: {
    id: 'picture/1',
    kind: 'request',
    request: pictureRequestSchema,
    response: pictureResponseSchema,
    maxRequestBytes: 128 * 1024,
    maxBytes: 2 * 1024 * 1024,
  },
  probe: {
    id: 'probe/1',
    kind: 'request',
    request: probeRequestSchema,
    response: probeResponseSchema,
    maxRequestBytes: 256,
    maxBytes: 256,
  },
  roster: {
    id: 'roster/1',
    kind: 'request',
    request: rosterMessageSchema,
    response: rosterMessageSchema,
    maxRequestBytes: maxRosterBytes + 1024,
    maxBytes: maxRosterBytes + 1024,
  },
  help: {
    id: 'help/1',
    kind: 'request',
    request: helpMessageSchema,
    response: helpReceiptSchema,
    maxRequestBytes: maxHelpBytes,
    maxBytes: 256,
  },
} as const
export type ProtocolName = keyof typeof protocols
