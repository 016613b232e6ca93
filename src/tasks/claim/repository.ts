/**
 * One bare git repository per GitHub repository in the agent's home. It reads and moves claim refs,
 * fetches the base for workspaces, takes finished commits from them and publishes. Workspaces are
 * cloned from it and never see the token.
 *
 * Refs are listed and moved by a transport (`ref-transport.ts`): compare-and-swap over one or several.
 */
import { mkdir } from 'node:fs/promises'
import { CodedError, RecentMap } from '../../util/index.ts'
import { TasksError } from '../errors.ts'
import { describeCommit, restackCommit } from './commits.ts'
import {
  firstParents,
  inspectObjects,
  inTheWay,
  listRefs,
  readCommits,
  type ObjectInfo,
} from './objects.ts'
import { createGitTransport, parseListing } from './git-transport.ts'
import { mergeCalls } from './merges.ts'
import { oidPattern } from './record.ts'
import { recorder, type RefTransport } from './ref-transport.ts'
import type { ClaimRepository, RawTip, RunGit } from './repository-types.ts'
import { createRemote, networkTimeoutMs, type RemoteInit } from './remote.ts'

export type { RefUpdate } from './ref-transport.ts'

export interface RepositoryInit {
  /** Directory of the bare repository; created when absent. */
  gitDir: string
  url: string
  token: RemoteInit['token']
  /** owner/name, for a credential that has several tokens. */
  repo?: string
  /** Asked before every command against the remote. Default: lets all pass. */
  outgoing?: RemoteInit['outgoing'] & {}
  /** Such as `refs/bzzz/claims/`. */
  refPrefix: string
}

export interface RepositoryComponents {
  git: RunGit
  /** Default: git. */
  transport?: RefTransport
  /** Default: 1,000. */
  maxKnownTips?: number
}

const maxHistory = 100
/** Tips kept read; of the claims of all issues that ever were, those not asked for longest are read anew. */
const MAX_KNOWN_TIPS = 1_000

const stale = (ref: string) =>
  new TasksError('CLAIM_STALE', `An old state of ${ref} was read.`, { data: { ref } })

function entryOf<K, V>(map: ReadonlyMap<K, V>, key: K): [K, V][] {
  const value = map.get(key)
  return value === undefined ? [] : [[key, value]]
}

/** Whole seconds in UTC: by REST the same commit, and so the same OID, can be made again. */
function identity(): Record<string, string> {
  const { name, email } = recorder
  const date = `${Math.floor(Date.now() / 1_000)} +0000`
  return {
    GIT_AUTHOR_NAME: name,
    GIT_AUTHOR_EMAIL: email,
    GIT_AUTHOR_DATE: date,
    GIT_COMMITTER_NAME: name,
    GIT_COMMITTER_EMAIL: email,
    GIT_COMMITTER_DATE: date,
  }
}

export async function openRepository(
  init: RepositoryInit,
  components: RepositoryComponents,
): Promise<ClaimRepository> {
  const { gitDir, url, refPrefix } = init
  const { git, maxKnownTips = MAX_KNOWN_TIPS } = components
  const { transport = createGitTransport(init, { git }) } = components
  const remote = createRemote(init, git)
  const seen = 'refs/seen/claims/'
  await mkdir(gitDir, { recursive: true, mode: 0o700 })
  await git(['init', '--quiet', '--bare', '.'], { cwd: gitDir })
  const emptyTree = (
    await git(['hash-object', '-t', 'tree', '-w', '--stdin'], { cwd: gitDir, input: '' })
  ).trim()

  /** What the local store holds, by name, and the tips that were read, by OID. */
  let local = new Map<string, ObjectInfo>()
  const known = new RecentMap<string, RawTip>(maxKnownTips)
  /** Branches that HEAD named, in the first listing and in the last. */
  const heads: { first?: string; last?: string } = {}

  /** A question whose answer is the exit code; `no` are the codes that mean no. */
  async function yes(args: string[], no: readonly number[]): Promise<boolean> {
    try {
      await git(args, { cwd: gitDir })
      return true
    } catch (error) {
      if (error instanceof CodedError && no.includes(Number(error.data['exitCode']))) return false
      throw error
    }
  }

  return {
    gitDir,
    async snapshot(signal, names) {
      // A listing first: most turns find nothing new, and an absent prefix is no error for it.
      const listed = await transport.list(refPrefix, signal)
      const current = new Map([...listed].map(([ref, oid]) => [ref.slice(refPrefix.length), oid]))
      const wanted = (name: string) => names?.has(name) ?? true
      const moved = [...current].some(([name, oid]) => wanted(name) && local.get(name)?.oid !== oid)
      if (moved) {
        const spec = `+${refPrefix}*:${seen}*`
        await remote(
          ['fetch', '--quiet', '--no-tags', '--no-write-fetch-head', '--prune', url, spec],
          signal,
        )
        local = await listRefs(git, gitDir, seen)
      } else {
        for (const name of local.keys()) if (!current.has(name)) local.delete(name)
      }
      const held = [...local].filter(([name]) => wanted(name))
      const before = new Map(held.flatMap(([, { oid }]) => entryOf(known, oid)))
      const unread = held.filter(([, { oid }]) => !before.has(oid)).map(([, object]) => object)
      const read = await readCommits(git, gitDir, unread)
      for (const [oid, tip] of [...before, ...read]) known.set(oid, tip)
      return new Map([
        ...inTheWay(current, refPrefix, names),
        ...held.flatMap(([name, { oid }]) => {
          const tip = before.get(oid) ?? read.get(oid)
          return tip === undefined ? [] : [[name, tip] as const]
        }),
      ])
    },
    async history(name, limit) {
      const tip = local.get(name)
      const count = Math.min(Math.floor(limit), maxHistory)
      if (tip?.type !== 'commit' || !(count > 0)) return []
      const oids = await firstParents(git, gitDir, tip.oid, count)
      const read = await readCommits(git, gitDir, await inspectObjects(git, gitDir, oids))
      return oids.flatMap((oid) => read.get(oid) ?? [])
    },
    read: (ref, signal) => transport.read(ref, signal),
    async mint(message, parent) {
      const args = ['commit-tree', emptyTree, ...(parent === null ? [] : ['-p', parent])]
      return (await git(args, { cwd: gitDir, input: message, env: identity() })).trim()
    },
    push: (updates, signal) => transport.compareAndSwap(updates, signal),
    async fetchBranches(branches, signal, witness) {
      const refs = branches.map((branch) => `refs/heads/${branch}`)
      const asked = witness === undefined ? [...refs, 'HEAD'] : [...refs, witness.ref]
      const text = await remote(['ls-remote', '--quiet', '--symref', url, ...asked], signal)
      const listed = parseListing(text)
      const head = /^ref: (refs\/heads\/\S+)\tHEAD$/m.exec(text)?.[1]
      if (head !== undefined) Object.assign(heads, { first: heads.first ?? head, last: head })
      if (witness !== undefined && listed.get(witness.ref) !== witness.oid) throw stale(witness.ref)
      const present = [...listed].filter(([ref]) => refs.includes(ref))
      const hasIt = (oid: string) => yes(['cat-file', '-e', `${oid}^{commit}`], [1, 128])
      const seenHead = (ref: string) => `refs/seen/heads/${ref.slice('refs/heads/'.length)}`
      const away: string[] = []
      for (const [ref, oid] of present) {
        if (await hasIt(oid)) await git(['update-ref', seenHead(ref), oid], { cwd: gitDir })
        else away.push(ref)
      }
      if (away.length > 0) {
        const specs = away.map((ref) => `+${ref}:${seenHead(ref)}`)
        await remote(
          ['fetch', '--quiet', '--no-tags', '--no-write-fetch-head', url, ...specs],
          signal,
        )
      }
      const now = async (ref: string, oid: string) => {
        if (!away.includes(ref)) return oid
        const got = (await git(['rev-parse', '--verify', seenHead(ref)], { cwd: gitDir })).trim()
        if (witness !== undefined && got !== oid) throw stale(ref)
        return got
      }
      return new Map(
        await Promise.all(
          present.map(async ([ref, oid]): Promise<[string, string]> => [
            ref.slice('refs/heads/'.length),
            await now(ref, oid),
          ]),
        ),
      )
    },
    headMoved: () => heads.first !== heads.last,
    async adopt(from, oid, signal) {
      if (!oidPattern.test(oid))
        throw new TasksError('CLAIM_REF_INVALID', 'The workspace named no commit.')
      const args = [
        'fetch',
        '--quiet',
        '--no-tags',
        '--no-write-fetch-head',
        from,
        `+${oid}:refs/work/${oid}`,
      ]
      await git(args, { cwd: gitDir, signal, timeoutMs: networkTimeoutMs, allowFile: true })
    },
    async drop(oid) {
      await git(['update-ref', '-d', `refs/work/${oid}`], { cwd: gitDir })
    },
    has: (oid) => yes(['cat-file', '-e', `${oid}^{commit}`], [1, 128]),
    isAncestor: (older, newer) => yes(['merge-base', '--is-ancestor', older, newer], [1]),
    ...mergeCalls(git, gitDir, identity),
    isRelated: (one, other) => yes(['merge-base', one, other], [1]),
    describe: (oid, maxBytes) => describeCommit(git, gitDir, oid, maxBytes),
    restack: (oid, onto, message) =>
      restackCommit(git, gitDir, { oid, onto, ...(message === undefined ? {} : { message }) }),
  }
}
