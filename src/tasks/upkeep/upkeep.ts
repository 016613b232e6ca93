/**
 * The local git store of a repository, kept small: branches that the remote does not have any more are
 * let go, then git packs refs and objects and drops what nothing names.
 *
 * Other commands go on in the same store meanwhile. git locks its refs; objects that nothing names are
 * kept for two weeks, far longer than anything here stands between making one and naming it; and no
 * workspace shares an object file with the store. The one tree that every claim record has is written
 * anew first, which makes it young, since nothing names it in a repository without claims.
 */
import { createRemote, type RemoteInit } from '../claim/remote.ts'
import { parseListing } from '../claim/git-transport.ts'
import type { RunGit } from '../claim/repository-types.ts'
import { goneBranches, judgeStore, parseCounts, type UpkeepTimes } from './judge.ts'

/** Packing a large repository on a slow disk, ms. */
const packingMs = 30 * 60_000
/** Larger packs stay as they are: the history of a large repository is not written anew. */
const keptPack = '256m'
/** Of processor and memory, what a small machine has to spare beside its work. */
const settings: readonly (readonly [string, string])[] = [
  ['gc.bigPackThreshold', keptPack],
  ['pack.threads', '1'],
  ['pack.windowMemory', '64m'],
]
const heads = 'refs/seen/heads/'

export interface Upkeep {
  /**
   * Tidies the store when it is due; says why, or undefined when it was not. Not twice at once for one
   * store. Errors: those of git.
   */
  tidy(times: UpkeepTimes, signal: AbortSignal): Promise<string | undefined>
}

export function createUpkeep(init: RemoteInit, git: RunGit): Upkeep {
  const { gitDir, url } = init
  const remote = createRemote(init, git)
  const here = (args: readonly string[], signal: AbortSignal) => git(args, { cwd: gitDir, signal })

  async function letGo(signal: AbortSignal): Promise<void> {
    const format = '--format=%(objectname)%09%(refname)'
    // Before the listing: a branch that is seen later is not judged by it.
    const seen = parseListing(await here(['for-each-ref', format, heads], signal))
    if (seen.size === 0) return
    const listing = parseListing(await remote(['ls-remote', '--quiet', '--heads', url], signal))
    const listed = new Set([...listing.keys()].map((ref) => ref.slice('refs/heads/'.length)))
    // A remote without any branch is more likely broken than empty.
    if (listed.size === 0) return
    const orders = goneBranches(seen, listed, heads).map(({ ref, oid }) => `delete ${ref} ${oid}\n`)
    if (orders.length === 0) return
    await git(['update-ref', '--stdin'], { cwd: gitDir, signal, input: orders.join('') })
  }

  return {
    async tidy(times, signal) {
      const facts = parseCounts(await here(['count-objects', '-v'], signal))
      const judgement = judgeStore(facts, times)
      if (judgement.is === 'tidy') return undefined
      await letGo(signal)
      for (const [name, value] of settings) await here(['config', name, value], signal)
      await git(['hash-object', '-t', 'tree', '-w', '--stdin'], { cwd: gitDir, signal, input: '' })
      await git(['gc', '--quiet', '--prune=2.weeks.ago'], {
        cwd: gitDir,
        signal,
        timeoutMs: packingMs,
      })
      return judgement.why
    },
  }
}
