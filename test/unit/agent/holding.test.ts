import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { holdKeys, holdPassed, looksRandom, withoutSecrets } from '../../../src/agent/holding.ts'
import type { Journal } from '../../../src/journal/index.ts'
import { createHeldSecrets, Secret } from '../../../src/secrets/index.ts'

it('holds the keys of the home, and no other file', async () => {
  const home = mkdtempSync(join(tmpdir(), 'bzzz-holding-'))
  writeFileSync(join(home, 'identity.key'), 'key-of-this-peer\n')
  writeFileSync(join(home, 'notes.txt'), 'nothing of interest')
  writeFileSync(join(home, 'large.key'), 'x'.repeat(20_000))
  const held = createHeldSecrets()
  await holdKeys(held, home)
  rmSync(home, { recursive: true })
  expect(held.forms().map(({ what }) => what)).toEqual(['identity.key'])
  expect(held.redact('a key-of-this-peer b')).toBe('a [secret] b')
})

it('holds what executors are passed, when it is called a secret or looks like one', () => {
  const passEnv = ['MODEL_API_KEY', 'MODEL', 'LOGIN', 'ABSENT', 'SHORT_TOKEN']
  const executors = [
    { name: 'x', kind: 'acp' as const, passEnv, home: 'temporary' as const, models: [] },
  ]
  const held = createHeldSecrets()
  const env = {
    MODEL_API_KEY: 'sesame-open',
    MODEL: 'claude-sonnet-4-5',
    LOGIN: 'k3Jd8sLq0pZx7vBn2mQw5rT9',
    SHORT_TOKEN: 'abc',
  }
  const work = { executors } as unknown as Parameters<typeof holdPassed>[1]['work']
  holdPassed(held, { work }, env)
  expect(held.forms().map(({ what }) => what)).toEqual(['variable MODEL_API_KEY', 'variable LOGIN'])
})

it.each([
  ['k3Jd8sLq0pZx7vBn2mQw5rT9', true],
  ['claude-sonnet-4-5', false],
  ['/usr/local/share/some/path1', false],
  ['a sentence with 1 number in it', false],
  ['11111111111111111111111111', false],
])('tells random text from words: %s', (text, expected) => {
  expect(looksRandom(text)).toBe(expected)
})

it('keeps secrets out of entries, however deep', async () => {
  const held = createHeldSecrets()
  held.add('token', new Secret('open-sesame'))
  const written: unknown[] = []
  const journal = {
    append: (entry: unknown) => Promise.resolve(written.push(entry)),
  } as unknown as Journal
  const task = { repo: 'octo/lib', issue: 1 }
  const reason = `it said ${Buffer.from('open-sesame').toString('hex')}`
  await withoutSecrets(
    journal,
    held,
  )({ type: 'task.waiting', task, needs: ['open-sesame'], reason })
  expect(written).toEqual([
    { type: 'task.waiting', task, needs: ['[secret]'], reason: 'it said [secret]' },
  ])
})
