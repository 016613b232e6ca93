/**
 * With whom connections are sought. Pure.
 *
 * While there are few members, with all. Beyond that each seeks half as many as are enough, at random,
 * yet always the same ones: those that rank first by a hash of both ids (rendezvous). Together with
 * those that seek it, that gives each about `enough`, in a random graph of so many edges that it holds
 * together whatever part of it fails. One that cannot be reached gives its place to the next in rank,
 * and gets it back; nobody needs to agree on anything.
 */
import { sha256 } from '../../util/index.ts'

/** Failed dials in a row after which a peer's place goes to the next. */
export const GIVE_UP_AFTER = 2

export interface Seekable {
  /** Peer id. */
  key: string
  failures: number
}

/** Whether a connection to `key` is sought. */
export function neighbours(
  own: string,
  known: Iterable<Seekable>,
  enough: number,
): (key: string) => boolean {
  const all = [...known]
  if (all.length <= enough) return () => true
  const ranked = all
    .map(({ key, failures }) => ({ key, failures, rank: sha256(`${own}:${key}`) }))
    .sort((a, b) => (a.rank < b.rank ? -1 : 1))
  const sought = new Set<string>()
  let places = Math.ceil(enough / 2)
  for (const { key, failures } of ranked) {
    if (places === 0) break
    sought.add(key)
    if (failures <= GIVE_UP_AFTER) places -= 1
  }
  return (key) => sought.has(key)
}
