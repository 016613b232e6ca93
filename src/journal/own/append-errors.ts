/** Why an entry is not appended. */
import { maxEntryBytes } from '../entries.ts'
import { JournalError } from '../errors.ts'

export function closed(): JournalError {
  return new JournalError('JOURNAL_CLOSED', 'The journal is not running.', {
    next: 'Start the agent first.',
  })
}

export function invalid(
  type: string,
  issue: { path: PropertyKey[]; message: string } | undefined,
): JournalError {
  const path = (issue?.path ?? []).join('.')
  return new JournalError(
    'ENTRY_INVALID',
    `The entry ${type} is invalid at ${path || 'its root'}: ${issue?.message ?? ''}.`,
    { data: { type, path } },
  )
}

export function busy(maxWaiting: number): JournalError {
  return new JournalError('JOURNAL_BUSY', `${maxWaiting} appends wait already.`, {
    data: { maxWaiting },
    next: 'Wait for earlier appends before making more.',
  })
}

export function tooLarge(type: string, bytes: number): JournalError {
  return new JournalError(
    'ENTRY_TOO_LARGE',
    `The entry ${type} has ${bytes} bytes; at most ${maxEntryBytes} fit.`,
    { data: { type, bytes, maxBytes: maxEntryBytes }, next: 'Journal a digest instead.' },
  )
}

export function late(waitedMs: number): JournalError {
  return new JournalError('JOURNAL_WAITING', 'The journal could not be written in time.', {
    data: { waitedMs },
    next: 'See why in `bzzz status`, then try again.',
  })
}
