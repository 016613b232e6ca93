/**
 * Questions and answers about heads. Every peer that connects is asked what it knows of the own
 * journals, before any of them is replicated with it; and every peer is told what is known here of
 * its own. See `heads.ts` for what an answer is worth, `judge.ts` for what follows from it.
 */
import { explain, type Logger } from '../../util/index.ts'
import type { Book } from './book.ts'
import { headOf, standingOf } from './heads.ts'
import type { Session } from '../session.ts'
import type { Head, JournalTransport, WitnessAnswer, WitnessRequest } from '../types.ts'

/** Heads of one answer that are looked at, and given. */
const maxHeads = 24
/** Questions to a peer in a row that may fail; then it is asked again with its next stream. */
const maxTries = 2
/** Unknown journals of the own identity that are taken up in one run, on peers' word until proven. */
const maxFound = 8

export interface AskerParts {
  transport: JournalTransport
  logger: Logger
  book: Book
  session: () => Session | undefined
  /** An own journal that was not known here. True when it is followed now. */
  onFound: (journal: { key: string; epoch: number }) => boolean
  /** A peer holds more, or something else. */
  onContradiction: (head: Head, contradiction: Contradiction) => void
  onAnswer: () => void
}

export interface Contradiction {
  is: 'longer' | 'different'
  /** Whether the own branch begins the other history; asks the peer. Call when nothing is being written. */
  isBeginning(): Promise<boolean>
}

export interface Asker {
  /** Peers that answered since they connected. */
  readonly answered: ReadonlySet<string>
  /** Asks once for each connection. Never rejects. */
  ask(peerId: string): Promise<void>
  forget(peerId: string): void
  /** Answers a peer's question about its own journals. */
  testify(request: WitnessRequest, from: string): Promise<WitnessAnswer>
}

export function createAsker(
  { askMs, maxPeers }: { askMs: number; maxPeers: number },
  parts: AskerParts,
): Asker {
  const { transport, logger, book, session } = parts
  const asked = new Map<string, Promise<void>>()
  const answered = new Set<string>()
  let found = 0

  async function question(peerId: string, tries = maxTries): Promise<void> {
    try {
      const answer = await transport.askWitness?.(peerId, { v: 1 }, { timeoutMs: askMs })
      if (answer === undefined) return
      await weigh(peerId, answer)
    } catch (error) {
      logger.debug({ peerId, error: explain(error) }, 'a peer did not say what it knows')
      if (tries > 1 && asked.has(peerId)) return question(peerId, tries - 1)
      asked.delete(peerId)
      return
    }
    answered.add(peerId)
    parts.onAnswer()
  }

  async function weigh(peerId: string, { heads }: WitnessAnswer): Promise<void> {
    for (const head of heads.slice(0, maxHeads)) {
      const now = session()
      if (now === undefined) return
      const { own, sources } = now
      if (head.key !== own.key) {
        if (sources.has(head.key) || head.length === 0 || found >= maxFound) continue
        if (parts.onFound(head)) found += 1
        continue
      }
      const standing = await standingOf(own.core, head)
      if (standing === 'agrees') continue
      if (standing === 'unproven') {
        logger.warn({ peerId, journal: head.key }, 'a head that a peer reports is not signed')
        continue
      }
      parts.onContradiction(head, {
        is: standing,
        isBeginning: () => isBeginning(peerId, head, own.core),
      })
      return
    }
  }

  async function isBeginning(
    peerId: string,
    { key, length, fork }: Head,
    core: Session['own']['core'],
  ): Promise<boolean> {
    if (core.length === 0) return true
    if (core.length > length || core.fork !== fork) return false
    try {
      const at = { key, length: core.length }
      const answer = await transport.askWitness?.(peerId, { v: 1, at }, { timeoutMs: askMs })
      return answer?.treeHash === (await core.treeHash(core.length)).toString('hex')
    } catch {
      return false
    }
  }

  return {
    answered,
    ask(peerId) {
      const known = asked.get(peerId)
      if (known !== undefined) return known
      const asking = question(peerId)
      asked.set(peerId, asking)
      if (asked.size > maxPeers) {
        const [oldest] = asked.keys()
        if (oldest !== undefined) asked.delete(oldest)
      }
      return asking
    },
    forget(peerId) {
      asked.delete(peerId)
      answered.delete(peerId)
    },
    async testify({ at }, from) {
      const sources = session()?.sources
      const heads = book.headsOf(from)
      for (const { core, key, epoch, peerId, closed } of sources?.values() ?? []) {
        if (peerId !== from || closed || core.core === null) continue
        const head = headOf(core, epoch)
        if (head.length > (heads.get(key)?.length ?? 0)) heads.set(key, head)
      }
      const answer: WitnessAnswer = {
        v: 1,
        heads: [...heads.values()].sort((a, b) => b.epoch - a.epoch).slice(0, maxHeads),
      }
      const source = at === undefined ? undefined : sources?.get(at.key)
      if (at === undefined || source === undefined || source.peerId !== from) return answer
      if (source.closed || source.core.contiguousLength < at.length) return answer
      return { ...answer, treeHash: (await source.core.treeHash(at.length)).toString('hex') }
    },
  }
}
