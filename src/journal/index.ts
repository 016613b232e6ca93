/**
 * What an agent did and saw, written down so that every other agent can read and check it. Each
 * agent writes one append-only, signed log (a hypercore) and replicates those of the others, over
 * streams of the mesh. The only folder that knows hypercore.
 *
 * Reading order: `entries.ts` (what is written down), `own/` (the one writer, epochs, a full disk),
 * `heads/` (who witnesses how long a journal is, and what follows from it), `replica/` (others' journals:
 * streams, what is kept), `reading/` (in causal order, by an index), `proof/` (whose it is, verification,
 * bundles). `session.ts` opens and closes it all in order, `journal.ts` is what others see.
 *
 * @example
 * const journal = createJournal(
 *   { dir: join(home, 'journal'), agent: { name, version, incarnation: mesh.incarnation } },
 *   { transport: mesh, verify: verifySignature, logger },
 * )
 * journal.events.on('entry', ({ agent, type }) => logger.info({ agent, type }, 'journal'))
 * await journal.start()
 * mesh.events.on('peer:connect', ({ peerId }) => journal.connect(peerId))
 * mesh.events.on('peer:update', ({ peerId, name, capabilities }) => {
 *   if (capabilities?.journal) journal.follow({ peerId, name, ...capabilities.journal })
 * })
 * await journal.append({ type: 'claim.tried', task, attempt: 1, oid }) // on disk from here on
 * for await (const entry of journal.read({ task, since: Date.now() - 3_600_000 })) print(entry)
 */
export {
  entryInputSchema,
  maxEntryBytes,
  stampSchema,
  taskRefSchema,
  type EntryInput,
  type EntryType,
  type JournalEntry,
  type Origin,
  type PreviousJournal,
  type TaskRef,
  type UnknownEntry,
} from './entries.ts'
export { JournalError, type JournalErrorCode } from './errors.ts'
export { readBundle, type BundleOptions } from './proof/bundle-read.ts'
export { createJournal } from './journal.ts'
export { giveUpReserve } from './own/space.ts'
export { orderOf } from './reading/order.ts'
export type {
  BundleCheck,
  BundleQuery,
  ExpectedHead,
  Head,
  Journal,
  JournalComponents,
  JournalEvents,
  JournalInfo,
  JournalInit,
  JournalLimits,
  JournalState,
  JournalTransport,
  KeptOfOthers,
  LoggedEntry,
  Query,
  Verification,
  VerifySignature,
  WitnessAnswer,
  WitnessRequest,
} from './types.ts'
