import { expect, it } from 'vitest'
import { withoutLocalPaths } from '../../../src/util/index.ts'

it.each([
  ['git could not be started in /a/home/work/x.', 'git could not be started in (local path).'],
  ["Unable to create '/a/b c/index.lock': exists", 'Unable to create (local path): exists'],
  [
    'error:/a/b.ts:3:1 and ~/x/y, (/c/d)',
    'error:(local path):3:1 and (local path), ((local path))',
  ],
  ['ENOENT, open "/a/b"', 'ENOENT, open (local path)'],
  ['read file:///a/b now', 'read (local path) now'],
])('takes local paths out of %j', (text, clean) => {
  expect(withoutLocalPaths(text)).toBe(clean)
})

it.each([
  'Write /bzzz ask, or see https://github.com/octo/lib/issues/7.',
  'patch failed: src/sum.js:1 in origin/main, 3/4 done and/or a/b/c',
])('leaves %j', (text) => {
  expect(withoutLocalPaths(text)).toBe(text)
})
