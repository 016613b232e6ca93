import { expect, it } from 'vitest'
import { judge, reasons, type Evidence } from '../../../src/journal/heads/judge.ts'

const known: Evidence = {
  sure: false,
  length: 5,
  shared: true,
  expected: ['bob', 'cyd'],
  answered: new Set(),
  isAwaited: false,
  isGraceOver: false,
}
const both = new Set(['bob', 'cyd'])
const anew = { go: 'anew', reason: reasons.silence }

it.each<[string, Partial<Evidence>, object]>([
  ['made just now', { sure: true }, { go: 'on' }],
  ['nobody has answered yet', {}, { go: 'wait' }],
  ['one of two has answered', { answered: new Set(['bob']) }, { go: 'wait' }],
  ['a stranger has answered', { answered: new Set(['eve']) }, { go: 'wait' }],
  ['both have answered', { answered: both }, { go: 'on' }],
  ['a journal that was lost is awaited', { answered: both, isAwaited: true }, { go: 'wait' }],
  ['it did not come', { answered: both, isAwaited: true, isGraceOver: true }, { go: 'on' }],
  ['nobody answered in time', { isGraceOver: true }, anew],
  ['one answered in time', { isGraceOver: true, answered: new Set(['eve']) }, { go: 'on' }],
  ['shared, and nobody is expected', { expected: [] }, { go: 'wait' }],
  ['shared, nobody is expected and nobody came', { expected: [], isGraceOver: true }, anew],
  ['never shared, nobody is expected', { expected: [], shared: false }, { go: 'on' }],
  ['empty, nobody is expected', { expected: [], length: 0 }, { go: 'on' }],
  ['never shared, but somebody is expected', { shared: false }, { go: 'wait' }],
  ['never shared, and nobody came', { shared: false, isGraceOver: true }, { go: 'on' }],
])('%s', (_name, change, expected) => {
  expect(judge({ ...known, ...change })).toEqual(expected)
})
