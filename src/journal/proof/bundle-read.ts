/**
 * Checks a bundle (`bundle.ts`) with nothing but its bytes: no home, no network, no store. Whatever
 * stands in it is hostile. A line is at most `maxLineBytes` long and is decoded before anything looks
 * at it; a journal costs the roots of its tree in memory, whatever length it claims; journals and
 * bytes are limited. What is not a bundle, or is cut, is an error; what is a bundle but does not hold
 * what it says is a problem of one of its journals.
 */
import Verifier from 'hypercore/lib/verifier.js'
import caps from 'hypercore/lib/caps.js'
import crypto from 'hypercore-crypto'
import { explain } from '../../util/index.ts'
import {
  headerSchema,
  lineSchema,
  maxBundleBytes,
  maxBundleJournals,
  type BundleHeader,
  type BundleJournal,
} from './bundle.ts'
import { decodeLine, invalid, linesOf, tooLarge } from './bundle-lines.ts'
import { decodeEntry, logged } from '../decode.ts'
import { JournalError } from '../errors.ts'
import { checkIdentity } from './identity.ts'
import type { PreviousJournal } from '../entries.ts'
import { branchNotes, linkProblem, type Linked } from './links.ts'
import { MerkleTree } from './merkle.ts'
import { Problems } from './verify.ts'
import type { BundleCheck, ExpectedHead, LoggedEntry, VerifySignature } from '../types.ts'

export interface BundleOptions {
  verify: VerifySignature
  /** A head that a comment names: some journal of the bundle must have it. */
  expect?: ExpectedHead | undefined
  /** Entries whose proof is not yet known; print nothing before the check is done. */
  onEntry?: (entry: LoggedEntry) => void
  limits?: { maxBytes?: number; maxJournals?: number }
}

/** What a later epoch's first entry says of an earlier one. */
interface Link {
  from: Reading
  previous: PreviousJournal
}

/** A journal while its lines are read. */
interface Reading {
  head: BundleJournal
  problems: Problems
  tree: MerkleTree
  /** Entries that are given. */
  entries: number
  name: string
  previous: PreviousJournal | undefined
  branches: string[]
  /** Tree hash at the lengths that somebody asks for. */
  hashes: Map<number, string>
  asked: Set<number>
}

/**
 * Errors: `BUNDLE_INVALID` (data: line, reason), `BUNDLE_TOO_LARGE`, `BUNDLE_CUT`. What is wrong with
 * a journal stands in its `problems`.
 */
export async function readBundle(
  chunks: AsyncIterable<Uint8Array>,
  { verify, expect, onEntry, limits = {} }: BundleOptions,
): Promise<BundleCheck> {
  const { maxBytes = maxBundleBytes, maxJournals = maxBundleJournals } = limits
  let number = 0
  let header: BundleHeader | undefined
  let current: Reading | undefined
  let end: { journals: number; entries: number } | undefined
  const journals = new Map<string, Reading>()
  const links: Link[] = []
  const absent: BundleCheck['absent'] = []

  for await (const line of linesOf(chunks, maxBytes)) {
    number += 1
    if (line.byteLength === 0) continue
    if (end !== undefined) throw invalid(number, 'something stands behind the end')
    if (header === undefined) {
      header = decodeLine(line, number, headerSchema)
      continue
    }
    const value = decodeLine(line, number, lineSchema)
    if ('b' in value) await onBlock(inJournal(current), Buffer.from(value.b, 'base64'), value.h)
    else if ('s' in value) onSubtree(inJournal(current), value.s)
    else if ('journal' in value) {
      if (current !== undefined) finish(current)
      current = begin(value.journal)
    } else if ('absent' in value) {
      if (absent.length < maxJournals) absent.push(value.absent)
    } else {
      if (current !== undefined) finish(current)
      current = undefined
      end = value.end
    }
  }
  if (header === undefined) throw invalid(1, 'it is empty')
  if (end === undefined) {
    throw new JournalError(
      'BUNDLE_CUT',
      `The bundle ends after line ${number}: its end is missing.`,
      {
        data: { lines: number },
        next: 'Copy or export it again.',
      },
    )
  }
  return report(header, end)

  function inJournal(reading: Reading | undefined): Reading {
    if (reading === undefined) throw invalid(number, 'it belongs to no journal')
    return reading
  }

  function begin(head: BundleJournal): Reading {
    if (journals.size >= maxJournals) {
      throw tooLarge(`has more than ${maxJournals} journals`, { line: number, maxJournals })
    }
    if (journals.has(head.key)) throw invalid(number, `the journal ${head.key} comes twice`)
    const asked = new Set<number>()
    for (const { previous } of links) {
      if (previous.key === head.key && previous.length !== undefined) asked.add(previous.length)
    }
    if (expect?.key === head.key) asked.add(expect.length)
    const reading: Reading = {
      head,
      asked,
      problems: new Problems(),
      tree: new MerkleTree(),
      entries: 0,
      name: head.peerId,
      previous: undefined,
      branches: [],
      hashes: new Map(),
    }
    journals.set(head.key, reading)
    return reading
  }

  async function onBlock(reading: Reading, block: Buffer, hash: string): Promise<void> {
    const { tree, problems, head } = reading
    const seq = tree.length
    reading.entries += 1
    if (crypto.data(block).toString('hex').slice(0, 8) !== hash) {
      problems.add(`Entry ${seq} was changed: it does not have the hash that stands beside it.`)
    }
    tree.append(block)
    note(reading)
    const decoded = decodeEntry(block, { epoch: head.epoch, seq })
    if (!decoded.ok) return problems.add(decoded.problem)
    const { entry } = decoded
    if (seq === 0 || entry.type === 'agent.started') {
      problems.add(await checkIdentity(entry, head, verify))
      if (seq === 0 && entry.type === 'agent.started') {
        reading.name = entry.name
        reading.previous = entry.previous
        if (entry.previous !== undefined) links.push({ from: reading, previous: entry.previous })
      }
    }
    onEntry?.(logged(entry, { agent: reading.name, peerId: head.peerId }))
  }

  function onSubtree(reading: Reading, [depth, size, hash]: [number, number, string]): void {
    const { tree, problems } = reading
    if (tree.length === 0) problems.add('Its first entry, which proves whose it is, is left out.')
    if (!tree.fits(depth)) throw invalid(number, 'the subtree does not fit there')
    tree.appendSubtree(depth, { size, hash: Buffer.from(hash, 'hex') })
    if (tree.length > reading.head.length) {
      throw invalid(number, `the journal has more than its ${reading.head.length} entries`)
    }
    note(reading)
  }

  function note({ tree, asked, hashes }: Reading): void {
    if (asked.has(tree.length)) hashes.set(tree.length, tree.hash().toString('hex'))
  }

  function finish({ head, tree, problems }: Reading): void {
    if (tree.length !== head.length) {
      problems.add(`${tree.length} of its ${head.length} entries are accounted for.`)
      return
    }
    const { key, length, fork } = head
    try {
      const manifest = Verifier.decodeManifest(Buffer.from(head.manifest, 'base64'))
      const keyBytes = Buffer.from(key, 'hex')
      const isPlain =
        manifest.version >= 1 &&
        manifest.quorum === 1 &&
        manifest.signers.length === 1 &&
        !manifest.allowPatch &&
        manifest.prologue === null
      if (!isPlain) return problems.add('Its manifest is not that of a journal with one writer.')
      if (!Verifier.isValidManifest(keyBytes, manifest)) {
        return problems.add('Its manifest is not the one that its key names.')
      }
      const hash = tree.hash()
      const signed = {
        length,
        hash: () => hash,
        signable: (context: Buffer) => caps.treeSignable(context, hash, length, fork),
      }
      const verifier = new Verifier(keyBytes, manifest, { compat: false })
      if (!verifier.verify(signed, Buffer.from(head.signature, 'base64'))) {
        problems.add(
          `The signature does not fit: an entry, a hash, or the length of ${length} was changed.`,
        )
      }
    } catch (error) {
      problems.add(`Its signature cannot be read: ${explain(error)}`)
    }
  }

  function report(of: BundleHeader, said: { journals: number; entries: number }): BundleCheck {
    const all = [...journals.values()]
    const entries = all.reduce((sum, reading) => sum + reading.entries, 0)
    for (const { from, previous } of links) {
      const old = journals.get(previous.key)
      const known: Linked | undefined = old?.head
      const hash = previous.length === undefined ? undefined : old?.hashes.get(previous.length)
      const problem = known && linkProblem(from.head, previous, known, hash)
      from.problems.add(problem)
      if (problem !== undefined) continue
      const siblings = links
        .filter((link) => link.from.head.peerId === from.head.peerId)
        .map((link) => ({ ...link.from.head, previous: link.previous }))
      from.branches = branchNotes(from.head, previous, known, siblings)
    }
    const problems = new Problems()
    if (said.journals !== all.length || said.entries !== entries) {
      problems.add(
        `It should hold ${said.entries} entries of ${said.journals} journals, and holds ${entries} of ${all.length}.`,
      )
    }
    if (expect !== undefined) problems.add(expectation(expect))
    const rows = all.map((reading) => ({
      agent: reading.name,
      peerId: reading.head.peerId,
      key: reading.head.key,
      epoch: reading.head.epoch,
      length: reading.head.length,
      entries: reading.entries,
      treeHash: reading.tree.hash().toString('hex'),
      ok: reading.problems.ok,
      problems: reading.problems.list(),
      branches: reading.branches,
    }))
    return {
      createdMs: of.createdMs,
      by: of.by,
      entries,
      absent,
      ...(of.agent === undefined ? {} : { agent: of.agent }),
      ...(of.task === undefined ? {} : { task: of.task }),
      journals: rows,
      ok: problems.ok && rows.length > 0 && rows.every(({ ok }) => ok),
      problems: rows.length === 0 ? ['It holds no journal.'] : problems.list(),
    }
  }

  function expectation({ key, epoch, length, treeHash }: ExpectedHead): string | undefined {
    const reading = journals.get(key)
    if (reading === undefined) return `The journal ${key} is not in it.`
    if (reading.head.epoch !== epoch) return `The journal ${key} has epoch ${reading.head.epoch}.`
    if (reading.head.length < length) {
      return `The journal ${key} has ${reading.head.length} entries, fewer than the ${length} named.`
    }
    const hash = reading.hashes.get(length)
    if (hash === undefined) return `Its hash at ${length} entries cannot be told from this bundle.`
    if (hash === treeHash) return undefined
    return `The journal ${key} has the tree hash ${hash} at ${length} entries, not the one named.`
  }
}
