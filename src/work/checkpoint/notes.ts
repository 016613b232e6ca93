/**
 * What is told of unfinished work to whoever goes on with it: which executor, what was tried, its plan,
 * its last words and steps. It outlives the agent in the message of a checkpoint, where people can read
 * it, so it is plain text, cleaned and bounded; prompts never enter it.
 */
import { cutEnd, keepEnd, oneLine, visible } from '../clean.ts'
import type { ExecutorEvent, TurnResult } from '../executor.ts'
import type { Used } from '../terms.ts'

/** Bytes of the whole, and of its parts. */
export const MAX_DIGEST_BYTES = 8 * 1024
const MAX_WORDS_BYTES = 1_500
const MAX_EARLIER_BYTES = 2_500
const MAX_LINE = 300
/** Lines of what was tried, of the plan, and steps, the last ones each. */
const MAX_TRIED = 20
const MAX_PLAN = 20
const MAX_STEPS = 10
const MAX_FILES = 30

export interface Notes {
  /** Passes events on, and remembers what they say. */
  watch(events: AsyncIterable<ExecutorEvent>): AsyncIterable<ExecutorEvent>
  /** A turn begins, and has ended. */
  turns(): void
  turned(result: TurnResult): void
  /** `wallMs`: that executors worked in this run. */
  used(wallMs: number): Used
  digest(now: { tried: readonly string[]; wallMs: number; left: readonly string[] }): string
}

export interface NotesInit {
  executor: string
  /** What was known when this run began. */
  earlier?: string | undefined
  before?: Used | undefined
}

export function createNotes({ executor, earlier, before }: NotesInit): Notes {
  let words = ''
  let plan: string[] = []
  const steps: string[] = []
  const files = new Set<string>()
  let turns = 0
  let closed: Tokens = {}
  let open: Tokens = {}

  function note(event: ExecutorEvent): void {
    switch (event.type) {
      case 'text':
        words = `${words}${event.text}`.slice(-4 * MAX_WORDS_BYTES)
        return
      case 'plan':
        plan = event.steps.slice(-MAX_PLAN)
        return
      case 'tool':
        steps.push(`${event.title} (${event.status})`)
        if (steps.length > MAX_STEPS) steps.shift()
        return
      case 'file':
        if (files.size < MAX_FILES) files.add(event.path)
        return
      case 'usage':
        open = event
        return
      case 'permission':
      case 'asked':
      case 'session':
        return
    }
  }

  return {
    async *watch(events) {
      for await (const event of events) {
        note(event)
        yield event
      }
    },
    turns: () => {
      turns += 1
    },
    turned(result) {
      closed = plus(closed, result.usage ?? open)
      open = {}
    },
    used(wallMs) {
      const tokens = plus(before ?? {}, plus(closed, open))
      return {
        wallMs: (before?.wallMs ?? 0) + wallMs,
        turns: (before?.turns ?? 0) + turns,
        ...tokens,
      }
    },
    digest({ tried, wallMs, left }) {
      const lines = (title: string, all: readonly string[]) =>
        all.length === 0 ? [] : [title, ...all.map((one) => `- ${oneLine(one, MAX_LINE)}`)]
      const said = keepEnd(visible(words).trim(), MAX_WORDS_BYTES)
      const parts = [
        [
          `${oneLine(executor, 100)} worked for ${Math.round(wallMs / 1_000)} s and was not finished.`,
        ],
        lines('What was tried:', tried.slice(-MAX_TRIED)),
        lines('Its plan:', plan),
        lines('Its last steps:', steps),
        lines('Files it wrote:', [...files]),
        lines('Not kept, so missing here:', left),
        said === '' ? [] : ['Its last words:', said],
        earlier === undefined || earlier.trim() === ''
          ? []
          : ['Before that:', cutEnd(visible(earlier).trim(), MAX_EARLIER_BYTES)],
      ]
      const text = parts.filter((part) => part.length > 0).map((part) => part.join('\n'))
      return cutEnd(text.join('\n\n'), MAX_DIGEST_BYTES)
    },
  }
}

type Tokens = Pick<Used, 'inputTokens' | 'outputTokens' | 'costMicros'>
const kinds = ['inputTokens', 'outputTokens', 'costMicros'] as const

function plus(one: Tokens, other: Tokens): Tokens {
  return Object.fromEntries(
    kinds.flatMap((kind) => {
      const [a, b] = [one[kind], other[kind]]
      return a === undefined && b === undefined ? [] : [[kind, (a ?? 0) + (b ?? 0)]]
    }),
  )
}
