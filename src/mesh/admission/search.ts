/**
 * One search for a mesh to join: whom it knows, whom it is asking, and what came of it. Which peer is
 * asked when is decided in `candidates.ts`.
 */
import { networkInterfaces } from 'node:os'
import type { Libp2p } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import {
  decodeJson,
  encodeJson,
  explain,
  hasCode,
  sleep,
  throwIfAborted,
  withDeadline,
  type Clock,
  type Logger,
} from '../../util/index.ts'
import { dialable, localAddresses, parseAddress } from '../node/addresses.ts'
import { Candidates, type Candidate, type Refused } from './candidates.ts'
import { MeshError } from '../errors.ts'
import type { Joiner, JoinStep, Membership } from '../membership/types.ts'
import { DIAL_TIMEOUT_MS } from '../node/node.ts'
import { adviceFor } from './refusals.ts'
import { request } from '../streams/request.ts'
import { join } from '../wire.ts'

/** Candidates that are asked at the same time. */
export const MAX_PARALLEL_ASKS = 4
/** Peers found by mDNS wait this long when the token says whom to ask, ms. */
const MDNS_PATIENCE_MS = 500
/** Signers that are taken from one answer. */
const MAX_SIGNERS = 8
const TICK_MS = 100

export type JoinProgress =
  | { is: 'pending'; words: string; meshId: string; meshName: string; responder: string }
  | { is: 'elsewhere'; responder: string }
  /** By this peer; unless final, others are asked on. */
  | { is: 'refused'; code: string; message: string; final: boolean; responder: string }
  /** A peer could not be asked. */
  | { is: 'unreachable'; peer: string; error: string }

export interface SearchInit {
  joiner: Joiner
  /** Multiaddrs to ask besides those in the token. */
  addresses: readonly string[]
  onStep: (step: JoinProgress) => void
}

export interface SearchComponents {
  clock: Clock
  logger: Logger
  random: () => number
}

export class Search {
  readonly #init: SearchInit
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #random: () => number
  readonly #candidates = new Candidates()
  readonly #asking = new Set<string>()
  #joined: Membership | undefined
  #refusal: Refused | undefined
  #last: string | undefined
  #pause = new AbortController()
  #stopped = false
  /** Answers are taken one after the other: two that admit must not both write the home. */
  #accepting: Promise<unknown> = Promise.resolve()

  constructor(init: SearchInit, { clock, logger, random }: SearchComponents) {
    this.#init = init
    this.#clock = clock
    this.#logger = logger
    this.#random = random
    for (const address of [...init.addresses, ...(init.joiner.token?.addresses ?? [])]) {
      const peerId = parseAddress(address)?.peerId
      this.#learn(peerId ?? address, [address], { known: true })
    }
  }

  found(peerId: string, addresses: readonly string[]): void {
    const patience = this.#init.joiner.token === undefined ? 0 : MDNS_PATIENCE_MS
    this.#learn(peerId, addresses, { known: false, afterMs: patience })
  }

  stop(): void {
    this.#stopped = true
    this.#pause.abort()
  }

  async run(node: Libp2p, signal: AbortSignal): Promise<Membership> {
    while (!this.#stopped) {
      throwIfAborted(signal)
      if (this.#joined !== undefined) return this.#joined
      const now = this.#clock.monotonic()
      const refusal = this.#refusal ?? this.#candidates.exhausted(now)
      if (refusal !== undefined) throw refusedBy(refusal)
      for (const at of this.#candidates.due(now, (key) => this.#asking.has(key))) {
        if (this.#asking.size >= MAX_PARALLEL_ASKS) break
        void this.#ask(node, at, signal)
      }
      this.#pause = new AbortController()
      const options = { signal: this.#pause.signal, clock: this.#clock }
      await sleep(TICK_MS, options).catch(() => undefined)
    }
    throw new MeshError('MESH_STOPPED', 'The search for the mesh was stopped.')
  }

  /** The error to end with when the deadline passed. */
  timedOut(error: unknown): unknown {
    if (!hasCode(error, 'DEADLINE')) return error
    const peers = this.#candidates.size
    const why = this.#last === undefined ? '' : ` The last attempt: ${this.#last}`
    return new MeshError(
      'JOIN_TIMEOUT',
      peers === 0
        ? 'No member of the mesh was found in time.'
        : `None of the ${peers} peers that were found admitted this machine in time.${why}`,
      {
        data: { peers },
        next:
          peers === 0
            ? 'Check that an agent of the mesh runs and that this machine can reach it; give its address with --address.'
            : 'Check that the agent that made the token runs (bzzz status there), or approve this machine there with: bzzz peers approve.',
        cause: error,
      },
    )
  }

  #learn(
    key: string,
    addresses: readonly string[],
    { known, afterMs = 0 }: { known: boolean; afterMs?: number },
  ): void {
    if (key === this.#init.joiner.peerId) return
    this.#candidates.learn(key, addresses, {
      known,
      notBefore: this.#clock.monotonic() + afterMs,
    })
    if (afterMs === 0) this.#pause.abort()
  }

  async #ask(node: Libp2p, { key, addresses }: Candidate, signal: AbortSignal): Promise<void> {
    this.#asking.add(key)
    try {
      const { responder, answer } = await this.#exchange(node, key, addresses, signal)
      const step = await this.#accept(answer, responder)
      if (step !== undefined) this.#took(key, responder, step)
    } catch (error) {
      this.#last = explain(error)
      this.#candidates.failed(key, this.#clock.monotonic(), this.#random)
      this.#logger.debug({ peer: key, error: explain(error) }, 'could not ask to join')
      this.#init.onStep({ is: 'unreachable', peer: key, error: explain(error) })
    } finally {
      this.#asking.delete(key)
      this.#pause.abort()
    }
  }

  async #exchange(node: Libp2p, key: string, addresses: readonly string[], signal: AbortSignal) {
    const targets = dialable(addresses, localAddresses(networkInterfaces())).map((text) => {
      const address = multiaddr(text)
      const named = key.startsWith('/') || parseAddress(text)?.peerId !== undefined
      return named ? address : address.encapsulate(`/p2p/${key}`)
    })
    const clock = this.#clock
    const dial = (inner: AbortSignal) => node.dial(targets, { signal: inner })
    const connection = await withDeadline(`dial ${key}`, DIAL_TIMEOUT_MS, dial, { signal, clock })
    try {
      const responder = connection.remotePeer.toString()
      const message = encodeJson(await this.#init.joiner.message(responder))
      const { protocol, maxResponseBytes: maxBytes, timeoutMs } = join
      const options = { maxBytes, signal, timeoutMs, clock }
      return { responder, answer: await request(node, responder, protocol, message, options) }
    } finally {
      connection.abort(new Error('The question was answered.'))
    }
  }

  async #accept(answer: Uint8Array, responder: string): Promise<JoinStep | undefined> {
    const take = async () => {
      if (this.#joined !== undefined) return undefined
      const { response: schema, maxResponseBytes: maxBytes } = join
      const message = decodeJson(answer, { what: 'answer of the mesh', schema, maxBytes })
      const step = await this.#init.joiner.accept(message, responder)
      if (step.is === 'joined') this.#joined = step.membership
      return step
    }
    const taken = this.#accepting.then(take)
    this.#accepting = taken.catch(() => undefined)
    return taken
  }

  #took(key: string, responder: string, step: JoinStep): void {
    const now = this.#clock.monotonic()
    switch (step.is) {
      case 'joined':
        return
      case 'pending':
        this.#candidates.waiting(key, now)
        this.#init.onStep({ ...step, responder })
        return
      case 'elsewhere':
        for (const { peerId, addresses } of step.signers.slice(0, MAX_SIGNERS)) {
          this.#learn(peerId, addresses, { known: this.#candidates.isKnown(key) })
        }
        this.#candidates.elsewhere(key, now)
        this.#init.onStep({ is: 'elsewhere', responder })
        return
      case 'refused':
        this.#last = step.message
        this.#refusal ??= this.#candidates.refused(key, step, now, this.#random)
        this.#init.onStep({ ...step, responder })
    }
  }
}

function refusedBy({ code, message }: Refused): MeshError {
  return new MeshError('JOIN_REFUSED', message, { data: { code }, next: adviceFor(code) })
}
