import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mean, median } from '../src/stats.ts'

test('mean adds and divides', () => {
  assert.equal(mean([1, 2, 6]), 3)
})

test('median takes the value in the middle', () => {
  assert.equal(median([5]), 5)
  assert.equal(median([30, 1, 2]), 2)
})

test('median leaves its argument as it was', () => {
  const values = [3, 1, 2]
  median(values)
  assert.deepEqual(values, [3, 1, 2])
})

test('there is neither mean nor median of nothing', () => {
  assert.throws(() => mean([]), RangeError)
  assert.throws(() => median([]), RangeError)
})
