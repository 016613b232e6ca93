/**
 * Merges without a working tree. A rebase replays each commit as a three-way merge whose base is
 * the commit's parent: git 2.39 has no option for that, so a passing commit with the wanted tree
 * and that parent stands in for "ours".
 */
import type { Commits, Person } from './commits.ts'
import type { GitRunner } from './run.ts'

export type MergeMethod = 'merge' | 'squash' | 'rebase'

export interface Merges {
  /** The tree of base and head merged, undefined when they conflict. */
  tree(dir: string, base: string, head: string): Promise<string | undefined>
  /** Writes the commits; moves no ref. Returns the new tip, undefined on conflict. */
  write(
    dir: string,
    merge: {
      method: MergeMethod
      base: string
      head: string
      message: string
      author: Person
      committer: Person
    },
  ): Promise<string | undefined>
}

export function gitMerges(git: GitRunner, commits: Commits): Merges {
  const tree: Merges['tree'] = async (dir, base, head) => {
    const { code, text } = await git.run(dir, ['merge-tree', '--write-tree', base, head], {
      ok: [0, 1, 128],
    })
    return code === 0 ? text.split('\n')[0] : undefined
  }

  async function rebase(
    dir: string,
    base: string,
    head: string,
    committer: Person,
  ): Promise<string | undefined> {
    const list = await commits.log(dir, ['--no-merges', '--reverse', `${base}..${head}`])
    let tip = base
    for (const commit of list) {
      const onto = await commits.one(dir, tip)
      if (onto === undefined) return undefined
      const { author, message } = commit
      const stand = await commits.write(dir, {
        message: 'stand-in',
        tree: onto.tree,
        parents: commit.parents,
        author: committer,
        committer,
      })
      const merged = await tree(dir, stand, commit.sha)
      if (merged === undefined) return undefined
      tip = await commits.write(dir, { message, tree: merged, parents: [tip], author, committer })
    }
    return tip
  }

  return {
    tree,
    write: async (dir, { method, base, head, message, author, committer }) => {
      if (method === 'rebase') return rebase(dir, base, head, committer)
      const merged = await tree(dir, base, head)
      if (merged === undefined) return undefined
      const parents = method === 'merge' ? [base, head] : [base]
      return commits.write(dir, { message, tree: merged, parents, author, committer })
    },
  }
}
