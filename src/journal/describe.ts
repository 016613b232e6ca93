/**
 * What an entry says, in a few words for people, without its type and task, which are shown beside
 * it. One line for each type; the compiler finds the missing one. Pure.
 */
import { entryInputSchema, type EntryInput, type EntryType } from './entries.ts'

type Words = { [T in EntryType]: (entry: Extract<EntryInput, { type: T }>) => unknown[] }

const short = (id: string) => id.slice(0, 12)
const seconds = (ms: number) => `in ${(ms / 1_000).toFixed(1)} s`
const exit = (code: number | undefined) => code !== undefined && `exit ${code}`
const range = ({ base, head }: { base: string; head: string }) => `${short(base)}..${short(head)}`
const list = (label: string, words: readonly string[]) =>
  words.length > 0 && `${label} ${words.join(', ')}`

const words: Words = {
  'agent.started': ({ name, version, previous }) => [
    `${name} ${version}`,
    previous !== undefined && `goes on from epoch ${previous.epoch}: ${previous.reason}`,
  ],
  'agent.stopped': ({ reason }) => [reason],
  'peer.seen': ({ name, peerId }) => [name ?? peerId],
  'peer.lost': ({ peerId, reason }) => [peerId, reason],
  'issue.seen': ({ title, labels, needs }) => [title, list('labels', labels), list('needs', needs)],
  'claim.tried': ({ attempt }) => [`attempt ${attempt}`],
  'claim.won': ({ attempt, branch }) => [`attempt ${attempt}`, `branch ${branch}`],
  'claim.lost': ({ attempt, winner, reason }) => [
    `attempt ${attempt}`,
    winner !== undefined && `to ${winner}`,
    reason,
  ],
  'claim.renewed': ({ leaseMs }) => [`for ${leaseMs / 1_000} s`],
  'claim.released': ({ state, reason }) => [state, reason],
  'executor.started': ({ executor, kind }) => [executor, executor !== kind && kind],
  'executor.output': ({ bytes, truncated, sha256 }) => [
    `${bytes} bytes`,
    truncated && 'cut',
    `sha256 ${short(sha256)}`,
  ],
  'executor.ended': ({ executor, outcome, exitCode, durationMs }) => [
    executor,
    outcome,
    exit(exitCode),
    seconds(durationMs),
  ],
  'check.run': ({ name, outcome, exitCode, durationMs }) => [
    name,
    outcome,
    exit(exitCode),
    seconds(durationMs),
  ],
  'publish.intent': (entry) => [`branch ${entry.branch}`, range(entry)],
  pushed: (entry) => [`branch ${entry.branch}`, range(entry)],
  'pull.opened': ({ number, url, adopted }) => [`#${number}`, url, adopted && 'adopted'],
  'task.done': ({ pull, durationMs }) => [`pull request #${pull}`, seconds(durationMs)],
  'task.failed': ({ code, reason, durationMs }) => [code, reason, seconds(durationMs)],
  'task.cancelled': ({ reason }) => [reason],
  'task.waiting': ({ needs, reason }) => [list('needs', needs), reason],
}

/** One line; empty for types that this version does not know. Control characters become spaces. */
export function describeEntry(entry: { type: string }): string {
  const parsed = entryInputSchema.safeParse(entry)
  if (!parsed.success) return ''
  const describe = words[parsed.data.type] as (entry: EntryInput) => unknown[]
  const said = describe(parsed.data).filter((word) => typeof word === 'string' && word !== '')
  return said.join(', ').replaceAll(/\p{Cc}+/gu, ' ')
}
