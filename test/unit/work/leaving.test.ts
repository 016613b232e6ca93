import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isPointer, parsePatch } from '../../../src/work/leaving/added.ts'
import { badName, collisions, folded, isHook } from '../../../src/work/leaving/names.ts'

describe('badName', () => {
  it.each([
    '.git/hooks/post-checkout',
    'a/.GIT/config',
    '.g\u200cit/config',
    '.git./config',
    '.git /config',
    '.git::$INDEX_ALLOCATION/config',
    'GIT~1/config',
    'a\u202etxt.exe',
    'a\nb',
    'a\ufffdb',
    'a\\b',
    'notes.',
    'notes ',
    'x'.repeat(256),
    Array.from({ length: 600 }, () => 'a').join('/'),
  ])('refuses %j', (path) => {
    expect(badName(path)).toBeTypeOf('string')
  })

  it.each(['.gitignore', '.github/a', 'src/ä.ts', 'a b/c.d', 'git', '日本/語.md', 'a:b.json'])(
    'lets %j be',
    (path) => {
      expect(badName(path)).toBeUndefined()
    },
  )
})

describe('collisions', () => {
  it('finds one file under two names, also by a directory', () => {
    const all = [
      'README.md',
      'Readme.md',
      'src/a.ts',
      'SRC/b.ts',
      'e\u0301.md',
      '\u00e9.md',
      'x.md',
    ]
    expect(collisions(['Readme.md', 'SRC/b.ts', '\u00e9.md', 'x.md'], all)).toEqual([
      { path: 'Readme.md', other: 'README.md' },
      { path: 'SRC', other: 'src' },
      { path: '\u00e9.md', other: 'e\u0301.md' },
    ])
  })

  it('finds none among paths of one case', () => {
    const name = fc.stringMatching(/^[a-z0-9]{1,3}(\/[a-z0-9]{1,3}){0,2}$/)
    fc.assert(
      fc.property(fc.array(name), (paths) => {
        expect(collisions(paths, paths)).toEqual([])
      }),
    )
  })
})

describe('folded', () => {
  it.each([
    ['.GitHub/x', '.github/x'],
    ['a :stream', 'a'],
    ['a. .', 'a'],
    ['./..', './..'],
    ['\uff21', 'a'],
  ])('reads %j as %j', (path, expected) => {
    expect(folded(path)).toBe(expected)
  })
})

describe('isHook', () => {
  it('is an executable that git would run', () => {
    expect(isHook('scripts/hooks/Pre-Commit', '100755')).toBe(true)
    expect(isHook('scripts/hooks/pre-commit', '100644')).toBe(false)
    expect(isHook('scripts/build', '100755')).toBe(false)
  })
})

describe('parsePatch', () => {
  const patch = [
    'diff --git a/a.txt b/a.txt',
    'index 1..2 100644',
    '--- a/a.txt',
    '+++ b/a.txt',
    '@@ -2,2 +2,3 @@ context',
    '-old',
    '--- a/fake',
    '+++ b/fake',
    '+@@ -1 +1 @@',
    '+last',
    '\\ No newline at end of file',
    '@@ -9 +10 @@',
    '-x',
    '\\ No newline at end of file',
    '+y',
    'diff --git a/b b/b',
    '--- a/b',
    '+++ b/b with space\t',
    '@@ -0,0 +1 @@',
    '+z',
    '',
  ].join('\n')

  it('takes added lines with their numbers, and content never for a header', () => {
    expect(parsePatch(patch)).toEqual([
      { where: 'a.txt', text: '++ b/fake\n@@ -1 +1 @@\nlast\ny', lines: [2, 3, 4, 10] },
      { where: 'b with space', text: 'z', lines: [1] },
    ])
  })

  it('knows a pointer of Git LFS, also by the one line that changed', () => {
    const oid = `oid sha256:${'a'.repeat(64)}`
    expect(isPointer({ where: 'a', text: oid })).toBe(true)
    expect(isPointer({ where: 'a', text: `// ${oid}` })).toBe(false)
  })
})
