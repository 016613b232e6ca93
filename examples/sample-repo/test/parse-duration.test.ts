import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseDuration } from '../src/parse-duration.ts'

test('parseDuration adds up its parts', () => {
  assert.equal(parseDuration('250ms'), 250)
  assert.equal(parseDuration('1h 30m'), 5_400_000)
  assert.equal(parseDuration('1.5s'), 1_500)
  assert.equal(parseDuration('1w 1d'), 8 * 86_400_000)
})

test('parseDuration refuses what it does not know', () => {
  for (const text of ['', 'soon', '5', '5 m', '-1s', '1x']) {
    assert.throws(() => parseDuration(text), RangeError, text)
  }
})

test('parseDuration refuses months and years, which have no fixed length', () => {
  for (const text of ['1mo', '2months', '1y']) {
    assert.throws(() => parseDuration(text), RangeError, text)
  }
})
