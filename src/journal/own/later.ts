/**
 * Later epochs of the own identity than the one that is open here, or another of the same number: a copy of this home ran elsewhere
 * and began them. To go on in the earlier epoch would leave it with two ends, so the next one is
 * begun, after the latest that is known; what the other wrote stays as a replica.
 *
 * What a peer says of a journal that is unknown here counts once it is here and proven to be of this
 * identity. Two processes that run at once could outdo each other for ever, so it is done only a few
 * times in one run.
 */
import type { Logger } from '../../util/index.ts'
import type { Session } from '../session.ts'

/**
 * Whether the writer of `own` ends it for `other`, of the same identity: that is later, or of two of one
 * number, as two copies of a home begin them, the one with the smaller key. Both come to the same.
 */
export function outdoes(
  other: { epoch: number; key: string },
  own: { epoch: number; key: string },
): boolean {
  return other.epoch > own.epoch || (other.epoch === own.epoch && other.key < own.key)
}

/** Epochs that are begun in one run because a later one is known: one as it starts, one when it learns more, one to spare. */
const maxTaken = 3

export interface Later {
  /** A peer named this journal. */
  await(key: string): void
  /** Whether one that was named is neither proven nor refused yet. */
  isAwaited(session: Pick<Session, 'sources'>): boolean
  /** Why the open epoch must not be continued; undefined when no later one is proven, or too often. */
  take(session: Pick<Session, 'sources' | 'own'>): string | undefined
}

export function createLater(logger: Pick<Logger, 'warn'>): Later {
  const awaited = new Set<string>()
  let taken = 0
  return {
    await: (key) => void awaited.add(key),
    isAwaited: ({ sources }) =>
      [...awaited].some((key) => sources.get(key)?.identity === 'unknown'),
    take({ own, sources }) {
      const [mine, ...others] = [...sources.values()]
      const later = others
        .filter(({ peerId, identity }) => peerId === mine?.peerId && identity === 'proven')
        .filter((other) => outdoes(other, own))
        .toSorted((a, b) => b.epoch - a.epoch)[0]
      if (later === undefined) return undefined
      const { key, epoch } = later
      const of = { journal: own.key, epoch: own.epoch, later: { journal: key, epoch } }
      if (taken >= maxTaken) {
        if (taken === maxTaken) logger.warn(of, 'two processes write under this identity')
        taken = maxTaken + 1
        return undefined
      }
      taken += 1
      logger.warn(of, 'a later epoch of this agent was begun elsewhere')
      const too = epoch === own.epoch ? ' too' : ''
      return `Another process under this identity began epoch ${epoch}${too}, ${key.slice(0, 16)}.`
    },
  }
}
