/** Work that does not end by itself. */
import { expect, it } from 'vitest'
import { boundedSync } from '../../../src/util/index.ts'

it('ends what does not end, also where it catches everything, and the next one runs', () => {
  const endless = () => {
    for (;;) {
      try {
        JSON.stringify({})
      } catch {
        continue
      }
    }
  }
  expect(() => boundedSync('It', 50, endless)).toThrow(
    expect.objectContaining({ code: 'DEADLINE', message: 'It took longer than 50 ms.' }),
  )
  expect(boundedSync('It', 5_000, () => 7)).toBe(7)
})

it('gives back what was thrown, as it was', () => {
  const error = new TypeError('mine')
  const fail = () => {
    throw error
  }
  expect(() => boundedSync('It', 5_000, fail)).toThrow(error)
  const deep = (): number => 1 + deep()
  expect(() => boundedSync('It', 5_000, deep)).toThrow(RangeError)
})
