/**
 * Checks a journal from the ground: every block is here, the Merkle tree built anew from the blocks
 * is the one that the journal's key signed, every entry decodes with the right seq and epoch, the
 * identity's proof holds, and it goes on from the epoch that it names. Reads block by block, so memory
 * does not grow with the journal, and takes no lock, so the writer goes on meanwhile. Entries that
 * were dropped here for want of space are covered by the hashes that were kept.
 */
import { explain } from '../../util/index.ts'
import { decodeEntry } from '../decode.ts'
import type { PreviousJournal } from '../entries.ts'
import { checkIdentity } from './identity.ts'
import { branchNotes, linkProblem, type Sibling } from './links.ts'
import { MerkleTree } from './merkle.ts'
import { pieces } from './proof.ts'
import { twoHistories, type Source } from '../replica/source.ts'
import type { Verification, VerifySignature } from '../types.ts'

const maxProblems = 20

/** Problems as people read them: each text once, at most 20, then how many there were. */
export class Problems {
  #count = 0
  readonly #texts: string[] = []

  add(text: string | undefined): void {
    if (text === undefined) return
    this.#count += 1
    if (this.#texts.length < maxProblems && !this.#texts.includes(text)) this.#texts.push(text)
  }

  get ok(): boolean {
    return this.#count === 0
  }

  list(): string[] {
    const all = [...this.#texts]
    return this.#count > all.length ? [...all, `${this.#count} problems in all.`] : all
  }
}

/** `others`: all journals known here, by key, for the link to the previous one. */
export async function verifySource(
  source: Source,
  others: ReadonlyMap<string, Source>,
  verify: VerifySignature,
): Promise<Verification> {
  const { core, key, epoch } = source
  const problems = new Problems()
  let length = 0
  let previous: PreviousJournal | undefined
  let branches: string[] = []
  try {
    await core.ready()
    if (core.closing) throw new Error('it is closed')
    if (source.frozen) problems.add(twoHistories)
    // In one turn of the event loop, so that tree, signature and length belong together.
    const signed = core.state.createTreeBatch()
    const { signature } = core.state
    length = signed.length
    if (length === 0) problems.add('No entry of it has arrived yet.')
    else {
      if (core.core?.verifier?.verify(signed, signature) !== true) {
        problems.add(`The signature over its ${length} entries is not the key's.`)
      }
      const tree = new MerkleTree()
      let missing = 0
      for await (const piece of pieces({ core, length, wanted: kept(source, length) })) {
        if (piece.is === 'subtree') {
          if (piece.isMissing) missing += 1
          tree.appendSubtree(piece.depth, piece)
        } else {
          tree.append(piece.block)
          await checkEntry(piece.block, piece.seq)
        }
      }
      if (missing > 0) problems.add(`${missing} of ${length} entries are missing.`)
      else if (!tree.hash().equals(signed.hash())) {
        problems.add('Its blocks do not give the signed Merkle tree: at least one was changed.')
      }
      if (previous !== undefined) problems.add(await linkOf(previous))
    }
  } catch (error) {
    problems.add(`It cannot be read: ${explain(error)}`)
  }
  const { agent, peerId, dropped } = source.info()
  return {
    agent,
    peerId,
    key,
    epoch,
    length,
    dropped,
    ok: problems.ok,
    problems: problems.list(),
    branches,
  }

  async function checkEntry(block: Uint8Array, seq: number): Promise<void> {
    const decoded = decodeEntry(block, { epoch, seq })
    if (!decoded.ok) return problems.add(decoded.problem)
    const { entry } = decoded
    if (seq > 0 && entry.type !== 'agent.started') return
    if (seq === 0 && entry.type === 'agent.started') previous = entry.previous
    problems.add(await checkIdentity(entry, { peerId: source.peerId, key, epoch }, verify))
  }

  async function linkOf(link: PreviousJournal): Promise<string | undefined> {
    const other = others.get(link.key)
    if (other === undefined || other.core.length === 0) {
      branches = branchNotes({ epoch, key }, link, undefined, await siblings())
      return undefined
    }
    const { core: old, epoch: oldEpoch } = other
    const hash =
      link.length === undefined || link.length > old.contiguousLength
        ? undefined
        : (await old.treeHash(link.length)).toString('hex')
    const known = { peerId: other.peerId, epoch: oldEpoch, length: old.length }
    const problem = linkProblem({ peerId: source.peerId, epoch }, link, known, hash)
    if (problem === undefined) {
      branches = branchNotes({ epoch, key }, link, known, await siblings())
    }
    return problem
  }

  async function siblings(): Promise<Sibling[]> {
    const found = []
    for (const other of others.values()) {
      if (other.peerId !== source.peerId || other.epoch > epoch || other.readable === 0) continue
      const first = await other.entry(0)
      if (first?.type !== 'agent.started' || first.previous === undefined) continue
      found.push({ key: other.key, epoch: other.epoch, previous: first.previous })
    }
    return found
  }
}

function* kept(source: Source, length: number): Generator<number> {
  for (let seq = 0; seq < length; seq += 1) {
    seq = source.keptFrom(seq)
    if (seq < length) yield seq
  }
}
