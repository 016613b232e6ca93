/** Commits and tags, read and written as they are. */
import type { GitRunner } from './run.ts'

export interface Person {
  name: string
  email: string
  /** ISO 8601, UTC. */
  date: string
}

export interface Commit {
  sha: string
  tree: string
  parents: string[]
  author: Person
  committer: Person
  /** Without the line break at its end. */
  message: string
}

export interface NewCommit {
  message: string
  tree: string
  parents: readonly string[]
  author: Person
  committer: Person
  signature?: string | undefined
}

export interface Commits {
  /** At most `limit` commits of what `git log` walks for `args`, newest first, after `skip`. */
  log(
    dir: string,
    args: readonly string[],
    page?: { limit: number; skip?: number; path?: string },
  ): Promise<Commit[]>
  one(dir: string, sha: string): Promise<Commit | undefined>
  count(dir: string, range: readonly string[]): Promise<number>
  write(dir: string, commit: NewCommit): Promise<string>
  writeTag(
    dir: string,
    tag: { tag: string; object: string; type: string; message: string; tagger: Person },
  ): Promise<string>
  mergeBase(dir: string, a: string, b: string): Promise<string | undefined>
}

const FIELDS = ['%H', '%T', '%P', '%an', '%ae', '%aI', '%cn', '%ce', '%cI', '%B']
const FORMAT = `--format=${FIELDS.join('%x00')}`

/** GitHub's form of an instant: seconds, UTC. */
export const instant = (value: number | string): string =>
  new Date(value).toISOString().replace(/\.\d{3}Z$/, 'Z')

/** What must not stand in the header line of a commit. */
const clean = (text: string) => text.replaceAll(/[<>\n\0]/g, '').trim() || 'unknown'

function stamp({ name, email, date }: Person): string {
  const seconds = Math.floor(new Date(date).getTime() / 1_000)
  return `${clean(name)} <${clean(email)}> ${Math.max(0, seconds)} +0000`
}

export function gitCommits(git: GitRunner): Commits {
  const log: Commits['log'] = async (dir, args, page) => {
    const window =
      page === undefined ? [] : [`--max-count=${page.limit}`, `--skip=${page.skip ?? 0}`]
    const path = page?.path === undefined ? [] : [`:(literal)${page.path}`]
    const { stdout } = await git.run(
      dir,
      ['log', '-z', FORMAT, ...window, ...args, '--', ...path],
      {
        ok: [0, 128],
      },
    )
    const fields = stdout.toString('utf8').split('\0')
    const commits: Commit[] = []
    for (let at = 0; at + FIELDS.length <= fields.length; at += FIELDS.length) {
      const [sha = '', tree = '', parents = '', an = '', ae = '', ad = '', ...rest] = fields.slice(
        at,
        at + FIELDS.length,
      )
      const [cn = '', ce = '', cd = '', message = ''] = rest
      commits.push({
        sha,
        tree,
        parents: parents.split(' ').filter((parent) => parent !== ''),
        author: { name: an, email: ae, date: instant(ad) },
        committer: { name: cn, email: ce, date: instant(cd) },
        message: message.replace(/\n+$/, ''),
      })
    }
    return commits
  }

  return {
    log,
    one: async (dir, sha) => (await log(dir, ['--no-walk', sha], { limit: 1 }))[0],
    count: async (dir, range) => {
      const { code, text } = await git.run(dir, ['rev-list', '--count', ...range], { ok: [0, 128] })
      return code === 0 ? Number(text) : 0
    },
    write: async (dir, commit) => {
      const signature =
        commit.signature === undefined
          ? []
          : [`gpgsig ${commit.signature.trimEnd().replaceAll('\n', '\n ')}`]
      const lines = [
        `tree ${commit.tree}`,
        ...commit.parents.map((parent) => `parent ${parent}`),
        `author ${stamp(commit.author)}`,
        `committer ${stamp(commit.committer)}`,
        ...signature,
        '',
        commit.message,
      ]
      const args = ['hash-object', '-t', 'commit', '-w', '--stdin']
      return (await git.run(dir, args, { input: lines.join('\n') })).text
    },
    writeTag: async (dir, tag) => {
      const lines = [
        `object ${tag.object}`,
        `type ${tag.type}`,
        `tag ${tag.tag}`,
        `tagger ${stamp(tag.tagger)}`,
        '',
        tag.message,
      ]
      const args = ['hash-object', '-t', 'tag', '-w', '--stdin']
      return (await git.run(dir, args, { input: lines.join('\n') })).text
    },
    mergeBase: async (dir, a, b) => {
      const { code, text } = await git.run(dir, ['merge-base', a, b], { ok: [0, 1, 128] })
      return code === 0 ? text : undefined
    },
  }
}
