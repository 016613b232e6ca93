import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chunk } from '../src/chunk.ts'

test('chunk cuts a list into equal parts', () => {
  assert.deepEqual(chunk([1, 2, 3, 4], 2), [
    [1, 2],
    [3, 4],
  ])
})

test('chunk of nothing is nothing', () => {
  assert.deepEqual(chunk([], 3), [])
})
