const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

const UNITS: Record<string, number> = {
  ms: 1,
  s: SECOND,
  m: MINUTE,
  h: HOUR,
  d: DAY,
  w: 7 * DAY,
}

/**
 * Milliseconds of a duration such as "1h 30m" or "250ms". Units are ms, s, m, h, d and w.
 * Throws a RangeError for anything else.
 */
export function parseDuration(text: string): number {
  const parts = text.trim().split(/\s+/)
  let total = 0
  for (const part of parts) {
    const match = /^(\d+(?:\.\d+)?)([a-z]+)$/.exec(part)
    const unit = UNITS[match?.[2] ?? '']
    if (match === null || unit === undefined) throw new RangeError(`not a duration: ${text}`)
    total += Number(match[1]) * unit
  }
  return total
}
