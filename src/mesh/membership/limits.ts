/** Every bound of membership, with its reason. Times in ms. */

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE

/** Clocks of honest machines differ by less; also granted after an end. */
export const CLOCK_SKEW_MS = 5 * MINUTE
/** A joiner whose clock differs by more would be no use as a member: everything it says is dated. */
export const JOIN_SKEW_MS = 10 * MINUTE

/** Members that must agree before they are believed more than the own clock. */
export const LEAST_WITNESSES = 2
/** So far ahead of the own clock members are believed: a date that lies further ahead would spoil the roster for longer. */
export const MAX_CLOCK_AHEAD_MS = DAY
/** So far behind the own clock they are believed: what ended longer ago is not kept anyway. */
export const MAX_CLOCK_BEHIND_MS = 7 * DAY

/** Life of a record: how long a machine may be away and still be a member. */
export const MEMBER_LIFE_MS = 30 * DAY
/** Of one that came by a reusable invite: containers that come and go must not fill the roster. */
export const REUSABLE_LIFE_MS = 7 * DAY
/** Of a signer's record signed by the mesh key: so long may the holder of that key be away. */
export const SIGNER_LIFE_MS = 365 * DAY
/** Longer lives are refused: a stolen key cannot admit for ever. */
export const MAX_LIFE_MS = 31 * DAY
export const MAX_ROOT_LIFE_MS = 400 * DAY
/** An expired record is kept so long, to tell an expired member from a stranger. */
export const RETENTION_MS = 7 * DAY
/** What a signer said is adopted by another when the signer's own record ends within this. */
export const ADOPT_WITHIN_MS = 8 * DAY

/** Longest way from the mesh key to a member's signer. */
export const MAX_DEPTH = 8
/**
 * Before a home that is no longer a member (but not removed) says so: who heard of a new mesh key before
 * the rest, or whose clock jumped, is put right by the others meanwhile.
 */
export const OUT_GRACE_MS = 30_000

/** How often one recovery key can rotate: the whole chain of roots must fit into an introduction. */
export const MAX_ROTATIONS = 24

export const MAX_RECORDS = 1000
export const MAX_REMOVALS = 1000
export const MAX_REVOCATIONS = 1000
/** Statements read from one message; a whole roster has fewer. */
export const MAX_STATEMENTS = 3100
/** Longest statement, bytes of canonical JSON. */
export const MAX_STATEMENT_BYTES = 1200
/** All statements of a roster in JSON: 1,000 of each kind, were all names as long as can be. */
export const maxRosterBytes = 3 * 1024 * 1024

/** Messages of the join protocol, bytes. */
export const maxJoinRequestBytes = 16 * 1024
export const maxJoinAnswerBytes = 64 * 1024
/** Statements read from one message of a stranger: the chain of roots and two chains of signers. */
export const MAX_SHOWN = MAX_ROTATIONS + 1 + 3 * (MAX_DEPTH + 2)
/** Statements in the welcome of a new member: the proof, and others of the roster while there is room. */
export const MAX_WELCOME = 200

export const MAX_NAME = 64
export const MAX_TOKEN_CHARS = 700
/** Addresses in a token, in an answer, and of one signer in an answer. */
export const MAX_ADDRESSES = 8
export const MAX_ADDRESS_CHARS = 512
export const MAX_ELSEWHERE = 8

/** Own invites that are kept. */
export const MAX_INVITES = 256
export const MAX_USES = 1000
/** Uses of all own invites: who came by them is written down. */
export const MAX_USES_OPEN = 20_000
export const INVITE_TTL_MS = 15 * MINUTE
/** An ended invite is still listed, and told from a forged one, for this long. */
export const INVITE_RETENTION_MS = DAY

/** Machines that ask without a token. */
export const MAX_ASKS = 32
export const MAX_ASKS_PER_ADDRESS = 4
export const ASK_LIFE_MS = 2 * MINUTE
export const DENIAL_MS = 10 * MINUTE
export const MAX_DENIALS = 256
