/** What a process with a peer is told, and what it says. */
import type { Help } from '../../../src/help/index.ts'
import type { LoggedEntry } from '../../../src/journal/index.ts'

export type Order =
  | {
      do: 'start'
      home: string
      name: string
      bootstrap: string[]
      helps: boolean
      /** How long its help takes, ms. */
      workMs: number
    }
  | { do: 'ask'; issue: number; lifeMs: number }
  | { do: 'report' }
  | { do: 'stop' }

export type Said =
  | { is: 'up'; peerId: string; addresses: string[] }
  | { is: 'entry'; entry: LoggedEntry }
  | { is: 'outcome'; issue: number; outcome: string }
  | {
      is: 'report'
      /** Its own, about help. */
      entries: LoggedEntry[]
      open: ReturnType<Help['open']>
      /** Messages of help that it sent, by kind. */
      frames: Record<string, number>
      /** Peer ids. */
      linked: string[]
    }
  | { is: 'failed'; doing: string; why: string }
