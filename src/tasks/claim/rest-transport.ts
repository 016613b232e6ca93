/**
 * Refs by REST and GraphQL, for servers and proxies that do not take pushes to the claims' namespace.
 *
 * A record is minted in the local store, so that its OID is in the journal before anything is sent;
 * then the same commit is made by `POST /git/commits`, and GitHub's OID must be the same. One claim
 * ref moves by `POST /git/refs` (create-only) or `PATCH` with `force: false`: a record's only parent
 * is the tip that was expected, so on an append-only ref fast-forward is compare-and-swap. (A ref that
 * somebody forced back to an older record of its own chain would be moved on; git's lease refuses it.)
 *
 * Publication moves the claim and the work branch by one `updateRefs` with `beforeOid`. The work is
 * more than REST should carry, so git pushes it first to a ref of its own beside the claims, which
 * the same `updateRefs` deletes. So this transport spares git the moving of refs, not the objects.
 */
import { explain, RecentMap, throwIfAborted } from '../../util/index.ts'
import { TasksError } from '../errors.ts'
import { recorder, type RefTransport, type RefUpdate } from './ref-transport.ts'
import { refusalOf } from './refusal.ts'
import { createRemote, type RemoteInit } from './remote.ts'
import type { RunGit } from './repository-types.ts'

/** The calls, as `github/refs.ts` explains them. */
export interface RestRefs {
  list(prefix: string, signal: AbortSignal): Promise<Map<string, string>>
  createCommit(
    commit: {
      message: string
      tree: string
      parents: string[]
      person: { name: string; email: string; date: string }
    },
    signal: AbortSignal,
  ): Promise<string>
  create(ref: string, oid: string, signal: AbortSignal): Promise<void>
  forward(ref: string, oid: string, signal: AbortSignal): Promise<void>
  remove(ref: string, signal: AbortSignal): Promise<void>
  updateAll(
    updates: { name: string; beforeOid: string; afterOid: string; force?: boolean }[],
    signal: AbortSignal,
  ): Promise<void>
}

export interface RestTransportInit extends RemoteInit {
  /** Such as `refs/bzzz/claims/`: what is below it is a record, all else is work. */
  refPrefix: string
}

const zeros = '0'.repeat(40)
/** Records whose upload is remembered, so that trying the same OID again costs one write less. */
const maxUploaded = 64

export function createRestTransport(
  init: RestTransportInit,
  { git, api }: { git: RunGit; api: RestRefs },
): RefTransport {
  const { gitDir, url, refPrefix } = init
  const remote = createRemote(init, git)
  const uploaded = new RecentMap<string, true>(maxUploaded)
  const isRecord = ({ ref }: RefUpdate) => ref.startsWith(refPrefix)
  const stageOf = (oid: string) => `${refPrefix.slice(0, -1)}-work/${oid}`

  async function upload({ ref, expected, next }: RefUpdate, signal: AbortSignal): Promise<void> {
    const record = parseRecord(await git(['cat-file', 'commit', next], { cwd: gitDir, signal }))
    if (record === undefined || (record.parents[0] ?? null) !== expected)
      throw new TypeError(`${next} does not follow ${expected ?? 'nothing'} in ${ref}.`)
    if (uploaded.get(next) === true) return
    const made = await api.createCommit(record, signal)
    if (made !== next) {
      throw new TasksError('CLAIM_RECORD_ALTERED', 'GitHub altered a claim record.', {
        data: { ref, oid: next, made },
        next: 'Set github.claims.transport to git.',
      })
    }
    uploaded.set(next, true)
  }

  async function moveAll(updates: readonly RefUpdate[], signal: AbortSignal): Promise<void> {
    const work = updates.filter((update) => !isRecord(update)).map(({ next }) => next)
    const stages = [...new Set(work)].map((oid) => ({ oid, name: stageOf(oid) }))
    if (stages.length > 0) {
      const specs = stages.map(({ oid, name }) => `+${oid}:${name}`)
      await remote(['push', '--quiet', '--no-verify', url, ...specs], signal)
    }
    const moves = updates.map(({ ref, expected, next, force = false }) => ({
      name: ref,
      beforeOid: expected ?? zeros,
      afterOid: next,
      force,
    }))
    const ends = stages.map(({ oid, name }) => ({ name, beforeOid: oid, afterOid: zeros }))
    try {
      await api.updateAll([...moves, ...ends], signal)
    } catch (error) {
      await unstage(
        stages.map(({ name }) => name),
        error,
        signal,
      )
      throw error
    }
  }

  /** What stays behind by a second failure is named in the error. */
  async function unstage(names: string[], cause: unknown, signal: AbortSignal): Promise<void> {
    for (const name of names) {
      await api.remove(name, signal).catch((error: unknown) => {
        const message = `${explain(cause)}; ${name} was left behind: ${explain(error)}`
        throw new TasksError('CLAIM_UNKNOWN', message, { data: { ref: name }, cause })
      })
    }
  }

  return {
    list: (prefix, signal) => api.list(prefix, signal),
    read: async (ref, signal) => (await api.list(ref, signal)).get(ref),
    async compareAndSwap(updates, signal) {
      throwIfAborted(signal)
      try {
        for (const update of updates.filter(isRecord)) await upload(update, signal)
        const [only] = updates
        if (only === undefined || updates.length > 1 || !isRecord(only))
          await moveAll(updates, signal)
        else if (only.expected === null) await api.create(only.ref, only.next, signal)
        else await api.forward(only.ref, only.next, signal)
        return { is: 'moved' }
      } catch (error) {
        return { is: 'unmoved', error, reason: refusalOf(error) }
      }
    },
  }
}

/** A commit as `mint` writes it, in the form of the API; undefined for any other. */
function parseRecord(raw: string) {
  const head =
    /^tree (\w+)\n(?:parent (\w+)\n)?author .+ (\d+) \+0000\ncommitter .+ (\d+) \+0000\n\n/.exec(
      raw,
    )
  const [all = '', tree = '', parent, at = '', committed = ''] = head ?? []
  if (head === null || at !== committed) return undefined
  return {
    message: raw.slice(all.length),
    tree,
    parents: parent === undefined ? [] : [parent],
    person: {
      ...recorder,
      date: new Date(Number(at) * 1_000).toISOString().replace('.000Z', 'Z'),
    },
  }
}
