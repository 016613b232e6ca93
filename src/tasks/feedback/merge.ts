/**
 * The base merged into the work branch, once, in the agent's own store, where nothing of an executor
 * is: `git merge-tree` writes no work tree and runs no hook. What git cannot merge is left in the
 * files between markers; that commit is what the executor starts from. It is never published: what
 * the executor makes of it becomes a merge of the same two parents.
 */
import type { RepoContext } from '../context.ts'
import type { FailedWork } from '../needs.ts'
import type { Item } from './items.ts'

export interface Merged {
  /** Commit to start from: the merge as far as git could make it. */
  start: string
  /** What the published commit has as parents: branch and base. */
  parents: [string, string]
  /** Files with conflicts. */
  conflicts: string[]
}

/** Undefined when the base is in the branch already. */
export async function mergeBase(
  { refs }: RepoContext,
  { branch, base, message }: { branch: string; base: string; message: string },
  signal: AbortSignal,
): Promise<Merged | undefined> {
  if (await refs.isAncestor(base, branch)) return undefined
  const { tree, conflicts } = await refs.mergeTree(branch, base, signal)
  const start = await refs.commitTree({ tree, parents: [branch, base], message }, signal)
  return { start, parents: [branch, base], conflicts }
}

export function conflictItem(base: string, { conflicts }: Merged): Pick<Item, 'text'> {
  if (conflicts.length === 0)
    return {
      text: `${base} was merged into the branch without conflicts. Nothing is left to do for the merge itself.`,
    }
  return {
    text: [
      `${base} was merged into the branch. These files have conflicts, between the usual markers:`,
      ...conflicts.slice(0, 100).map((path) => `- ${path}`),
      'Resolve them so that both sides keep what they are for, and leave no marker.',
    ].join('\n'),
  }
}

/** The same with what the checks say of the merge. */
export function failedItem({ text }: Pick<Item, 'text'>, work: FailedWork): Pick<Item, 'text'> {
  const failing = work.checks
    .filter(({ outcome }) => outcome !== 'passed')
    .map(({ name, tail }) => `The end of the output of check ${name}:\n${tail}`)
  return { text: [text, `With it, this holds: ${work.reason}`, ...failing].join('\n\n') }
}
