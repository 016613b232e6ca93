/** Every bound of help, with its reason. Times in ms. */
import { MAX_FORWARDS, MAX_ROUNDS } from '../mesh/index.ts'

/** A request that was forwarded 3 times is discarded; the origin's own sending is no forward. */
export const maxForwards = MAX_FORWARDS
/** Help requests for a task until it has failed. */
export const maxRounds = MAX_ROUNDS

/** Peers that a peer sends one request to at once: more ask at once what one can answer. */
export const FAN_OUT = 2
/** Peers that a peer sends one request to in all, one after the other as they decline. */
export const MAX_ASKED = 16
/** How long the origin waits for better offers after the first. */
export const OFFER_WINDOW_MS = 1_000
/** How long the origin waits for a sign of those whom it asked, before it asks the next. */
export const STAGE_MS = 10_000
/** How long it waits, when there is nobody more to ask, until nobody helps. */
export const SILENCE_MS = 30_000
/** How long a helper waits for the answer to its offer. */
export const OFFER_LIFE_MS = 30_000
/** Offers of one request that are looked at. */
export const MAX_OFFERS = 16

/** Requests in a peer's table, in whatever state: each holds a question of up to 100 KiB. */
export const MAX_REQUESTS = 128
/** Of one origin, and brought by one peer, at once. */
export const MAX_PER_ORIGIN = 8
export const MAX_PER_PEER = 32
/** Requests of its own that an agent has under way. */
export const MAX_OWN = 16
/** Ids that are remembered so that none is acted on twice. */
export const MAX_SEEN = 4_096
/** Messages that a peer may send at once, and then each second. */
export const BURST = 64
export const PER_SECOND = 16
/** Discarded requests that are written down for each peer in a minute; the rest is only counted. */
export const MAX_NOTED = 8
/** Peers that are kept count of. */
export const MAX_PEERS = 1_024

/** For one message with its receipt over one link. */
export const LINK_MS = 8_000
/** Times that a letter is sent, and the pause before the second, which doubles. */
export const LETTER_TRIES = 3
export const LETTER_PAUSE_MS = 1_000
export const LONGEST_PAUSE_MS = 30_000
/** Times that an answer, or word that there is none, is sent: about 4 minutes, since the work is done. */
export const ANSWER_TRIES = 12
/** How long an end is kept, so that late messages are told from strange ones. */
export const KEPT_MS = 60_000
/** Less time than this left: not worth a forward. */
export const LEAST_LEFT_MS = 500
/** How often it is looked whether the origin is still there. */
export const WATCH_MS = 1_000
/** How long an answer waits for the word of what became of it: a patch is applied and checked first. */
export const RESULT_MS = 30 * 60_000
/** Tasks whose requests are counted. */
export const MAX_TASKS = 1_024
/** Entries of the own journal that are read at the start. */
export const MAX_READ = 20_000
