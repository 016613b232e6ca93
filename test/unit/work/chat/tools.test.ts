import { execFileSync } from 'node:child_process'
import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Exit } from '../../../../src/process/index.ts'
import { confinedFiles, MAX_FILE_BYTES } from '../../../../src/work/confined.ts'
import { allowedCommand } from '../../../../src/work/executors/chat/tools/allowed.ts'
import { globMatcher } from '../../../../src/work/executors/chat/tools/search.ts'
import { createToolbox } from '../../../../src/work/executors/chat/tools/table.ts'
import { ModelTrouble } from '../../../../src/work/executors/chat/trouble.ts'

let dir: string
let clone: string
let ran: string[][]
let exit: Partial<Exit>
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'bzzz-tools-'))
  clone = join(dir, 'clone')
  mkdirSync(clone)
  ran = []
  exit = { reason: 'exited', exitCode: 0, tail: 'fine\n' }
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const put = (path: string, content: string | Buffer) => {
  mkdirSync(dirname(join(clone, path)), { recursive: true })
  writeFileSync(join(clone, path), content)
}
const at = (path: string) => readFileSync(join(clone, path), 'utf8')
const allowance = {
  checks: [{ name: 'test', run: ['npm', 'test'], timeoutMs: 5_000 }],
  chores: {},
  operator: [],
}

async function use(name: string, args: unknown, toolbox = createToolbox(allowance)) {
  const files = await confinedFiles(clone)
  const place = { root: dir, clone, home: dir, tmp: dir }
  const workshop = {
    files,
    place,
    rules: { allow: ['docs/CODEOWNERS'] },
    run: async (argv: [string, ...string[]]) => {
      ran.push(argv)
      return exit as Exit
    },
    monotonic: () => performance.now(),
    signal: new AbortController().signal,
  }
  const call = { name, arguments: typeof args === 'string' ? args : JSON.stringify(args) }
  return toolbox.use(call, workshop, false)
}

describe('read', () => {
  it('shows lines with numbers, goes on, and is bounded', async () => {
    put('a.txt', Array.from({ length: 1_000 }, (_, index) => `line ${index + 1}`).join('\n'))
    const first = await use('read', { path: 'a.txt' })
    expect(first.text.split('\n').slice(0, 2)).toEqual(['1\tline 1', '2\tline 2'])
    expect(first.text).toContain('[Line 401 of 1000 follows: read with from 401.]')
    expect((await use('read', { path: 'a.txt', from: 1_000 })).text).toBe('1000\tline 1000')
    expect((await use('read', { path: 'a.txt', from: 1_001 })).text).toContain('only 1000 lines')
    put('wide.txt', `${'x'.repeat(100_000)}\n`.repeat(50))
    expect((await use('read', { path: 'wide.txt' })).text.length).toBeLessThan(32_768)
  })

  it('refuses what is no text, or too large', async () => {
    put('binary', Buffer.from([1, 0, 2]))
    put('latin', Buffer.from([0x66, 0xfc, 0x72]))
    put('huge', Buffer.alloc(MAX_FILE_BYTES + 1, 'x'))
    execFileSync('mkfifo', [join(clone, 'pipe')])
    symlinkSync('/dev/zero', join(clone, 'zero'))
    expect((await use('read', { path: 'binary' })).text).toContain('binary file')
    expect((await use('read', { path: 'latin' })).text).toContain('not UTF-8')
    expect((await use('read', { path: 'huge' })).text).toContain('larger than')
    expect((await use('read', { path: 'pipe' })).text).toContain('not a plain file')
    expect((await use('read', { path: 'zero' })).text).toContain('outside of the workspace')
    expect((await use('read', { path: '.' })).ok).toBe(false)
    expect((await use('read', { path: 'x'.repeat(900) })).ok).toBe(false)
    expect((await use('read', { path: 'a\0b' })).ok).toBe(false)
  })
})

describe('edit and write', () => {
  it('change one exact place, or all', async () => {
    put('a.ts', 'one two one\n')
    expect((await use('edit', { path: 'a.ts', old: 'one', new: '1' })).text).toContain('2 times')
    expect(await use('edit', { path: 'a.ts', old: 'one', new: '$&', all: true })).toMatchObject({
      ok: true,
      changed: 'a.ts',
    })
    expect(at('a.ts')).toBe('$& two $&\n')
  })

  it('keep the line ends of a file', async () => {
    put('dos.txt', 'one\r\ntwo\r\nthree\r\n')
    await use('edit', { path: 'dos.txt', old: 'one\ntwo', new: '1\n2' })
    expect(at('dos.txt')).toBe('1\r\n2\r\nthree\r\n')
  })

  it('do not grow without end', async () => {
    put('many.txt', 'a'.repeat(1_000_000))
    const large = { path: 'many.txt', old: 'a', new: 'b'.repeat(400_000), all: true }
    expect((await use('edit', large)).text).toContain('would be larger')
    const toolbox = createToolbox(allowance, { maxWritten: 10_000 })
    await use('write', { path: 'x', content: 'ab' }, toolbox)
    const double = { path: 'x', old: 'ab', new: 'abab', all: true }
    let done = await use('edit', double, toolbox)
    for (let times = 0; times < 20 && done.ok; times += 1) done = await use('edit', double, toolbox)
    expect(done.text).toContain('written too much')
    expect(at('x').length).toBeLessThan(10_000)
  })

  it('do not damage what is no text, nor touch what is protected or linked', async () => {
    const latin = Buffer.from('a\xfcb', 'latin1')
    put('latin', latin)
    expect((await use('edit', { path: 'latin', old: 'a', new: 'c' })).ok).toBe(false)
    expect(readFileSync(join(clone, 'latin'))).toEqual(latin)
    const paths = [
      'AGENTS.md',
      './AGENTS.md',
      '.github/workflows/x.yml',
      'sub/.husky/x',
      '.git/config',
    ]
    for (const path of [...paths, '.GIT/hooks/x', 'sub/../.git/x', '../out', '/etc/out']) {
      for (const name of ['write', 'remove']) {
        expect((await use(name, { path, content: 'x' })).ok, path).toBe(false)
      }
    }
    put('real', 'theirs')
    linkSync(join(clone, 'real'), join(dir, 'elsewhere'))
    expect((await use('write', { path: 'real', content: 'x' })).text).toContain('hard link')
    expect(readFileSync(join(dir, 'elsewhere'), 'utf8')).toBe('theirs')
  })

  it('remove a link, not what it leads to', async () => {
    put('kept', 'kept')
    symlinkSync('kept', join(clone, 'link'))
    symlinkSync(dir, join(clone, 'up'))
    writeFileSync(join(dir, 'outside'), 'x')
    expect((await use('remove', { path: 'link' })).ok).toBe(true)
    expect(at('kept')).toBe('kept')
    expect((await use('remove', { path: 'up/outside' })).text).toContain('outside of the workspace')
    expect((await use('remove', { path: '.' })).ok).toBe(false)
    expect((await use('remove', { path: 'none' })).text).toContain('does not exist')
  })

  it('whatever the path, nothing outside of the clone changes', async () => {
    symlinkSync(dir, join(clone, 'up'))
    writeFileSync(join(dir, 'outside'), 'whole')
    const part = fc.constantFrom(
      '..',
      '.',
      'up',
      'outside',
      'clone',
      'a',
      '.git',
      '',
      '/',
      '\\',
      '..\\',
    )
    await fc.assert(
      fc.asyncProperty(fc.array(part, { minLength: 1, maxLength: 6 }), async (parts) => {
        const path = parts.join('/')
        await use('write', { path, content: 'changed' })
        await use('remove', { path })
        expect(readFileSync(join(dir, 'outside'), 'utf8')).toBe('whole')
      }),
      { numRuns: 60 },
    )
  })
})

describe('search and list', () => {
  it('find text as it is, expressions, and some files only', async () => {
    put('src/a.ts', 'const a = (1)\nconst b = 2\n')
    put('src/deep/b.py', 'A = (1)\n')
    put('.git/config', 'const secret\n')
    put('node_modules/x/y.ts', 'const hidden = (1)\n')
    symlinkSync('/etc', join(clone, 'etc'))
    expect((await use('search', { text: '(1)' })).text).toBe(
      'src/a.ts:1: const a = (1)\nsrc/deep/b.py:1: A = (1)',
    )
    expect(
      (await use('search', { text: '^CONST \\w = \\d', regex: true, ignoreCase: true })).text,
    ).toBe('src/a.ts:2: const b = 2')
    expect((await use('search', { text: '(1)', glob: '*.py' })).text).toContain('b.py')
    expect((await use('search', { text: 'root' })).text).toBe('Nothing was found.')
    expect((await use('search', { text: '(', regex: true })).text).toContain('no RE2 expression')
    expect((await use('list', { depth: 3 })).text.split('\n')).toEqual([
      'etc (link)',
      'node_modules/',
      'src/',
      'src/a.ts',
      'src/deep/',
      'src/deep/b.py',
    ])
  })

  it('take no longer for a hostile expression or file', async () => {
    put('evil.txt', `${'a'.repeat(300_000)}!\n`.repeat(3))
    for (const text of ['(a+)+$', '(a|aa)+$', '(.*a){12}$', '(x+x+)+y']) {
      const began = performance.now()
      await use('search', { text, regex: true })
      expect(performance.now() - began).toBeLessThan(10_000)
    }
    for (const text of ['(?:a?){500}a{500}', '((a{100}){10}){10}', '(.)\\1', '(?=a)b']) {
      expect((await use('search', { text, regex: true })).ok).toBe(false)
    }
  })

  it('are bounded, whatever is there', async () => {
    for (let index = 0; index < 450; index += 1) put(`many/f${index}`, 'hit\n')
    expect((await use('list', { path: 'many' })).text).toContain('More than 400 entries')
    const found = await use('search', { text: 'hit' })
    expect(found.text.split('\n')).toHaveLength(101)
    expect(found.text).toContain('Stopped before the end')
    put('bad\u202ename\n.txt', 'x')
    expect((await use('list', { path: '.' })).text).toBe('badname .txt\nmany/')
  })

  it('do not read all of what is not searched', async () => {
    for (let index = 0; index < 12; index += 1) put(`big/f${index}`, Buffer.alloc(7_000_000))
    const found = await use('search', { text: 'x' })
    expect(found.text).toContain('Stopped: too many files')
  })

  it('understands globs', () => {
    const matches = (glob: string, path: string) => globMatcher(glob)(path)
    expect(matches('*.ts', 'src/deep/a.ts')).toBe(true)
    expect(matches('src/*.ts', 'src/deep/a.ts')).toBe(false)
    expect(matches('src/**/*.ts', 'src/a.ts')).toBe(true)
    expect(matches('src/**', 'src/deep/a.ts')).toBe(true)
    expect(matches('a?.(x)', 'ab.(x)')).toBe(true)
    expect(matches('*'.repeat(100), 'a/b')).toBe(true)
  })
})

describe('run', () => {
  it('runs what is declared, as words or as a line, and nothing else', async () => {
    expect((await use('run', { command: ['npm', 'test'] })).text).toContain('exit 0')
    expect((await use('run', { command: 'npm  test' })).ok).toBe(true)
    for (const command of ['npm test; id', 'npm', ['npm', 'test', '-x'], ['npm test'], ['sh']]) {
      expect((await use('run', { command })).text).toContain('Allowed are:\n["npm","test"]')
    }
    expect(ran).toEqual([
      ['npm', 'test'],
      ['npm', 'test'],
    ])
    exit = { reason: 'refused', tail: 'Nothing is run without a sandbox.' }
    await expect(use('run', { command: 'npm test' })).rejects.toBeInstanceOf(ModelTrouble)
  })

  it('reads the arguments of chores by their own rules', () => {
    const chores = {
      release: {
        run: ['node', 'release.mjs', '--v={{version}}', '{{dry}}', '{{n}}'],
        arguments: {
          version: { type: 'string', pattern: '^\\d+\\.\\d+$' },
          dry: { type: 'boolean' },
          n: { type: 'integer' },
        },
      },
      plain: { run: ['make', 'docs'], arguments: {} },
      twice: {
        run: ['x', '{{a}}-{{b}}'],
        arguments: { a: { type: 'string' }, b: { type: 'string' } },
      },
    } as const
    const allowed = (...argv: string[]) =>
      allowedCommand(argv, {
        checks: [],
        chores: structuredClone(chores) as never,
        operator: [['npx', 'vitest', 'run', '...'], ['...']],
      }) !== undefined
    expect(allowed('node', 'release.mjs', '--v=1.2', 'true', '3')).toBe(true)
    expect(allowed('node', 'release.mjs', '--v=1.2;id', 'true', '3')).toBe(false)
    expect(allowed('node', 'release.mjs', '--v=1.2', 'maybe', '3')).toBe(false)
    expect(allowed('node', 'release.mjs', '--v=1.2', 'true', '3', 'x')).toBe(false)
    expect(allowed('node', '-e', 'x', 'true', '3')).toBe(false)
    expect(allowed('make', 'docs')).toBe(true)
    expect(allowed('x', 'a-b')).toBe(false)
    expect(allowed('npx', 'vitest', 'run', 'a', '--b')).toBe(true)
    expect(allowed('npx', 'vitest')).toBe(false)
    expect(allowed('rm', '-rf')).toBe(false)
    expect(allowed()).toBe(false)
  })
})

it('whatever a call holds, it has a result that fits', async () => {
  put('a.txt', 'text\n')
  const names = fc.constantFrom(
    'list',
    'read',
    'search',
    'edit',
    'write',
    'remove',
    'run',
    'finish',
    'x',
  )
  const value = fc.oneof(
    fc.string(),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.constant('a.txt'),
  )
  const keys = fc.constantFrom(
    'path',
    'text',
    'old',
    'new',
    'content',
    'command',
    'summary',
    'regex',
    'glob',
  )
  const given = fc.oneof(
    fc.string(),
    fc.json(),
    fc.dictionary(keys, value).map((args) => JSON.stringify(args)),
  )
  await fc.assert(
    fc.asyncProperty(names, given, async (name, args) => {
      const done = await use(name, args)
      expect(Buffer.byteLength(done.text)).toBeLessThanOrEqual(32 * 1024)
      expect(done.title).not.toBe('')
    }),
    { numRuns: 200 },
  )
})
