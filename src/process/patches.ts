/**
 * Patches between trees of a git directory, without a work tree: what a patch says is applied to an index of
 * its own and written as a tree, so that no path in it can reach a file. Patches come from other machines.
 */
import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { CommonError, hasCode } from '../util/index.ts'
import type { Git } from './types.ts'

/** What the binary parts of a patch may unpack to, bytes: a few KiB can hold many MiB. */
const MAX_BINARY_BYTES = 20 * 1024 * 1024
const TIMEOUT_MS = 60_000
const MAX_REASON = 300

/** As much of `Git` as is used; a caller's own form of it fits. */
export type PatchGit = (
  args: readonly string[],
  options: Pick<
    NonNullable<Parameters<Git>[1]>,
    'cwd' | 'env' | 'input' | 'signal' | 'timeoutMs' | 'maxOutputBytes'
  >,
) => Promise<string>

export interface PatchInit {
  gitDir: string
  /** Commit or tree that it is applied to; where that is not what it was made for, a merge is tried. */
  onto: string
  patch: string
}

/** `unfit`: it does not apply, and why in a sentence. */
export type Patched = { is: 'tree'; tree: string } | { is: 'unfit'; reason: string }

/** Errors: `ABORTED`, `DEADLINE`, and those of git when `onto` is not there. */
export async function applyPatch(
  git: PatchGit,
  { gitDir, onto, patch }: PatchInit,
  signal: AbortSignal,
): Promise<Patched> {
  const binary = [...patch.matchAll(/^(?:literal|delta) (\d+)$/gm)]
  const bytes = binary.reduce((sum, [, size]) => sum + Number(size), 0)
  if (bytes > MAX_BINARY_BYTES)
    return { is: 'unfit', reason: `Its binary parts unpack to ${bytes} bytes.` }
  const index = join(gitDir, `bzzz-${randomBytes(8).toString('hex')}.index`)
  const env = { GIT_DIR: gitDir, GIT_INDEX_FILE: index }
  const options = { cwd: gitDir, env, signal, timeoutMs: TIMEOUT_MS }
  try {
    await git(['read-tree', onto], options)
    const args = ['apply', '--cached', '--3way', '--whitespace=nowarn', '-']
    const input = patch.endsWith('\n') ? patch : `${patch}\n`
    const reason = await git(args, { ...options, input }).then(() => undefined, whyNot)
    if (reason !== undefined) return { is: 'unfit', reason }
    return { is: 'tree', tree: (await git(['write-tree'], options)).trim() }
  } finally {
    for (const path of [index, `${index}.lock`]) await rm(path, { force: true })
  }
}

function whyNot(error: unknown): string {
  if (!hasCode(error, 'GIT_FAILED')) throw error
  const { stderr } = (error as { data: { stderr?: unknown } }).data
  const said = typeof stderr === 'string' ? stderr : ''
  const lines = said.replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ').trim()
  return `It does not apply: ${lines.slice(0, MAX_REASON) || 'git says no more'}.`
}

/**
 * What leads from one commit or tree to the other, with whole object ids, so that a merge is possible.
 * Undefined when it is longer than `maxBytes`, or no text that survives as UTF-8.
 */
export async function patchBetween(
  git: PatchGit,
  { gitDir, from, to, maxBytes }: { gitDir: string; from: string; to: string; maxBytes: number },
  signal: AbortSignal,
): Promise<string | undefined> {
  const args = ['diff-tree', '-r', '-p', '--binary', '--full-index', '--no-renames', from, to]
  const options = { cwd: gitDir, env: { GIT_DIR: gitDir }, signal, timeoutMs: TIMEOUT_MS }
  try {
    const patch = await git(args, { ...options, maxOutputBytes: 4 * maxBytes })
    const isWhole = !patch.includes('\uFFFD') && Buffer.byteLength(patch) <= maxBytes
    return isWhole ? patch : undefined
  } catch (error) {
    if (error instanceof CommonError && error.code === 'TOO_LARGE') return undefined
    throw error
  }
}
