/** What the parts of help share. */
import type { EntryInput } from '../journal/index.ts'
import type { HelpLetterMessage, HelpMessage, HelpReceipt } from '../mesh/index.ts'
import { explain, RecentMap, systemClock, withDeadline, type Clock } from '../util/index.ts'
import type { Past } from './decide/whom.ts'
import { LINK_MS, MAX_PEERS } from './limits.ts'
import type { HelpComponents } from './types.ts'

export interface Context extends HelpComponents {
  readonly clock: Clock
  readonly random: () => number
  /** Fires when help stops. */
  signal(): AbortSignal
  count(name: string): void
  counters(): Record<string, number>
  /** On disk when it resolves. */
  write(entry: EntryInput): Promise<void>
  /** For what nobody relies on: a failure is logged. */
  note(entry: EntryInput): void
  past: (peerId: string) => Past | undefined
  learn(peerId: string, how: keyof Past): void
  /** In place of what was learnt before. */
  remember(past: ReadonlyMap<string, Past>): void
  /** Never rejects: what cannot be sent is `unreachable`. */
  send(to: string, message: HelpMessage, links?: number): Promise<HelpReceipt>
  /** Whether a message's author belongs to the mesh, with the records that it brought. */
  isMember(peerId: string, records: HelpLetterMessage['records']): Promise<boolean>
  /** Runs in the background; a failure is logged and counted. */
  spawn(what: string, work: () => Promise<void>): void
  /** Resolves when all that was spawned has ended. */
  settled(): Promise<void>
}

export const unreachable: HelpReceipt = { v: 1, outcome: 'unreachable' }
export const taken: HelpReceipt = { v: 1, outcome: 'taken' }
export const duplicate: HelpReceipt = { v: 1, outcome: 'duplicate' }
export const refused = (why: string): HelpReceipt => ({ v: 1, outcome: 'refused', why })

export function createContext(
  components: HelpComponents,
  { signal }: { signal: () => AbortSignal },
): Context {
  const { mesh, membership, journal, clock = systemClock, random = Math.random } = components
  const logger = components.logger.child({ room: 'help' })
  const counts = new Map<string, number>()
  const records = new RecentMap<string, Past>(MAX_PEERS)
  const running = new Set<Promise<void>>()
  const count = (name: string) => void counts.set(name, (counts.get(name) ?? 0) + 1)
  const write = async (entry: EntryInput) => void (await journal.append(entry, { durable: true }))

  const spawn: Context['spawn'] = (what, work) => {
    const done = work()
      .catch((error: unknown) => {
        if (signal().aborted) return
        count('failed')
        logger.warn({ what, error: explain(error) }, 'help: a step failed')
      })
      .finally(() => running.delete(done))
    running.add(done)
  }

  return {
    ...components,
    logger,
    clock,
    random,
    signal,
    count,
    counters: () => Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1))),
    write,
    note: (entry) => spawn(`note ${entry.type}`, async () => void (await journal.append(entry))),
    past: (peerId) => records.get(peerId),
    learn(peerId, how) {
      const before = records.get(peerId) ?? { used: 0, failed: 0 }
      records.set(peerId, { ...before, [how]: before[how] + 1 })
    },
    remember(past) {
      records.clear()
      for (const [peerId, one] of past) records.set(peerId, one)
    },
    async send(to, message, links = 1) {
      const timeoutMs = LINK_MS * links
      const send = (inner: AbortSignal) => mesh.sendHelp(to, message, { signal: inner, timeoutMs })
      count(`sent.${message.kind}`)
      try {
        return await withDeadline(`send ${message.kind} to ${to}`, timeoutMs, send, {
          signal: signal(),
          clock,
        })
      } catch (error) {
        count('unreachable')
        logger.debug({ to, kind: message.kind, error: explain(error) }, 'help: not sent')
        return unreachable
      }
    },
    async isMember(peerId, statements) {
      if (membership.standing(peerId) === 'member') return true
      if (statements.length === 0) return false
      await membership.merge(statements)
      return membership.standing(peerId) === 'member'
    },
    spawn,
    async settled() {
      while (running.size > 0) await Promise.all(running)
    },
  }
}
