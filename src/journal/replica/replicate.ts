/**
 * Replication streams: at most one per peer, over what the transport gives. Of two peers the one with
 * the lower id dials and redials with back-off; the other waits. A stream carries every journal that
 * both sides know; corestore answers for any key that is stored here and for no other.
 *
 * Each peer that is dialled:
 *   dialling ──→ streaming ──(closed)──→ pausing ──→ dialling …
 *      └─(failed)─→ pausing ──(connect)──→ dialling; too many failures in a row or disconnect: gone
 */
import type { Duplex } from 'node:stream'
import type Corestore from 'corestore'
import { explain, sleep, type Clock, type Logger } from '../../util/index.ts'
import { FramedStream } from './framed.ts'
import type { JournalLimits, JournalTransport } from '../types.ts'

export interface ReplicationComponents {
  store: Corestore
  transport: JournalTransport
  logger: Logger
  clock: Clock
}

export interface Replication {
  connect(peerId: string): void
  disconnect(peerId: string): void
  /** Peers with an open stream. */
  readonly size: number
  /** Closes every stream and ends every redial. */
  stop(): Promise<void>
}

interface Dialler {
  stopping: AbortController
  pause: AbortController
  failures: number
}

/** A stream that lived so long was a success: the next pause is the shortest again. */
const settledMs = 10_000

export function createReplication(
  limits: JournalLimits,
  { store, transport, logger, clock }: ReplicationComponents,
): Replication {
  const open = new Map<string, Duplex>()
  const diallers = new Map<string, Dialler>()
  const running = new Set<Promise<void>>()
  let isStopping = false

  const unhandle = transport.handleJournal((stream, peerId) => {
    const known = open.get(peerId)
    const isOurs = transport.peerId < peerId && known !== undefined
    if (isStopping || isOurs || (known === undefined && open.size >= limits.maxStreams)) {
      if (!isOurs) logger.warn({ peerId }, 'a replication stream was refused')
      stream.on('error', () => undefined)
      stream.destroy()
      return
    }
    void run(stream, peerId, false)
  })

  /** Replicates until the stream closes, in place of an earlier stream; never rejects. */
  function run(stream: Duplex, peerId: string, isInitiator: boolean): Promise<void> {
    const ends = { isInitiator, peerId: transport.peerId, remotePeerId: peerId }
    const framed = new FramedStream(stream, ends)
    store.replicate(framed)
    framed.setTimeout(limits.streamIdleMs)
    const done = new Promise<void>((resolve) => {
      framed.on('error', (error) =>
        logger.debug({ peerId, error: explain(error) }, 'a replication stream failed'),
      )
      framed.on('close', () => {
        if (stream.closed) ended()
        else stream.on('close', ended)
      })
      const ended = () => {
        if (open.get(peerId) === stream) open.delete(peerId)
        resolve()
      }
    })
    open.get(peerId)?.destroy()
    open.set(peerId, stream)
    return track(done)
  }

  /** Lets `stop` wait for it. */
  function track(done: Promise<void>): Promise<void> {
    running.add(done)
    void done.finally(() => running.delete(done))
    return done
  }

  async function dial(peerId: string, dialler: Dialler): Promise<void> {
    const { signal } = dialler.stopping
    while (!signal.aborted && dialler.failures < limits.maxRedials) {
      const started = clock.monotonic()
      try {
        if (open.size >= limits.maxStreams) throw new Error('too many streams are open')
        const timeoutMs = limits.openTimeoutMs
        const stream = await transport.openJournal(peerId, { signal, timeoutMs })
        if (signal.aborted) stream.destroy()
        else await run(stream, peerId, true)
      } catch (error) {
        logger.debug({ peerId, error: explain(error) }, 'no replication stream')
      }
      if (signal.aborted) break
      const lasted = clock.monotonic() - started
      dialler.failures = lasted >= settledMs ? 0 : dialler.failures + 1
      dialler.pause = new AbortController()
      const delay = Math.min(limits.maxRedialMs, limits.redialMs * 2 ** dialler.failures)
      await sleep(delay * (0.75 + Math.random() / 4), {
        signal: dialler.pause.signal,
        clock,
      }).catch(() => undefined)
    }
    if (diallers.get(peerId) === dialler) diallers.delete(peerId)
  }

  return {
    get size() {
      return open.size
    },
    connect(peerId) {
      if (isStopping || transport.peerId >= peerId) return
      const known = diallers.get(peerId)
      if (known !== undefined) {
        known.failures = 0
        known.pause.abort()
        return
      }
      const dialler: Dialler = {
        stopping: new AbortController(),
        pause: new AbortController(),
        failures: 0,
      }
      diallers.set(peerId, dialler)
      void track(dial(peerId, dialler))
    },
    disconnect(peerId) {
      const dialler = diallers.get(peerId)
      diallers.delete(peerId)
      dialler?.stopping.abort()
      dialler?.pause.abort()
      open.get(peerId)?.destroy()
    },
    async stop() {
      isStopping = true
      unhandle()
      for (const { stopping, pause } of diallers.values()) {
        stopping.abort()
        pause.abort()
      }
      for (const stream of open.values()) stream.destroy()
      await Promise.all(running)
    },
  }
}
