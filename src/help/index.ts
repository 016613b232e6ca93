/**
 * Help among peers: an agent that is stuck asks the mesh; a peer that can, helps with a patch, advice or
 * by taking over; one that cannot, forwards, and a request that was forwarded 3 times is discarded. What
 * is said and what is not defended: docs/help.md.
 *
 * Reading order: `types.ts`, `decide/` (pure: whom to ask, both sides' state machines), `seal.ts`
 * (signatures), `arrivals.ts` (what peers send), `origin.ts` and `guest.ts` (the two sides), `post.ts`
 * (letters that find their way), `recover.ts` and `tree.ts` (what journals tell), `room.ts`.
 *
 * @example
 * const help = createHelp({ mesh, membership, journal, verify: verifySignature, helper, lacks, logger })
 * await help.start()
 * for await (const step of help.ask(request, signal)) {
 *   if (step.is === 'ended' && step.outcome.is === 'answered') {
 *     await help.conclude(step.outcome.id, 'used', 'The checks pass.')
 *   }
 * }
 */
export { HelpError, type HelpErrorCode } from './errors.ts'
export { createHelp } from './room.ts'
export { mayBeAsked } from './decide/whom.ts'
export { helpTypes, treesOf, type HelpTree, type TreeNode } from './tree.ts'
export type {
  AskRequest,
  EntryReference,
  Help,
  HelpAnswer,
  HelpBudget,
  HelpComponents,
  Helper,
  HelpJournal,
  HelpMembership,
  HelpMesh,
  HelpOutcome,
  HelpPeer,
  HelpQuestion,
  HelpStep,
  Readiness,
  Tried,
} from './types.ts'
