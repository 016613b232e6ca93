/** Everything the forge does with git, over one runner. */
import { gitCommits, type Commits } from './commits.ts'
import { gitDiffs, type Diffs } from './diff.ts'
import { gitMerges, type Merges } from './merge.ts'
import { gitRefs, type Refs } from './refs.ts'
import { gitRunner, type GitRunner, type Spawner } from './run.ts'
import { seeder, type Seeder } from './seed.ts'
import { gitTrees, type Trees } from './trees.ts'

export interface ForgeGit {
  runner: GitRunner
  refs: Refs
  commits: Commits
  trees: Trees
  diffs: Diffs
  merges: Merges
  seeder: Seeder
}

/** `scratch`: directory for files that live as long as one command. */
export function forgeGit(init: {
  cwd: string
  scratch: string
  path: string
  spawner: Spawner
}): ForgeGit {
  const runner = gitRunner(init)
  const refs = gitRefs(runner)
  const commits = gitCommits(runner)
  const trees = gitTrees(runner, init.scratch)
  return {
    runner,
    refs,
    commits,
    trees,
    diffs: gitDiffs(runner),
    merges: gitMerges(runner, commits),
    seeder: seeder(runner, { commits, trees, refs }),
  }
}
