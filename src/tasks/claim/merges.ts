/** Merges in the local store: no work tree, no hook, no network. */
import { CodedError } from '../../util/index.ts'
import { TasksError } from '../errors.ts'
import { oidPattern } from './record.ts'
import type { ClaimRepository, RunGit } from './repository-types.ts'

const mergeTimeoutMs = 120_000

export function mergeCalls(
  git: RunGit,
  gitDir: string,
  identity: () => Record<string, string>,
): Pick<ClaimRepository, 'mergeTree' | 'commitTree' | 'withMarkers'> {
  return {
    async mergeTree(one, other, signal) {
      const args = ['merge-tree', '--stdin', '--name-only', '--no-messages']
      // With --stdin a conflict is told in the answer, not by the exit code; git 2.39 and newer.
      const options = { cwd: gitDir, input: `${one} ${other}\n`, signal, timeoutMs: mergeTimeoutMs }
      const [status, tree = '', ...rest] = (await git(args, options)).split('\0')
      if ((status !== '0' && status !== '1') || !oidPattern.test(tree))
        throw new TasksError('CLAIM_REF_INVALID', 'git merge-tree wrote no tree.')
      const end = rest.indexOf('')
      return { tree, conflicts: [...new Set(rest.slice(0, end < 0 ? undefined : end))] }
    },
    async commitTree({ tree, parents, message }, signal) {
      const of = parents.flatMap((parent) => ['-p', parent])
      const args = ['commit-tree', `${tree}^{tree}`, ...of]
      return (await git(args, { cwd: gitDir, input: message, env: identity(), signal })).trim()
    },
    async withMarkers(oid, paths, signal) {
      if (paths.length === 0) return []
      const pattern = '^(<{7}|>{7})( |$)'
      const args = ['grep', '-l', '-z', '-E', '-e', pattern, oid, '--']
      const listed = await git([...args, ...paths.map((path) => `:(literal)${path}`)], {
        cwd: gitDir,
        signal,
      }).catch((error: unknown) => {
        if (error instanceof CodedError && Number(error.data['exitCode']) === 1) return ''
        throw error
      })
      return listed
        .split('\0')
        .filter((line) => line !== '')
        .map((line) => line.slice(oid.length + 1))
    },
  }
}
