/** Bounds of what one task's executor may do through its socket. Times in ms. */

/** Connections at once: an executor has one MCP server, some have one for each of their helpers. */
export const MAX_CONNECTIONS = 16
/** Requests at once, and then each second. */
export const BURST = 30
export const PER_SECOND = 2
/** Requests for help that are under way at once. */
export const MAX_ASKS = 1
/** Body of a request, bytes: the longest question in JSON. */
export const MAX_BODY = 32 * 1024
export const MAX_HEADER = 8 * 1024
/** Until a request is whole. */
export const REQUEST_MS = 10_000
/** Peers that are listed. */
export const MAX_PEERS = 100
/** Words of one peer. */
export const MAX_OFFERS = 60
/** Until a server that closes cuts answers that are under way. */
export const CLOSE_MS = 1_000
