import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { version } from '../src/version.ts'

test('version is that of package.json', () => {
  const file = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  assert.equal(version, JSON.parse(file).version)
})
