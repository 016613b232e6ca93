/**
 * What an executor does, in the form in which a journal may hold it: kinds, numbers and digests, never
 * a title, a path or a text of it. Told in batches, the first after 5 s, the others at twice the
 * pause of the one before, up to a minute: a run of half an hour makes some forty of them, however
 * much the executor says. What was denied, and what a person was asked, is told at once.
 */
import { sha256, type Clock } from '../util/index.ts'
import { oneLine } from './clean.ts'
import type { ExecutorEvent } from './executor.ts'
import type { Activity } from './told.ts'
import type { WorkEvent } from './events.ts'

const FIRST_PAUSE_MS = 5_000
const LONGEST_PAUSE_MS = 60_000
/** Tool calls that one batch tells apart. */
export const MAX_TOOLS = 64
/** Denials of a task that are told one by one; further ones are counted. */
export const MAX_DENIALS = 100
/** Tool calls under way that are remembered. */
const MAX_OPEN_TOOLS = 1_000
/** Different paths that count as files of one batch. */
const MAX_FILES = 5_000
const ENDED = new Set(['completed', 'failed'])

export interface ActivityInit {
  executor: string
  clock: Clock
  onEvent: (event: WorkEvent) => void
}

export interface ActivityRecorder {
  take(event: ExecutorEvent): void
  /** Tells what is left, and nothing more afterwards. */
  close(): void
}

export function recordActivity({ executor, clock, onEvent }: ActivityInit): ActivityRecorder {
  const open = new Map<string, { kind: string; title: string }>()
  let batch = emptyBatch()
  let denials = 0
  let pause = FIRST_PAUSE_MS
  let cancel: (() => void) | undefined

  function flush(): void {
    cancel?.()
    cancel = undefined
    if (!batch.changed) return
    const { files, plan, usage, permissions } = batch
    const paths = [...files].sort()
    const activity: Activity = {
      tools: batch.tools,
      moreTools: batch.moreTools,
      ...(plan === undefined ? {} : { plan }),
      ...(paths.length === 0
        ? {}
        : { files: { count: paths.length, sha256: sha256(paths.join('\n')) } }),
      ...(permissions.allowed + permissions.denied === 0 ? {} : { permissions }),
      ...(usage === undefined ? {} : { usage }),
    }
    batch = emptyBatch()
    onEvent({ type: 'executor.activity', executor, ...activity })
  }

  function changed(): void {
    batch.changed = true
    cancel ??= clock.after(pause, () => {
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS)
      flush()
    })
  }

  function tool(event: Extract<ExecutorEvent, { type: 'tool' }>): void {
    const before = open.get(event.id)
    const title = event.title === '' ? (before?.title ?? '') : event.title
    const kind = event.kind ?? before?.kind ?? 'other'
    open.delete(event.id)
    if (!ENDED.has(event.status)) {
      if (open.size < MAX_OPEN_TOOLS) open.set(event.id, { kind, title })
      return
    }
    if (batch.tools.length < MAX_TOOLS) {
      batch.tools.push({ kind: word(kind), status: word(event.status), sha256: sha256(title) })
    } else batch.moreTools += 1
    changed()
  }

  function permission(event: Extract<ExecutorEvent, { type: 'permission' }>): void {
    const { allowed, title, kind = 'other', by = 'default', question } = event
    const counted = question === undefined && (allowed || denials >= MAX_DENIALS)
    if (counted) {
      batch.permissions[allowed ? 'allowed' : 'denied'] += 1
      return changed()
    }
    if (!allowed) denials += 1
    const asked = question === undefined ? {} : { question }
    onEvent({
      type: 'executor.permission',
      executor,
      kind: word(kind),
      sha256: sha256(title),
      allowed,
      by,
      ...asked,
    })
  }

  return {
    take(event) {
      switch (event.type) {
        case 'text':
          return
        case 'tool':
          return tool(event)
        case 'permission':
          return permission(event)
        case 'asked': {
          const { question, title, kind, deadlineMs } = event
          const about = { question, kind: word(kind), sha256: sha256(title), deadlineMs }
          return onEvent({ type: 'executor.asked', executor, ...about })
        }
        case 'session':
          return onEvent({ type: 'executor.session', executor, how: event.how })
        case 'plan': {
          const { steps, done = 0 } = event
          batch.plan = { steps: steps.length, done, sha256: sha256(steps.join('\n')) }
          return changed()
        }
        case 'file':
          if (batch.files.size < MAX_FILES) batch.files.add(event.path)
          return changed()
        case 'usage': {
          const { type: _, ...usage } = event
          batch.usage = usage
          return changed()
        }
      }
    },
    close: flush,
  }
}

const word = (text: string) => oneLine(text, 40)

function emptyBatch() {
  const tools: Activity['tools'] = []
  const batch: Pick<Activity, 'plan' | 'usage'> = {}
  const files = new Set<string>()
  const permissions = { allowed: 0, denied: 0 }
  return { ...batch, tools, moreTools: 0, files, permissions, changed: false }
}
