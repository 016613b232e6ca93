/** Trees and blobs. New trees are built in an index of their own, never in a shared one. */
import { randomUUID } from 'node:crypto'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { EMPTY_TREE } from './refs.ts'
import type { GitRunner } from './run.ts'

export interface TreeEntry {
  mode: string
  type: 'blob' | 'tree' | 'commit'
  sha: string
  path: string
  /** Blobs only. */
  size?: number
}

/** `sha: null` takes the path out. */
export interface TreeChange {
  path: string
  mode: string
  sha: string | null
}

export interface Trees {
  list(
    dir: string,
    tree: string,
    options?: { recursive?: boolean },
  ): Promise<TreeEntry[] | undefined>
  /** The entry at `path` of a commit or tree; the root is a tree with the path ''. */
  at(dir: string, treeish: string, path: string): Promise<TreeEntry | undefined>
  blob(dir: string, sha: string): Promise<Buffer>
  writeBlob(dir: string, bytes: Uint8Array | string): Promise<string>
  write(dir: string, base: string | undefined, changes: readonly TreeChange[]): Promise<string>
}

function parse(output: string): TreeEntry[] {
  return output
    .split('\0')
    .filter((line) => line !== '')
    .map((line) => {
      const tab = line.indexOf('\t')
      const [head, path] = [line.slice(0, tab), line.slice(tab + 1)]
      const [mode = '', type = '', sha = '', size = '-'] = head.split(/ +/)
      const entry = { mode, type: type as TreeEntry['type'], sha, path }
      return size === '-' ? entry : { ...entry, size: Number(size) }
    })
}

export function gitTrees(git: GitRunner, scratch: string): Trees {
  const list: Trees['list'] = async (dir, tree, { recursive = false } = {}) => {
    const flags = recursive ? ['-r', '-t'] : []
    const { code, stdout } = await git.run(dir, ['ls-tree', '-z', '-l', ...flags, tree], {
      ok: [0, 128],
    })
    return code === 0 ? parse(stdout.toString('utf8')) : undefined
  }

  return {
    list,
    at: async (dir, treeish, path) => {
      if (path === '') {
        const args = ['rev-parse', '--verify', '--quiet', `${treeish}^{tree}`]
        const { code, text } = await git.run(dir, args, { ok: [0, 1, 128] })
        return code === 0 ? { mode: '040000', type: 'tree', sha: text, path: '' } : undefined
      }
      const args = [
        '--literal-pathspecs',
        'ls-tree',
        '-z',
        '-l',
        '--full-tree',
        treeish,
        '--',
        path,
      ]
      const { code, stdout } = await git.run(dir, args, { ok: [0, 128] })
      return code === 0
        ? parse(stdout.toString('utf8')).find((entry) => entry.path === path)
        : undefined
    },
    blob: async (dir, sha) => (await git.run(dir, ['cat-file', 'blob', sha])).stdout,
    writeBlob: async (dir, bytes) =>
      (await git.run(dir, ['hash-object', '-w', '--stdin'], { input: bytes })).text,
    write: async (dir, base, changes) => {
      await mkdir(scratch, { recursive: true })
      const index = join(scratch, `index-${randomUUID()}`)
      const env = { GIT_INDEX_FILE: index }
      try {
        await git.run(dir, base === undefined ? ['read-tree', '--empty'] : ['read-tree', base], {
          env,
        })
        const lines = await Promise.all(
          changes.map(async ({ path, mode, sha }) => {
            if (sha === null) return `0 ${EMPTY_TREE}\t${path}\0`
            if (mode !== '040000') return `${mode} ${sha}\t${path}\0`
            const inner = (await list(dir, sha, { recursive: true })) ?? []
            return inner
              .filter((entry) => entry.type !== 'tree')
              .map((entry) => `${entry.mode} ${entry.sha}\t${path}/${entry.path}\0`)
              .join('')
          }),
        )
        await git.run(dir, ['update-index', '-z', '--index-info'], { env, input: lines.join('') })
        return (await git.run(dir, ['write-tree'], { env })).text
      } finally {
        await rm(index, { force: true })
        await rm(`${index}.lock`, { force: true })
      }
    },
  }
}
