import { expect, test } from 'vitest'
import { wasSlow } from '../../chaos/net/run.ts'

const failed = (...violations: string[]) => ({ is: 'failed' as const, violations })

test('only time is forgiven, and only where nothing else is wrong', () => {
  expect(wasSlow(failed('kill, back: not whole after 60: m1 lacks m2'))).toBe(true)
  expect(wasSlow(failed('it did not end: late', 'ending: #3: is open'))).toBe(true)
  for (const text of ['fork: k1', 'lost: entry 3', 'chain: #1: two holders', 'publication: #1: x'])
    expect(wasSlow(failed('it did not end: late', text))).toBe(false)
  expect(wasSlow({ is: 'passed', violations: [] })).toBe(false)
})
