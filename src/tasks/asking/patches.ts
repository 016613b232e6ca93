/** Patches to and from the local store of a repository: no work tree, no network. */
import { applyPatch, patchBetween, type Patched } from '../../process/index.ts'
import type { RunGit } from '../claim/repository-types.ts'

export interface Patches {
  /** Commit that both build on. */
  common(one: string, other: string, signal: AbortSignal): Promise<string>
  /** Undefined when it is longer than `maxBytes`, or no text. */
  between(
    from: string,
    to: string,
    maxBytes: number,
    signal: AbortSignal,
  ): Promise<string | undefined>
  apply(onto: string, patch: string, signal: AbortSignal): Promise<Patched>
}

export function createPatches(git: RunGit, gitDir: string): Patches {
  return {
    common: async (one, other, signal) =>
      (await git(['merge-base', one, other], { cwd: gitDir, signal })).trim(),
    between: (from, to, maxBytes, signal) =>
      patchBetween(git, { gitDir, from, to, maxBytes }, signal),
    apply: (onto, patch, signal) => applyPatch(git, { gitDir, onto, patch }, signal),
  }
}
