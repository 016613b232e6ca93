/**
 * Which connection is one too many. Pure.
 *
 * A mesh that grew has old connections that nobody seeks any more (see `neighbours.ts`); each costs
 * heartbeats and a journal stream. When they are a quarter more than enough, those are closed, one at
 * a time, until there are about enough:
 *
 * - none that either side seeks, by the ranking that both compute alike, with places to spare for
 *   those that the other side cannot reach. What is left is the random graph that holds together;
 * - none to a peer that fewer than two of the other neighbours said they are connected to, so that the
 *   last link to a part of the mesh stays, whatever the ranking says;
 * - none that is in use, configured, a relay, or that came back after it was closed: somebody needs it.
 */
import { neighbours, type Seekable } from './neighbours.ts'

/** Of enough: closing begins above, and goes on down to it. */
const BEGIN_ABOVE = 1.25
/** Places that the other side is granted beyond those that it seeks, as a factor. */
const SPARE = 1.5
/** Neighbours that must be connected to a peer beside this agent. */
export const LEAST_WORDS = 2

export interface Link {
  peerId: string
  /** In use, configured, a relay, or back after it was closed. */
  isNeeded: boolean
  /** Other connected members that said they are connected to it. */
  words: number
}

export interface SurplusInput {
  own: string
  /** All members that are known, but oneself. */
  members: readonly Seekable[]
  links: readonly Link[]
  enough: number
  /** Closing has begun. */
  isClosing: boolean
}

/** `close`: the one to close now. `isClosing`: for the next time. */
export function surplus({ own, members, links, enough, isClosing }: SurplusInput): {
  isClosing: boolean
  close?: string
} {
  const isOver = links.length > enough * (isClosing ? 1 : BEGIN_ABOVE)
  if (!isOver || members.length <= enough) return { isClosing: false }
  const isSought = neighbours(own, members, enough)
  const reachable = members.map(({ key }) => ({ key, failures: 0 }))
  const seeks = (peerId: string) => {
    const others = reachable.filter(({ key }) => key !== peerId)
    return neighbours(peerId, [...others, { key: own, failures: 0 }], enough * SPARE)(own)
  }
  const close = links
    .filter(({ peerId, isNeeded, words }) => !isNeeded && words >= LEAST_WORDS && !isSought(peerId))
    .toSorted((a, b) => b.words - a.words || (a.peerId < b.peerId ? -1 : 1))
    .find(({ peerId }) => !seeks(peerId))?.peerId
  return { isClosing: true, ...(close !== undefined && { close }) }
}
