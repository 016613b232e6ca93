/**
 * Text for terminals. Titles, names and reasons come from issues and peers: what could move the
 * cursor, colour the screen or reverse the reading order is replaced before it is written. Pure.
 */

/** C0, DEL and C1 controls (escape sequences begin with one), line separators, and bidi controls. */
const unsafe =
  // eslint-disable-next-line no-control-regex
  /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g

/** One line that is safe to print. Line breaks and tabs become a space, other controls `�`. */
export function clean(text: string): string {
  return text.replace(/[\r\n\t]+/g, ' ').replace(unsafe, '\ufffd')
}

/** JSON that stays valid and is safe to print: what JSON leaves unescaped and terminals obey is escaped. */
export function safeJson(value: unknown, indent = 0): string {
  return JSON.stringify(value, undefined, indent).replace(
    /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

const ascii = /^[\u0020-\u007e]*$/

/** Made when first needed: loading the tables takes longer than a whole `bzzz status` should. */
let segmenter: Intl.Segmenter | undefined
function graphemes(text: string): Iterable<Intl.SegmentData> {
  segmenter ??= new Intl.Segmenter('en', { granularity: 'grapheme' })
  return segmenter.segment(text)
}

/** Columns that a cleaned text takes on a terminal. */
export function width(text: string): number {
  if (ascii.test(text)) return text.length
  let columns = 0
  for (const { segment } of graphemes(text)) columns += columnsOf(segment)
  return columns
}

/** At most `columns` wide, with `…` where it was cut. */
export function truncate(text: string, columns: number): string {
  if (width(text) <= columns) return text
  let kept = ''
  let used = 0
  for (const { segment } of graphemes(text)) {
    used += columnsOf(segment)
    if (used > columns - 1) break
    kept += segment
  }
  return `${kept}…`
}

/**
 * A line that holds our own colours, cut like `truncate`: escape sequences take no column, and
 * colours that were on are off at the end.
 */
export function truncateStyled(line: string, columns: number): string {
  // eslint-disable-next-line no-control-regex
  const parts = line.split(/(\u001b\[[0-9;]*m)/)
  if (width(parts.filter((_, at) => at % 2 === 0).join('')) <= columns) return line
  let kept = ''
  let left = columns
  for (const [at, part] of parts.entries()) {
    if (at % 2 === 1) {
      kept += part
      continue
    }
    const used = width(part)
    // What fits exactly still gives its last column to the mark, since more follows.
    if (used < left) {
      kept += part
      left -= used
      continue
    }
    const reset = at > 1 ? '\u001b[0m' : ''
    return left < 1 ? '' : `${kept}${truncate(`${part} `, left)}${reset}`
  }
  return kept
}

function columnsOf(grapheme: string): number {
  if (/^\p{Mark}|^\p{Default_Ignorable_Code_Point}/u.test(grapheme)) return 0
  const wide =
    /^[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]|^\p{Emoji_Presentation}|\ufe0f/u
  return wide.test(grapheme) ? 2 : 1
}

const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
] as const

/** `3m`, `2h`, `5d`; below a minute `12s`. Negative ages (clocks differ) count as now. */
export function age(ms: number): string {
  for (const [unit, size] of units) if (ms >= size) return `${Math.floor(ms / size)}${unit}`
  return `${Math.max(0, Math.floor(ms / 1_000))}s`
}

/** `850ms`, `12s`, `3m05s`, `2h10m`. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))}ms`
  const seconds = Math.floor(ms / 1_000)
  if (seconds < 60) return `${seconds}s`
  const minutes = Math.floor(seconds / 60)
  const two = (value: number) => String(value).padStart(2, '0')
  if (minutes < 60) return `${minutes}m${two(seconds % 60)}s`
  return `${Math.floor(minutes / 60)}h${two(minutes % 60)}m`
}

/** Local time, `12:01:03`; with the day before it when that is not today's. */
export function clockTime(ms: number, nowMs: number): string {
  const [at, now] = [new Date(ms), new Date(nowMs)]
  const two = (value: number) => String(value).padStart(2, '0')
  const time = [at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(':')
  if (at.toDateString() === now.toDateString()) return time
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${time}`
}

export const count = (amount: number, one: string, many = `${one}s`) =>
  `${thousands(amount)} ${amount === 1 ? one : many}`

/** `12,345`, without loading a locale. */
export const thousands = (amount: number) => String(amount).replace(/\B(?=(\d{3})+$)/g, ',')
