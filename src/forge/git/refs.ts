/**
 * Refs: the compare-and-swap that everything else rests on. `git update-ref` with an expected old
 * value is the only writer; when it refuses, the ref is read back to tell a lost race from a lock
 * that was held for a moment.
 */
import { sleep } from '../../util/index.ts'
import type { GitRunner } from './run.ts'

export const ZERO = '0'.repeat(40)
export const EMPTY_TREE = '4b825dc642cb6eb9a060e54bf8d69288fbee4904'

export interface Ref {
  ref: string
  sha: string
  type: string
}

export type RefWrite =
  | { done: true }
  /** The ref holds `sha` (zeros: it is absent) and not what the caller expected. */
  | { done: false; sha: string }

/** From `old` (zeros: must be absent) to `sha` (zeros: delete). */
export interface RefMove {
  ref: string
  sha: string
  old: string
}

export interface Refs {
  get(dir: string, ref: string): Promise<Ref | undefined>
  /** All refs whose name begins with one of the prefixes, by name. */
  list(dir: string, ...prefixes: string[]): Promise<Ref[]>
  /** Moves `ref` from `old` (zeros: must be absent) to `sha` (zeros: delete). */
  swap(dir: string, ref: string, sha: string, old: string): Promise<RefWrite>
  /** All moves or none. `moved`: some ref held something else; `refused`: git writes it never. */
  swapAll(dir: string, moves: readonly RefMove[]): Promise<'done' | 'moved' | 'refused'>
  /** Unconditional. */
  set(dir: string, ref: string, sha: string): Promise<void>
  isAncestor(dir: string, ancestor: string, descendant: string): Promise<boolean>
  /** Type of the object, undefined when there is none. */
  typeOf(dir: string, sha: string): Promise<string | undefined>
  typesOf(dir: string, shas: readonly string[]): Promise<(string | undefined)[]>
  /** Resolves a branch, tag, full ref or SHA to a commit. */
  commitOf(dir: string, revision: string): Promise<string | undefined>
}

interface Found {
  sha: string
  type: string
}

/** git's own rules for the name of a ref (git-check-ref-format), and two slashes at least. */
export function wellFormed(ref: string): boolean {
  const parts = ref.split('/')
  return (
    parts.length >= 3 &&
    parts[0] === 'refs' &&
    parts.every((part) => part !== '' && !part.startsWith('.') && !part.endsWith('.lock')) &&
    !/\.\.|@\{|[\s~^:?*[\\\p{Cc}]/u.test(ref) &&
    !ref.endsWith('.') &&
    ref.length <= 1_000
  )
}

/** A ref file is locked for the time of one write; seven tries outlast any queue of writers. */
const TRIES = 7

export function gitRefs(git: GitRunner): Refs {
  const list: Refs['list'] = async (dir, ...prefixes) => {
    const format = '--format=%(refname)%00%(objectname)%00%(objecttype)'
    const patterns = prefixes.map((prefix) => prefix.slice(0, prefix.lastIndexOf('/') + 1))
    const { text } = await git.run(dir, ['for-each-ref', format, ...patterns])
    const refs = text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => {
        const [ref = '', sha = '', type = ''] = line.split('\0')
        return { ref, sha, type }
      })
    return refs.filter(({ ref }) => prefixes.some((prefix) => ref.startsWith(prefix)))
  }

  const get: Refs['get'] = async (dir, ref) => {
    if (!wellFormed(ref)) return undefined
    const format = '--format=%(refname)%00%(objectname)%00%(objecttype)'
    const { text } = await git.run(dir, ['for-each-ref', format, ref])
    const line = text.split('\n').find((each) => each.startsWith(`${ref}\0`))
    const [, sha = '', type = ''] = line?.split('\0') ?? []
    return line === undefined ? undefined : { ref, sha, type }
  }

  /** `name type` per line; a name that is none gives undefined. */
  async function look(dir: string, names: readonly string[]): Promise<(Found | undefined)[]> {
    const args = ['cat-file', '--batch-check=%(objectname) %(objecttype)']
    const { text } = await git.run(dir, args, { input: `${names.join('\n')}\n` })
    return text.split('\n').map((line) => {
      const [, sha = '', type = ''] = /^([0-9a-f]{40}) (blob|tree|commit|tag)$/.exec(line) ?? []
      return sha === '' ? undefined : { sha, type }
    })
  }

  const typesOf: Refs['typesOf'] = async (dir, shas) => {
    const asked = shas.map((sha) => (/^[0-9a-f]{40}$/.test(sha) ? sha : ZERO))
    return (await look(dir, asked)).map((found) => found?.type)
  }
  const typeOf: Refs['typeOf'] = async (dir, sha) => (await typesOf(dir, [sha]))[0]

  const swap: Refs['swap'] = async (dir, ref, sha, old) => {
    for (let attempt = 0; ; attempt += 1) {
      const args =
        sha === ZERO ? ['update-ref', '-d', ref, old] : ['update-ref', '--no-deref', ref, sha, old]
      const { code } = await git.run(dir, args, { ok: [0, 1, 128] })
      if (code === 0) return { done: true }
      const now = (await get(dir, ref))?.sha ?? ZERO
      if (now !== old || attempt >= TRIES) return { done: false, sha: now }
      await sleep(5 * 2 ** attempt)
    }
  }

  const swapAll: Refs['swapAll'] = async (dir, moves) => {
    const lines = moves.map(({ ref, sha, old }) =>
      sha === ZERO ? `delete ${ref} ${old}` : `update ${ref} ${sha} ${old}`,
    )
    const input = `${lines.join('\n')}\n`
    for (let attempt = 0; ; attempt += 1) {
      const args = ['update-ref', '--no-deref', '--stdin']
      if ((await git.run(dir, args, { input, ok: [0, 1, 128] })).code === 0) return 'done'
      const now = await Promise.all(moves.map(async ({ ref }) => (await get(dir, ref))?.sha))
      if (moves.some(({ old }, at) => (now[at] ?? ZERO) !== old)) return 'moved'
      if (attempt >= TRIES) return 'refused'
      await sleep(5 * 2 ** attempt)
    }
  }

  return {
    get,
    list,
    swap,
    swapAll,
    typeOf,
    typesOf,
    set: async (dir, ref, sha) => {
      await git.run(dir, ['update-ref', '--no-deref', ref, sha])
    },
    isAncestor: async (dir, ancestor, descendant) => {
      const args = ['merge-base', '--is-ancestor', ancestor, descendant]
      return (await git.run(dir, args, { ok: [0, 1, 128] })).code === 0
    },
    commitOf: async (dir, revision) => {
      if (!/^[^\s~^:?*[\\\p{Cc}]+$/u.test(revision)) return undefined
      const names = revision.startsWith('refs/')
        ? [revision]
        : [`refs/heads/${revision}`, `refs/tags/${revision}`, `refs/${revision}`]
      if (/^([0-9a-f]{4,40}|HEAD)$/.test(revision)) names.push(revision)
      const found = await look(
        dir,
        names.map((name) => `${name}^{commit}`),
      )
      return found.find((each) => each !== undefined)?.sha
    },
  }
}
