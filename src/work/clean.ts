/**
 * Text from strangers, made fit to be read: what a person does not see on the issue's page is taken out
 * (invisible and direction-changing characters here, the rest in `shown.ts`), and length is bounded.
 */
import { HIDDEN_MARKER, shownMarkdown } from './shown.ts'

/** Empty lines in a row that are left; more only push what follows out of sight. */
const MAX_EMPTY_LINES = 20
/** What is read of a text at all, as a multiple of what is kept. */
const READ_FACTOR = 4
const ANSI =
  // eslint-disable-next-line no-control-regex
  /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\-_])/g
// eslint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g
/** First and last code point, hex: fillers, joiners, marks of direction, variation selectors, tags, private use. */
const INVISIBLE_RANGES =
  'ad 34f 61c 115f-1160 17b4-17b5 180b-180f 200b-200f 2028-202e 2060-206f 2800 3164 e000-f8ff' +
  ' fe00-fe0f feff ffa0 fff9-fffc 1bca0-1bca3 1d159 1d173-1d17a e0000-e0fff f0000-10ffff'
const INVISIBLE = new RegExp(
  `[${INVISIBLE_RANGES.replace(/[0-9a-f]+/g, '\\u{$&}').replaceAll(' ', '')}]`,
  'gu',
)

/** Takes out escapes and characters that cannot be seen; line ends become `\n`. */
export function visible(text: string): string {
  return text
    .replace(/\r\n?/g, '\n')
    .replace(ANSI, '')
    .replace(CONTROL, '')
    .replace(INVISIBLE, '')
    .toWellFormed()
}

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

/** Issue text as an executor may see it: no hidden parts, at most `maxBytes`. */
export function cleanIssueText(text: string, maxBytes: number): string {
  const seen = visible(text.slice(0, READ_FACTOR * maxBytes))
  return cutEnd(fewEmptyLines(shownMarkdown(seen)), maxBytes)
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
