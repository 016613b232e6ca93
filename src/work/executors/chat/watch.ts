/**
 * When a loop that goes nowhere ends: the same call again and again, rounds in which nothing new is
 * asked and no file changes, calls that cannot be read, answers without a call. First the model is
 * told, then it is over. Pure: what happened in a round comes in, what to do comes out.
 */
export interface Happened {
  /** One text per call: tool and arguments. */
  calls: readonly string[]
  /** Calls that could not be read or name no tool. */
  malformed: number
  /** Whether a file was changed. */
  changed: boolean
}

export interface Watch {
  /** Last calls, to tell repetition. */
  last: string
  repeats: number
  /** Rounds without a change and without a call that is new since the last change. */
  idle: number
  malformed: number
  silent: number
  /** Calls since the last change. */
  seen: ReadonlySet<string>
}

export type Verdict = { do: 'go' } | { do: 'tell'; text: string } | { do: 'end'; reason: string }

export const FRESH: Watch = {
  last: '',
  repeats: 0,
  idle: 0,
  malformed: 0,
  silent: 0,
  seen: new Set(),
}

const TELL_REPEATS = 2
const MAX_REPEATS = 4
const TELL_IDLE = 5
const MAX_IDLE = 10
const MAX_MALFORMED = 6
/** Answers without a call, in a row, before the last one counts as the end. */
export const MAX_SILENT = 2
/** Distinct calls that are remembered. */
const MAX_SEEN = 2_000

/** Of a round with calls. */
export function afterRound(watch: Watch, happened: Happened): { watch: Watch; verdict: Verdict } {
  const last = happened.calls.join('\n')
  const known = happened.changed ? new Set<string>() : watch.seen
  const isNew = happened.calls.some((call) => !watch.seen.has(call))
  const repeats = last === watch.last && !happened.changed ? watch.repeats + 1 : 0
  const allBad = happened.malformed > 0 && happened.malformed === happened.calls.length
  const next: Watch = {
    last,
    repeats,
    idle: happened.changed || (isNew && !allBad) ? 0 : watch.idle + 1,
    malformed: allBad ? watch.malformed + 1 : 0,
    silent: 0,
    seen: known.size >= MAX_SEEN ? known : new Set([...known, ...happened.calls]),
  }
  return { watch: next, verdict: judge(next) }
}

/** Of an answer without a call: `go` means that it counts as the end. `cut`: it was too long. */
export function afterSilence(watch: Watch, cut: boolean): { watch: Watch; verdict: Verdict } {
  const next = { ...watch, silent: watch.silent + 1 }
  if (next.silent >= MAX_SILENT) return { watch: next, verdict: { do: 'go' } }
  const text = cut
    ? 'Your answer was cut off, because it was too long. Think less, and call a tool right away.'
    : 'You called no tool. If the work is done, call `finish` with a summary; otherwise go on with the tools.'
  return { watch: next, verdict: { do: 'tell', text } }
}

function judge({ repeats, idle, malformed }: Watch): Verdict {
  if (repeats >= MAX_REPEATS) {
    return { do: 'end', reason: `It made the same call ${repeats + 1} times in a row.` }
  }
  if (malformed >= MAX_MALFORMED) {
    return { do: 'end', reason: `It made ${malformed} calls in a row that cannot be read.` }
  }
  if (idle >= MAX_IDLE) {
    return { do: 'end', reason: `It made no progress in ${idle} rounds.` }
  }
  if (repeats >= TELL_REPEATS) {
    return {
      do: 'tell',
      text: 'You made this very call before, and its result is the same. Do something else, or call `finish`.',
    }
  }
  if (idle >= TELL_IDLE) {
    return {
      do: 'tell',
      text: 'You learn nothing new. Change the files now, or call `finish` and say what is missing.',
    }
  }
  return { do: 'go' }
}
