import assert from 'node:assert/strict'
import { test } from 'node:test'
import { camelCase, kebabCase } from '../src/case.ts'

test('camelCase joins words with capitals', () => {
  assert.equal(camelCase('hello big world'), 'helloBigWorld')
  assert.equal(camelCase('hello-world'), 'helloWorld')
})

test('kebabCase joins words with dashes', () => {
  assert.equal(kebabCase('helloBig World'), 'hello-big-world')
})
