/**
 * Checks a journal from the ground: every block is here, the Merkle tree built anew from the blocks
 * is the one that the journal's key signed, every entry decodes with the right seq and epoch, and the
 * identity's proof holds. Reads block by block, so memory does not grow with the journal, and takes
 * no lock, so the writer goes on meanwhile.
 */
import { explain } from '../util/index.ts'
import { decodeEntry } from './decode.ts'
import { checkIdentity } from './identity.ts'
import { MerkleTree } from './merkle.ts'
import { twoHistories, type Source } from './source.ts'
import type { Verification, VerifySignature } from './types.ts'

const maxProblems = 20
const pageSize = 64

export async function verifySource(source: Source, verify: VerifySignature): Promise<Verification> {
  const { core, key, epoch } = source
  const problems: string[] = []
  let count = 0
  const problem = (text: string) => {
    count += 1
    if (problems.length < maxProblems && !problems.includes(text)) problems.push(text)
  }
  let length = 0
  try {
    await core.ready()
    if (core.closing) throw new Error('it is closed')
    if (source.frozen) problem(twoHistories)
    // In one turn of the event loop, so that tree, signature and length belong together.
    const signed = core.state.createTreeBatch()
    const { signature } = core.state
    length = signed.length
    if (length === 0) problem('No entry of it has arrived yet.')
    else {
      if (core.core?.verifier?.verify(signed, signature) !== true) {
        problem(`The signature over its ${length} entries is not the key's.`)
      }
      const tree = new MerkleTree()
      let missing = 0
      for (let from = 0; from < length; from += pageSize) {
        const page = await Promise.all(
          Array.from({ length: Math.min(pageSize, length - from) }, (_, i) =>
            core.get(from + i, { wait: false }),
          ),
        )
        for (const [i, block] of page.entries()) {
          if (block === null) missing += 1
          else {
            tree.append(block)
            await checkEntry(block, from + i)
          }
        }
      }
      if (missing > 0) problem(`${missing} of ${length} entries are missing.`)
      else if (!tree.hash().equals(signed.hash())) {
        problem('Its blocks do not give the signed Merkle tree: at least one was changed.')
      }
    }
  } catch (error) {
    problem(`It cannot be read: ${explain(error)}`)
  }
  if (count > problems.length) problems.push(`${count} problems in all.`)
  const { agent, peerId } = source.info()
  return { agent, peerId, key, epoch, length, ok: count === 0, problems }

  async function checkEntry(block: Uint8Array, seq: number): Promise<void> {
    const decoded = decodeEntry(block, { epoch, seq })
    if (!decoded.ok) return problem(decoded.problem)
    if (seq > 0 && decoded.entry.type !== 'agent.started') return
    const wrong = await checkIdentity(decoded.entry, { peerId: source.peerId, key, epoch }, verify)
    if (wrong !== undefined) problem(wrong)
  }
}
