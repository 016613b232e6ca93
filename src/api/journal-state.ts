/** The state of the own journal in words: for probes, `bzzz status` and `bzzz doctor`. Pure. */
import type { JournalState } from './types.ts'

/** Whether entries are written; tasks run only then. */
export const isWritten = ({ is }: JournalState) => is === 'open' || is === 'low'

const mib = (bytes: number) => `${Math.floor(bytes / 1024 ** 2)} MiB free`

export function describeJournal(state: JournalState): string {
  switch (state.is) {
    case 'open':
      return 'ok'
    case 'stopped':
      return 'stopped'
    case 'opening':
      return 'is being opened'
    case 'waiting':
      return state.expected === 0
        ? 'waiting for witnesses'
        : `waiting for witnesses: ${state.answered} of ${state.expected} answered`
    case 'low':
      return `short of space (${mib(state.freeBytes)}): nothing new is begun`
    case 'full':
      return `full (${mib(state.freeBytes)}): goes on when there is space`
    case 'failed':
      return `failed: ${state.reason}`
  }
}
