/**
 * Peers in model time: rooms of help over a network of links that delays, loses, repeats and cuts, each
 * with a journal in memory. Keys and signatures are real.
 */
import { generateKeyPairSync, sign, verify, type KeyObject } from 'node:crypto'
import { createHelp, type Help, type Helper, type HelpPeer } from '../../../src/help/index.ts'
import type { EntryInput, LoggedEntry } from '../../../src/journal/index.ts'
import { helpMessageSchema, type HelpMessage, type HelpReceipt } from '../../../src/mesh/index.ts'
import { encodeJson, nullLogger, type Clock } from '../../../src/util/index.ts'

const alphabet = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'
export const idOf = (at: number): string => `12D3KooW${(alphabet[at] ?? 'z').repeat(44)}`
export const meshId = 'ee'.repeat(32)
const keys: { privateKey: KeyObject; publicKey: KeyObject }[] = []
export const keyOf = (at: number) => (keys[at] ??= generateKeyPairSync('ed25519'))

export interface ModelClock extends Clock {
  /** Runs timers up to `ms` from now, or until `done`. */
  run(ms: number, done?: () => boolean): Promise<void>
}

export function modelClock(): ModelClock {
  let at = 0
  const timers = new Set<{ at: number; run: () => void }>()
  const settle = async () => {
    for (let turn = 0; turn < 2; turn += 1) await new Promise((resolve) => setImmediate(resolve))
  }
  return {
    now: () => 1_700_000_000_000 + at,
    monotonic: () => at,
    after(ms, run) {
      const timer = { at: at + Math.max(0, ms), run }
      timers.add(timer)
      return () => void timers.delete(timer)
    },
    async run(ms, done = () => false) {
      const end = at + ms
      await settle()
      while (!done()) {
        let next: { at: number; run: () => void } | undefined
        for (const timer of timers) if (next === undefined || timer.at < next.at) next = timer
        if (next === undefined || next.at > end) break
        timers.delete(next)
        at = Math.max(at, next.at)
        next.run()
        await settle()
      }
      if (!done()) at = end
    },
  }
}

export interface Frame {
  from: string
  to: string
  message: HelpMessage
  bytes: number
  receipt?: HelpReceipt
}

export interface WorldInit {
  count: number
  links: readonly (readonly [number, number])[]
  /** Peers that help; others forward. */
  helpers?: readonly number[]
  helper?: (at: number) => Helper
  random?: () => number
  /** Peers see of each other who can help: they announce a tag, as in `needs`. */
  known?: boolean
  /** Chance of loss of a message or its receipt, and of a second delivery. */
  loss?: number
  repeat?: number
  /** Longest delay of a message, ms. */
  delayMs?: number
  /** What a liar sends instead; undefined: nothing. */
  lies?: (message: HelpMessage, from: number, to: number) => HelpMessage | undefined
}

export interface World {
  clock: ModelClock
  frames: Frame[]
  help(at: number): Help
  journal(at: number): LoggedEntry[]
  /** Of all. */
  entries(): LoggedEntry[]
  /** Helpers that were at work, in order of begin. */
  began: { at: number; id: string; signal: AbortSignal }[]
  cut(a: number, b: number): void
  join(a: number, b: number): void
  /** The process dies: nothing of its memory is left, its journal is. */
  kill(at: number): Promise<void>
  restart(at: number): Promise<void>
  isGone(at: number): boolean
  /** As if it had sent that. */
  inject(from: number, to: number, message: HelpMessage): Promise<HelpReceipt>
  signer(at: number): { peerId: string; sign(data: Uint8Array): Promise<Uint8Array> }
  stop(): Promise<void>
}

export const tick = () => new Promise((resolve) => setImmediate(resolve))

export async function createWorld(init: WorldInit): Promise<World> {
  const { count, helpers = [], random = Math.random, loss = 0, repeat = 0, delayMs = 10 } = init
  const clock = modelClock()
  const frames: Frame[] = []
  const linked = new Set<string>()
  const key = (a: number, b: number) => (a < b ? `${a}-${b}` : `${b}-${a}`)
  for (const [a, b] of init.links) linked.add(key(a, b))
  const down = new Set<number>()
  const ids = Array.from({ length: count }, (_, at) => idOf(at))
  const journals: LoggedEntry[][] = ids.map(() => [])
  const handlers: (((message: HelpMessage, from: string) => Promise<HelpReceipt>) | undefined)[] =
    []
  const generation = ids.map(() => 0)
  const began: World['began'] = []
  const rooms: Help[] = []

  const signer = (at: number) => ({
    peerId: idOf(at),
    sign: async (data: Uint8Array) => new Uint8Array(sign(null, data, keyOf(at).privateKey)),
  })
  const check = async (peerId: string, data: Uint8Array, signature: Uint8Array) => {
    const at = ids.indexOf(peerId)
    return at >= 0 && verify(null, data, keyOf(at).publicKey, signature)
  }
  const wait = (ms: number) => new Promise<void>((resolve) => clock.after(ms, resolve))

  async function deliver(from: number, to: number, message: HelpMessage): Promise<HelpReceipt> {
    const bytes = encodeJson(message).byteLength
    const frame: Frame = { from: idOf(from), to: idOf(to), message, bytes }
    frames.push(frame)
    await wait(random() * delayMs)
    const handler = handlers[to]
    if (!linked.has(key(from, to)) || handler === undefined) throw new Error('unreachable')
    if (random() < loss) {
      await wait(60_000)
      throw new Error('lost')
    }
    const checked = helpMessageSchema.parse(JSON.parse(JSON.stringify(message)))
    if (random() < repeat) void handler(structuredClone(checked), idOf(from)).catch(() => undefined)
    const receipt = await handler(checked, idOf(from))
    frame.receipt = receipt
    if (random() < loss) await wait(60_000)
    return receipt
  }

  const makeHelper = (at: number): Helper => {
    const inner = init.helper?.(at)
    return {
      offer: (question) =>
        inner?.offer?.(question) ??
        (helpers.includes(at)
          ? { ready: true, fitness: 500 + at, reason: 'it can' }
          : { ready: false, reason: 'it cannot' }),
      async help(question, signal, budget) {
        began.push({ at, id: question.id, signal })
        if (inner !== undefined) return inner.help(question, signal, budget)
        await wait(1_000)
        return { form: 'advice', text: `by ${at}` }
      },
    }
  }

  function make(at: number): Help {
    const self = idOf(at)
    const born = (generation[at] ?? 0) + 1
    generation[at] = born
    const dead = () => generation[at] !== born
    const never = new Promise<never>(() => {})
    const peers = (): HelpPeer[] =>
      ids.flatMap((peerId, other) => {
        if (other === at) return []
        const connected = linked.has(key(at, other)) && !down.has(other)
        const capabilities = {
          roles: ['worker' as const],
          slots: { total: 1, used: 0 },
          cpu: { cores: 1, load1: 0 },
          tags: init.known === true && helpers.includes(other) ? ['gpu'] : [],
        }
        return [{ peerId, connected, presence: down.has(other) ? 'gone' : 'alive', capabilities }]
      })
    return createHelp({
      mesh: {
        ...signer(at),
        async sendHelp(to, message) {
          if (dead()) return never
          const target = ids.indexOf(to)
          const said = init.lies === undefined ? message : init.lies(message, at, target)
          if (said === undefined) return { v: 1, outcome: 'taken' }
          return deliver(at, target, said)
        },
        handleHelp(handler) {
          const mine = (message: HelpMessage, from: string) =>
            dead() ? never : handler(message, from)
          handlers[at] = mine
          return () => {
            if (handlers[at] === mine) handlers[at] = undefined
          }
        },
        peers,
      },
      membership: { meshId, standing: () => 'member', proof: () => [], merge: async () => ({}) },
      journal: {
        async append(input: EntryInput) {
          if (dead()) return never
          const list = journals[at] ?? []
          const entry = { ...input, v: 1 as const, epoch: 0, seq: list.length, time: clock.now() }
          list.push({ ...entry, agent: `p${at}`, peerId: self })
          return entry
        },
        async *read({ types }) {
          for (const entry of journals[at] ?? []) {
            if (types === undefined || types.includes(entry.type as never)) yield entry
          }
        },
      },
      verify: check,
      helper: makeHelper(at),
      lacks: (needs, { tags = [] }) =>
        init.known === true ? needs.filter((need) => !tags.includes(need)) : [],
      logger: nullLogger,
      clock,
      random,
    })
  }

  for (const at of ids.keys()) {
    const room = make(at)
    rooms.push(room)
    await room.start()
  }
  const help = (at: number): Help => {
    const room = rooms[at]
    if (room === undefined) throw new Error(`no peer ${at}`)
    return room
  }
  return {
    clock,
    frames,
    help,
    journal: (at) => journals[at] ?? [],
    entries: () => journals.flat(),
    began,
    cut: (a, b) => void linked.delete(key(a, b)),
    join: (a, b) => void linked.add(key(a, b)),
    async kill(at) {
      generation[at] = (generation[at] ?? 0) + 1
      handlers[at] = undefined
      down.add(at)
      await tick()
    },
    async restart(at) {
      down.delete(at)
      const room = make(at)
      rooms[at] = room
      await room.start()
    },
    isGone: (at) => down.has(at),
    inject: deliver,
    signer,
    async stop() {
      let isDone = false
      const stopping = Promise.all(
        rooms.filter((_, at) => !down.has(at)).map((room) => room.stop()),
      ).then(() => (isDone = true))
      await clock.run(120_000, () => isDone)
      await stopping
    },
  }
}

export const line = (count: number): [number, number][] =>
  Array.from({ length: count - 1 }, (_, at) => [at, at + 1])
export const ring = (count: number): [number, number][] => [...line(count), [0, count - 1]]
export const star = (count: number, hub = 1): [number, number][] =>
  Array.from({ length: count }, (_, at): [number, number] => [hub, at]).filter(([a, b]) => a !== b)
