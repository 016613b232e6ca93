/** Coded errors of the journal, and what a storage error means. */
import { CodedError, explain } from '../util/index.ts'

export type JournalErrorCode =
  | 'ENTRY_INVALID'
  | 'ENTRY_TOO_LARGE'
  /** Too many appends wait. */
  | 'JOURNAL_BUSY'
  /** Not started, or stopped. */
  | 'JOURNAL_CLOSED'
  /** It could not be written in time: no witness, or it is opened anew. */
  | 'JOURNAL_WAITING'
  /** No space left where the journal is; it goes on by itself when there is. */
  | 'JOURNAL_FULL'
  /** The store failed; nothing is acknowledged until the journal is started again. */
  | 'JOURNAL_FAILED'
  /** Another process, or another journal of this one, has the directory open. */
  | 'JOURNAL_IN_USE'
  /** The directory was copied or restored: continuing it could fork the agent's history. */
  | 'JOURNAL_COPIED'
  /** A file is no bundle, or a damaged one. */
  | 'BUNDLE_INVALID'
  /** A bundle's end is missing. */
  | 'BUNDLE_CUT'
  | 'BUNDLE_TOO_LARGE'

export class JournalError extends CodedError<JournalErrorCode> {}

/** With less free space a failure of the store is one of space: its own error does not always say so. Bytes. */
export const fullBytes = 4 * 1024 ** 2

/**
 * Gives an error of the store its code. Errors that have one are left as they are. `freeBytes`: free
 * now, where that is known.
 */
export function storageError(cause: unknown, dir: string, freeBytes = Infinity): JournalError {
  if (cause instanceof JournalError) return cause
  const text = explain(cause)
  if (/could not be locked/i.test(text)) {
    return new JournalError('JOURNAL_IN_USE', `The journal in ${dir} is in use.`, {
      data: { dir },
      next: 'Stop the other agent that uses this home, or give this one another --home.',
      cause,
    })
  }
  if (/invalid device file/i.test(text)) {
    return new JournalError('JOURNAL_COPIED', `The journal in ${dir} was copied or moved.`, {
      data: { dir },
      next: 'Use the original directory, or remove this copy so that a new journal begins.',
      cause,
    })
  }
  if (freeBytes < fullBytes || /no space left|ENOSPC|quota exceeded|EDQUOT/i.test(text)) {
    return new JournalError('JOURNAL_FULL', `There is no space left for the journal in ${dir}.`, {
      data: { dir },
      next: 'Free some space; a running agent then goes on by itself.',
      cause,
    })
  }
  return new JournalError('JOURNAL_FAILED', `The journal's store in ${dir} failed.`, {
    data: { dir },
    next: 'Restart the agent; look at the cause if it fails again.',
    cause,
  })
}
