// SPDX-License-Identifier: MIT

/** The arithmetic mean of `values`. Throws a RangeError when there are none. */
export function mean(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('values must not be empty')
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

/** The value in the middle of `values` when they are sorted. Throws a RangeError when there are none. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('values must not be empty')
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] as number
}
