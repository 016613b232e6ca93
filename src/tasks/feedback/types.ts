/** What a claimed round of feedback carries through an attempt. */
import type { Item } from './items.ts'

export interface Round {
  /** 1 is the first. */
  number: number
  /** Of how many. */
  of: number
  /** No further one follows by itself. */
  last: boolean
  pull: { number: number; url: string }
  items: Item[]
  /** Its base cannot be merged, or may not: begin by doing that. */
  merge: boolean
}
