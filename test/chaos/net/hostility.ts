/** What the processes of the hostile run say to each other. */
export interface HonestInit {
  /** Of a member. */
  home: string
  name: string
}

export interface Window {
  number: number
  ms: number
  perSecond: number
  /** Peer ids of the honest; what others say under their own names is not counted. */
  authors: readonly string[]
}

export interface HonestReport {
  peerId: string
  sent: number
  /** Different messages by author. */
  heard: Record<string, number>
  /** Messages that were handed over twice. */
  doubles: number
  /** From publishing to delivery, ms, over all that arrived. */
  p50: number
  p99: number
  /** Greatest in the window. */
  /** The most in the window: what is garbage counts until it is collected. */
  rssMiB: number
  /** What is held at the end of the window, after a collection. */
  heldMiB: number
  /** Delay of the event loop, ms. */
  loopP99: number
  loopMax: number
  /**
   * Processor time of the main thread between two ticks at most, ms: how long its own work kept the
   * loop, however long the machine let it wait.
   */
  turnMs: number
  cpuMs: number
  /** Peer ids. */
  connected: string[]
  /** What the mesh counted in the window, refusals among it. */
  counters: Record<string, number>
}

export type Attack = 'crowd' | 'subscriptions' | 'frames' | 'slow' | 'gossip'

export interface AttackerInit {
  meshName: string
  /** Multiaddrs with peer id. */
  targets: readonly string[]
  attacks: readonly Attack[]
  /** Of one kind of attack, in a second. */
  perSecond: number
  ms: number
  /** Identities of a crowd. */
  identities: number
  /** Home whose identity it has: that of a member that turned. Default: a stranger. */
  home?: string
}

/** `removed`: with the home of a member that was removed. `bomb`: with that of a member. */
export interface ForgerInit extends Omit<AttackerInit, 'attacks' | 'identities'> {
  attacks: readonly ('tokens' | 'removed' | 'bomb')[]
  /** Id of the mesh. */
  mesh?: string
  /** Words by what is wrong with them. */
  tokens?: Record<string, string>
  /** The roster. */
  statements?: { [key: string]: never }[]
}

/** What was sent, and how often it was refused, by kind. */
export type AttackerReport = Record<string, number>
