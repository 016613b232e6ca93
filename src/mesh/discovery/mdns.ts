/**
 * Finds peers on the same link by multicast DNS, with one socket per interface.
 *
 * libp2p's own mDNS binds one socket to the default route's interface and reports each peer once.
 * This one reports every answer (the dialer decides), watches the set of interfaces, and starts
 * all sockets anew when it changes, because the kernel drops memberships with an interface even
 * if it comes back with the same address. On start it asks at once and a few times soon after,
 * then every `intervalMs`; it also announces itself unasked, so that others need not ask. Since
 * everyone hears every question and answer, one who just heard the question does not repeat it:
 * n peers make about n packets in an interval, not n².
 */
import multicastDns from 'multicast-dns'
import type { MulticastDNS } from 'multicast-dns'
import {
  explain,
  repeat,
  systemClock,
  type Clock,
  type Logger,
  type Startable,
} from '../../util/index.ts'
import { announceableOn, type LocalAddress } from '../node/addresses.ts'
import type { Counters } from '../counters.ts'
import type { MulticastState } from '../types.ts'
import { cameOver, chooseInterfaces, sameInterfaces, type MdnsInterface } from './interfaces.ts'
import { answer, isQuestion, question, readAnswer, serviceTag, type Found } from './packets.ts'

/** Questions at the start of a socket, ms after it. */
const EARLY_QUESTIONS_MS = [0, 250, 1000, 3000]
/** An answer waits this long, so that several questions get one, ms. */
const ANSWER_DELAY_MS = 20
/** Least time between answers, ms: all hear each of them anyway. */
const ANSWER_PAUSE_MS = 250
const CLOSE_TIMEOUT_MS = 1000

export interface MdnsInit {
  meshName: string
  peerId: string
  /** Names of interfaces; absent for all usable. */
  interfaces?: readonly string[] | undefined
  /** Between questions, ms. */
  intervalMs: number
  /** UDP port; several processes share it. */
  port: number
  /** How often the set of interfaces is looked at, ms. */
  watchMs: number
  /** Own multiaddrs with peer id, unfiltered. */
  listening: () => string[]
  /** Only asks: others are not told of this peer. */
  silent?: boolean
  onFound: (found: Found) => void
}

export interface MdnsComponents {
  local: () => LocalAddress[]
  counters: Counters
  logger: Logger
  clock?: Clock
}

export interface Mdns extends Startable {
  /** The interfaces that are used now. */
  state(): MulticastState[]
}

export function createMdns(init: MdnsInit, components: MdnsComponents): Mdns {
  const { local, counters, logger, clock = systemClock } = components
  const tag = serviceTag(init.meshName)
  let sockets: MdnsSocket[] = []
  let chosen: MdnsInterface[] = []

  async function watch(): Promise<void> {
    const now = chooseInterfaces(local(), init.listening(), init.interfaces)
    const broken = sockets.some((socket) => socket.broken)
    if (!broken && sameInterfaces(now, chosen)) return
    const names = now.map(({ name }) => name)
    if (names.length === 0) {
      logger.warn({ asked: init.interfaces }, 'mDNS has no interface to use and finds nobody')
    } else logger.info({ interfaces: names }, 'mDNS uses these interfaces')
    if (chosen.length > 0) counters.add('mdns.restarts')
    await closeAll()
    chosen = now
    sockets = now.map((at) => open(at))
  }

  async function closeAll(): Promise<void> {
    const old = sockets
    sockets = []
    chosen = []
    await Promise.all(old.map((socket) => socket.close()))
  }

  function open(at: MdnsInterface): MdnsSocket {
    return new MdnsSocket({ init, tag, at, counters, logger, clock, local })
  }

  const watcher = repeat(watch, {
    everyMs: init.watchMs,
    onError: (error) => logger.warn({ error: explain(error) }, 'mDNS failed'),
    clock,
  })
  const asker = repeat(async () => sockets.forEach((socket) => socket.askUnlessHeard()), {
    everyMs: init.intervalMs,
    immediate: false,
    onError: (error) => logger.warn({ error: explain(error) }, 'mDNS failed'),
    clock,
  })

  return {
    async start() {
      await watch()
      await watcher.start()
      await asker.start()
    },
    async stop() {
      await Promise.all([watcher.stop(), asker.stop()])
      await closeAll()
    },
    state: () => sockets.map((socket) => socket.state()),
  }
}

interface SocketContext extends MdnsComponents {
  init: MdnsInit
  tag: string
  at: MdnsInterface
  clock: Clock
}

class MdnsSocket {
  /** Could not be opened or failed; the next look at the interfaces opens it anew. */
  broken = false
  #answers = 0
  readonly #context: SocketContext
  readonly #socket: MulticastDNS
  readonly #cancels = new Set<() => void>()
  #answering = false
  #answeredAt = Number.NEGATIVE_INFINITY
  #questionAt = Number.NEGATIVE_INFINITY
  #closed = false

  constructor(context: SocketContext) {
    this.#context = context
    const { init, at, counters, logger, local, tag } = context
    // Bound to every address: on Linux a socket that is bound to one gets no multicasts.
    this.#socket = multicastDns({ port: init.port, interface: at.address, bind: '0.0.0.0' })
    this.#socket.on('query', (packet, { address }) => {
      if (!cameOver(address, at, local()) || !isQuestion(packet, tag)) return
      this.#questionAt = context.clock.monotonic()
      this.#answerSoon()
    })
    this.#socket.on('response', (packet, { address }) => {
      if (!cameOver(address, at, local())) return
      const found = readAnswer(packet, tag)
      if (found === undefined || found.peerId === init.peerId) return
      counters.add('mdns.answers')
      this.#answers += 1
      init.onFound(found)
    })
    const failed = (error: Error) => {
      this.broken = true
      counters.add('mdns.failed')
      logger.warn({ interface: at.name, error: explain(error) }, 'mDNS socket failed')
    }
    this.#socket.on('error', failed)
    this.#socket.on('warning', (error) => {
      if ('syscall' in error) failed(error)
      else counters.add('mdns.malformed')
    })
    this.#socket.on('ready', () => {
      for (const ms of EARLY_QUESTIONS_MS) this.#later(ms, () => this.#ask())
      this.#answerSoon()
    })
  }

  state(): MulticastState {
    const { name, address } = this.#context.at
    return { interface: name, address, ok: !this.broken && !this.#closed, answers: this.#answers }
  }

  askUnlessHeard(): void {
    const { clock, init } = this.#context
    if (clock.monotonic() - this.#questionAt > init.intervalMs / 2) this.#ask()
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    for (const cancel of this.#cancels) cancel()
    this.#cancels.clear()
    await new Promise<void>((resolve) => {
      const cancel = this.#context.clock.after(CLOSE_TIMEOUT_MS, resolve)
      this.#socket.destroy(() => {
        cancel()
        resolve()
      })
    })
  }

  #ask(): void {
    if (!this.#closed) this.#socket.query(question(this.#context.tag))
  }

  #answerSoon(): void {
    if (this.#answering || this.#context.init.silent === true) return
    this.#answering = true
    const { clock } = this.#context
    const earliest = this.#answeredAt + ANSWER_PAUSE_MS - clock.monotonic()
    this.#later(Math.max(ANSWER_DELAY_MS, earliest), () => {
      this.#answering = false
      this.#answeredAt = clock.monotonic()
      const { init, at, local, tag } = this.#context
      const addresses = announceableOn(init.listening(), at, local())
      if (addresses.length === 0) return
      this.#socket.respond(answer(tag, { peerId: init.peerId, addresses }))
    })
  }

  #later(ms: number, run: () => void): void {
    const cancel = this.#context.clock.after(ms, () => {
      this.#cancels.delete(cancel)
      if (!this.#closed) run()
    })
    this.#cancels.add(cancel)
  }
}
