/**
 * Deliveries on their way. Each hook has a line of its own, so that a slow receiver holds up
 * nobody else; all lines together are bounded, and what does not fit is lost, as what a receiver
 * misses is on github.com: nothing is sent again unless somebody asks for it.
 */
import { explain, sleep, withDeadline, type Clock, type Logger } from '../../util/index.ts'
import type { FaultBook } from '../faults/book.ts'
import { instant } from '../git/commits.ts'
import type { DeliveryRow, HookRow } from '../store/rows.ts'
import type { Store } from '../store/index.ts'
import { requestOf, type Envelope } from './sign.ts'
import { targetFault } from './target.ts'

/** Time to answer, ms, as on github.com. */
const ANSWER_MS = 10_000
/** Deliveries that may wait, in all lines together. */
const WAITING = 1_000
/** Of an answer, bytes that are kept. */
const ANSWER_BYTES = 16 * 1024

export interface Parcel extends Envelope {
  hookId: number
  /** Of the repository, for faults: `/repos/<owner>/<name>`. */
  repository: string
  action: string | null
  redelivery: boolean
}

export interface Outbox {
  /** False: no room, and the delivery is lost. */
  push(parcel: Parcel): boolean
  /** To be called when fault rules were taken away: what they froze goes on. */
  thaw(): void
  stop(): Promise<void>
}

export interface OutboxInit {
  store: Store
  clock: Clock
  logger: Logger
  faults: FaultBook
  targets: 'loopback' | 'any'
  signal: AbortSignal
}

export function outbox(init: OutboxInit): Outbox {
  const { store, clock, logger, faults, signal } = init
  const lines = new Map<number, { parcels: Parcel[]; done: Promise<void> }>()
  const frozen: { parcel: Parcel; lifted: () => boolean }[] = []
  const late = new Set<Promise<void>>()
  let waiting = 0

  const room = (parcel: Parcel): boolean => {
    if (waiting < WAITING) return true
    logger.warn({ hook: parcel.hookId, event: parcel.event }, 'a webhook is lost: too many wait')
    return false
  }

  function line(parcel: Parcel): void {
    const known = lines.get(parcel.hookId)
    if (known !== undefined) {
      known.parcels.push(parcel)
      return
    }
    const parcels = [parcel]
    const run = async () => {
      for (let next = parcels.shift(); next !== undefined; next = parcels.shift()) {
        await deliver(next).catch((error: unknown) => {
          logger.error(
            { hook: parcel.hookId, error: explain(error) },
            'a webhook was not delivered',
          )
        })
        waiting -= 1
      }
      lines.delete(parcel.hookId)
    }
    lines.set(parcel.hookId, { parcels, done: run() })
  }

  function push(parcel: Parcel): boolean {
    if (signal.aborted || !room(parcel)) return false
    const fate = faults.hookFate(`${parcel.repository}/hooks/${parcel.event}`)
    if (fate.kind === 'lost') return true
    const copies = fate.kind === 'doubled' ? 2 : 1
    waiting += copies
    if (fate.kind === 'frozen') frozen.push({ parcel, lifted: fate.lifted })
    else if (fate.kind === 'late') {
      const wait = sleep(fate.ms, { signal, clock })
        .then(() => line(parcel))
        .catch(() => undefined)
        .finally(() => late.delete(wait))
      late.add(wait)
    } else for (let copy = 0; copy < copies; copy += 1) line(parcel)
    return true
  }

  async function deliver(parcel: Parcel): Promise<void> {
    const hook = store.hooks.byId(parcel.hookId)
    if (hook === undefined || signal.aborted) return
    const began = clock.monotonic()
    const { body, headers } = requestOf(hook, parcel)
    const answer = await send(hook, body, headers)
    if (signal.aborted || store.hooks.byId(hook.id) === undefined) return
    const ok = answer.code >= 200 && answer.code < 300
    store.transaction(() => {
      store.hooks.addDelivery({
        guid: parcel.guid,
        hook_id: hook.id,
        event: parcel.event,
        action: parcel.action,
        redelivery: parcel.redelivery ? 1 : 0,
        delivered_at: instant(clock.now()),
        duration: Math.round((clock.monotonic() - began) / 10) / 100,
        status: answer.status,
        status_code: answer.code,
        url: hook.url,
        request_headers: JSON.stringify(headers),
        payload: parcel.payload,
        response_headers: JSON.stringify(answer.headers),
        response_body: answer.body,
      } satisfies Omit<DeliveryRow, 'id'>)
      store.hooks.update(hook.id, {
        last_code: answer.code === 0 ? null : answer.code,
        last_status: ok ? 'active' : answer.code === 0 ? 'timeout' : 'misconfigured',
        last_message: answer.status,
      })
    })
  }

  interface Answer {
    code: number
    status: string
    headers: Record<string, string>
    body: string
  }

  async function send(
    hook: HookRow,
    body: string,
    headers: Record<string, string>,
  ): Promise<Answer> {
    const nothing = { code: 0, headers: {}, body: '' }
    const fault = targetFault(hook.url, init.targets)
    if (fault !== undefined) return { ...nothing, status: fault }
    try {
      return await withDeadline(
        'deliver a webhook',
        ANSWER_MS,
        async (within) => {
          const answer = await fetch(hook.url, {
            method: 'POST',
            body,
            headers,
            redirect: 'manual',
            signal: within,
          })
          const text = await head(answer)
          const status = answer.ok
            ? 'OK'
            : answer.statusText || `Invalid HTTP Response: ${answer.status}`
          return {
            code: answer.status,
            status,
            headers: Object.fromEntries(answer.headers),
            body: text,
          }
        },
        { signal, clock },
      )
    } catch (error) {
      logger.debug({ hook: hook.id, error: explain(error) }, 'a webhook was not answered')
      return {
        ...nothing,
        status: /DEADLINE/.test(String((error as { code?: unknown }).code))
          ? 'timed out'
          : 'failed to connect to host',
      }
    }
  }

  return {
    push,
    thaw: () => {
      for (const entry of frozen.splice(0)) {
        if (entry.lifted()) line(entry.parcel)
        else frozen.push(entry)
      }
    },
    stop: async () => {
      frozen.length = 0
      for (const { parcels } of lines.values()) parcels.length = 0
      await Promise.all([...late, ...[...lines.values()].map(({ done }) => done)])
    },
  }
}

/** What a receiver said, up to the bound; the rest is not read. */
async function head(answer: Response): Promise<string> {
  const reader = answer.body?.getReader()
  if (reader === undefined) return ''
  const chunks: Uint8Array[] = []
  let size = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    chunks.push(value)
    size += value.byteLength
    if (size >= ANSWER_BYTES) {
      await reader.cancel()
      break
    }
  }
  return Buffer.concat(chunks).subarray(0, ANSWER_BYTES).toString('utf8')
}
