/** Reads the policy's two files out of a repository, without a work tree. */
import type { Git } from '../process/index.ts'
import { cutEnd } from './clean.ts'
import { WorkError } from './errors.ts'
import { languagesOf } from './languages.ts'
import { invalid, MAX_POLICY_BYTES, parsePolicy } from './policy.ts'
import type { WorkflowPolicy } from './terms.ts'

const MAX_AGENTS_BYTES = 1024 * 1024
const GIT_TIMEOUT_MS = 30_000
const FILES = ['WORKFLOW.md', 'AGENTS.md'] as const

/** Errors: `WORKFLOW_INVALID`; `WORKSPACE` when git cannot read the commit. */
export async function readPolicy(
  git: Git,
  gitDir: string,
  commit: string,
): Promise<WorkflowPolicy> {
  if (!/^[0-9a-f]{40,64}$/.test(commit)) {
    throw new WorkError('WORKSPACE', `"${commit.slice(0, 80)}" is not a commit id.`)
  }
  const ask = (args: string[]) =>
    git(['--git-dir', gitDir, ...args], {
      cwd: gitDir,
      timeoutMs: GIT_TIMEOUT_MS,
      maxOutputBytes: 2 * MAX_AGENTS_BYTES,
    })
  try {
    const listed = await ask(['ls-tree', '-z', '-l', commit, '--', ...FILES])
    const entries = listed.split('\0').flatMap((line) => {
      const match = /^(\d+) (\w+) ([0-9a-f]+) +(\d+|-)\t(.+)$/s.exec(line)
      return match === null ? [] : [match.slice(1) as [string, string, string, string, string]]
    })
    const texts = new Map<string, string>()
    for (const [mode, type, id, size, file] of entries) {
      if (type !== 'blob' || !mode.startsWith('100')) {
        throw invalid('is not a plain file', file)
      }
      const limit = file === 'AGENTS.md' ? MAX_AGENTS_BYTES : MAX_POLICY_BYTES
      if (Number(size) > limit) {
        throw invalid(`has ${size} bytes; at most ${limit} are read`, file)
      }
      texts.set(file, await ask(['cat-file', 'blob', id]))
    }
    const agents = texts.get('AGENTS.md')
    const policy = parsePolicy({
      workflow: texts.get('WORKFLOW.md'),
      agents: agents === undefined ? undefined : cutEnd(agents, MAX_POLICY_BYTES),
    })
    // A tree with more names than are read only loses a preference.
    const names = await ask(['ls-tree', '-r', '-z', '--name-only', commit]).catch(() => '')
    const languages = languagesOf(names.split('\0'))
    return languages.length === 0 ? policy : { ...policy, languages }
  } catch (cause) {
    if (cause instanceof WorkError) throw cause
    throw new WorkError('WORKSPACE', `The policy at ${commit.slice(0, 12)} cannot be read.`, {
      data: { commit },
      cause,
    })
  }
}
