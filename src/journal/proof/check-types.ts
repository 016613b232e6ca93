/** What is kept of journals, what a bundle holds, and what a check says. Seen from outside as part of `types.ts`. */
export interface Verification {
  agent: string
  peerId: string
  key: string
  epoch: number
  length: number
  /** Entries from 2 on that were dropped here; only their hashes were checked. */
  dropped: number
  /** All entries stored here, their Merkle proofs and signatures hold, they decode, seq and epoch fit, the identity's proof is right, and so is the link to the previous epoch. */
  ok: boolean
  /** Empty when ok. */
  problems: string[]
  /** Where the epochs branch instead of being a chain (docs/journal.md); at most 8. Leaves `ok` as it is. */
  branches: string[]
}

/** Others' journals as they are kept here; bytes are estimates. */
export interface KeptOfOthers {
  journals: number
  bytes: number
  budgetBytes: number
  /** Entries that were dropped for room, and of how many journals. */
  droppedEntries: number
  droppedFrom: number
}

/** Which entries a bundle holds: with a task, those about it; else whole journals. */
export interface BundleQuery {
  /** Agent name or peer id. */
  agent?: string
  task?: { repo?: string; issue: number }
}

/** A head as a pull request names it. */
export interface ExpectedHead {
  key: string
  epoch: number
  length: number
  treeHash: string
}

/** What a bundle holds, and whether it proves it. */
export interface BundleCheck {
  /** Who made it and when, on their word. */
  createdMs: number
  by: { name: string; peerId: string; version: string }
  agent?: string
  task?: { repo?: string | undefined; issue: number }
  journals: (Omit<Verification, 'dropped'> & {
    /** Entries that are given; the others are covered by their hashes. */
    entries: number
    treeHash: string
  })[]
  /** Journals that could not be put in, and why. */
  absent: { peerId: string; key: string; epoch: number; reason: string }[]
  entries: number
  /** Every journal is ok, there is one at least, and the whole has no problem. */
  ok: boolean
  /** Of the bundle as a whole. */
  problems: string[]
}
