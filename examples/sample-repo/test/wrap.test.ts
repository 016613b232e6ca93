import assert from 'node:assert/strict'
import { test } from 'node:test'
import { wrap } from '../src/wrap.ts'

test('wrap breaks lines between words', () => {
  assert.equal(wrap('the quick brown fox', 10), 'the quick\nbrown fox')
})

test('wrap joins lines that are too short', () => {
  assert.equal(wrap('the\nquick', 10), 'the quick')
})

test('wrap keeps a word that is longer than a line', () => {
  assert.equal(wrap('a wonderfully', 5), 'a\nwonderfully')
})
