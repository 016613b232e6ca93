/**
 * Text from strangers, made fit to be read: what a person does not see on the issue's page is taken out
 * (invisible and direction-changing characters, and what is in `shown/`), and length is bounded.
 */
import { boundedSync, hasCode } from '../util/index.ts'
import { HIDDEN_MARKER } from './shown/html.ts'
import { shownMarkdown } from './shown/shown.ts'
import { visible } from './shown/visible.ts'

export { visible } from './shown/visible.ts'

/** Empty lines in a row that are left; more only push what follows out of sight. */
const MAX_EMPTY_LINES = 20
/** What is read of a text at all, as a multiple of what is kept. */
const READ_FACTOR = 2
/** Longest time that a text is parsed, ms; one that a person wrote takes a few. */
const SHOWN_MS = 2_000
/** Cuts to at most `maxBytes` of UTF-8, keeping the start, and says so in place of the rest. */
export function cutEnd(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text)
  if (bytes.length <= maxBytes) return text
  const marker = `\n[cut here: ${bytes.length - maxBytes} more bytes]`
  return `${decode(bytes.subarray(0, Math.max(0, maxBytes - marker.length)))}${marker}`
}

/** The last `maxBytes` of UTF-8, for output whose end says what went wrong. */
export function keepEnd(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text)
  return bytes.length <= maxBytes ? text : decode(bytes.subarray(bytes.length - maxBytes))
}

/** Issue text as an executor may see it: no hidden parts, at most `maxBytes`; what takes too long to read is left out. */
export function cleanIssueText(text: string, maxBytes: number): string {
  const seen = visible(text.slice(0, READ_FACTOR * maxBytes))
  return cutEnd(fewEmptyLines(shownInTime(seen)), maxBytes)
}

/** Parsers of Markdown take time that grows with the square of some texts, and nothing else runs meanwhile. */
function shownInTime(text: string): string {
  try {
    return boundedSync('The text', SHOWN_MS, () => shownMarkdown(text))
  } catch (error) {
    if (!hasCode(error, 'DEADLINE')) throw error
    return `[left out: ${text.length} characters that take too long to read]`
  }
}

function fewEmptyLines(text: string): string {
  return text.replace(/\n(?:[ \t]*\n){20,}/g, `${'\n'.repeat(MAX_EMPTY_LINES)}${HIDDEN_MARKER}\n`)
}

/** One line without control characters, at most `maxLength` characters. */
export function oneLine(text: string, maxLength: number): string {
  const line = visible(text).replace(/\s+/g, ' ').trim()
  return line.length <= maxLength ? line : `${line.slice(0, maxLength - 1).toWellFormed()}…`
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes).replace(/^\ufffd+|\ufffd+$/g, '')
}
