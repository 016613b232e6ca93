import assert from 'node:assert/strict'
import { test } from 'node:test'
import { slugify } from '../src/slugify.ts'

test('slugify writes words in lower case with dashes between', () => {
  assert.equal(slugify('Hello World'), 'hello-world')
  assert.equal(slugify('Release 2'), 'release-2')
})

test('slugify takes another separator', () => {
  assert.equal(slugify('Hello World', '_'), 'hello_world')
})
