/**
 * Commits read from a local git store without trust in what they hold: the size is looked at before
 * the content, and one child reads many. Nothing here uses the network.
 *
 * git's batch format counts bytes while `RunGit` gives text, in which bytes that are no UTF-8 have
 * grown. So each object is headed by a random word that no object of the store can contain,
 * because it is drawn after they were written.
 */
import { randomBytes } from 'node:crypto'
import { maxRecordBytes, oidPattern } from './record.ts'
import type { RawTip, RunGit } from './repository-types.ts'

/** What a store says of an object before it is read. */
export interface ObjectInfo {
  oid: string
  /** commit, tag, tree, blob */
  type: string
  /** Bytes. */
  size: number
}

/** Largest commit that is read: a record and its head. */
const maxCommitBytes = maxRecordBytes + 1_024
/** Commits that one child reads: their text stays far below the limit of git's output. */
const perChild = 1_000

const linesOf = (text: string) => text.split('\n').filter((line) => line !== '')

/** Type and size of objects; what is missing is left out. One child. */
export async function inspectObjects(
  git: RunGit,
  gitDir: string,
  oids: readonly string[],
): Promise<ObjectInfo[]> {
  if (oids.length === 0) return []
  const input = `${oids.join('\n')}\n`
  return linesOf(await git(['cat-file', '--batch-check'], { cwd: gitDir, input })).flatMap(
    (line) => {
      const [oid = '', type = '', size = ''] = line.split(' ')
      return /^\d+$/.test(size) ? [{ oid, type, size: Number(size) }] : []
    },
  )
}

/** OID and object of each ref below a prefix, by the name after it. One child. */
export async function listRefs(
  git: RunGit,
  gitDir: string,
  prefix: string,
): Promise<Map<string, ObjectInfo>> {
  const format = '%(objectname) %(objecttype) %(objectsize) %(refname)'
  const listed = await git(['for-each-ref', `--format=${format}`, prefix], { cwd: gitDir })
  return new Map(
    linesOf(listed).map((line) => {
      const [oid = '', type = '', size = '', ref = ''] = line.split(' ')
      return [ref.slice(prefix.length), { oid, type, size: Number(size) }]
    }),
  )
}

/**
 * The commits among the objects, by OID. What is no commit, or too large for a record, is not read:
 * it comes with an empty message. One child for 1,000 objects.
 */
export async function readCommits(
  git: RunGit,
  gitDir: string,
  objects: readonly ObjectInfo[],
): Promise<Map<string, RawTip>> {
  const found = new Map<string, RawTip>(
    objects.map(({ oid, type, size }) => {
      const unread =
        type === 'commit'
          ? `a commit of ${size} bytes; a record has at most ${maxRecordBytes}`
          : `no commit but a ${type} of ${size} bytes`
      return [oid, { oid, message: '', parents: [], unread }]
    }),
  )
  const small = objects.filter(({ type, size }) => type === 'commit' && size <= maxCommitBytes)
  const oids = [...new Set(small.map(({ oid }) => oid))]
  for (let from = 0; from < oids.length; from += perChild) {
    const head = `bzzz-${randomBytes(16).toString('hex')} `
    const input = `${oids.slice(from, from + perChild).join('\n')}\n`
    const text = await git(['cat-file', `--batch=${head}%(objectname)`], { cwd: gitDir, input })
    for (const part of text.split(head).slice(1)) {
      const end = part.indexOf('\n')
      const oid = part.slice(0, end)
      if (oidPattern.test(oid)) found.set(oid, { oid, ...parseCommit(part.slice(end + 1, -1)) })
    }
  }
  return found
}

/** First parents from a commit down, itself first. One child, which reads no message. */
export async function firstParents(
  git: RunGit,
  gitDir: string,
  oid: string,
  limit: number,
): Promise<string[]> {
  const args = ['rev-list', '--first-parent', `--max-count=${limit}`, oid, '--']
  return linesOf(await git(args, { cwd: gitDir }))
}

function parseCommit(raw: string): Omit<RawTip, 'oid'> {
  const end = raw.indexOf('\n\n')
  const header = (end < 0 ? raw : raw.slice(0, end)).split('\n').slice(1)
  const last = header.findIndex((line) => !line.startsWith('parent '))
  const parents = (last < 0 ? header : header.slice(0, last)).map((line) => line.slice(7))
  const at = header.flatMap(
    (line) => /^committer .* (\d{1,12}) [+-]\d{4}$/.exec(line)?.[1] ?? [],
  )[0]
  const message = end < 0 ? '' : raw.slice(end + 2)
  return { message, parents, ...(at === undefined ? {} : { at: Number(at) * 1_000 }) }
}

/** Git has no ref where there are refs below its name: of such a claim ref, the first one that is in its way. */
export function inTheWay(
  current: ReadonlyMap<string, string>,
  refPrefix: string,
  names: ReadonlySet<string> = new Set(),
): Map<string, RawTip> {
  const found = new Map<string, RawTip>()
  for (const [path, oid] of current) {
    const [name = ''] = path.split('/', 1)
    if (name === path || !names.has(name) || found.has(name)) continue
    const ref = `${refPrefix}${path}`
    found.set(name, {
      oid,
      message: '',
      parents: [],
      ref,
      unread: `no record, but ${ref} below it`,
    })
  }
  return found
}
