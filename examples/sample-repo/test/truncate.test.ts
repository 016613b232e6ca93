import assert from 'node:assert/strict'
import { test } from 'node:test'
import { truncate } from '../src/truncate.ts'

test('truncate leaves short text alone', () => {
  assert.equal(truncate('short', 5), 'short')
})

test('truncate ends long text with an ellipsis', () => {
  assert.ok(truncate('a rather long sentence', 10).startsWith('a rather'))
  assert.ok(truncate('a rather long sentence', 10).endsWith('…'))
  assert.ok(truncate('a rather long sentence', 10, '...').endsWith('...'))
})
