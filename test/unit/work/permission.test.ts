import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { nullLogger } from '../../../src/util/index.ts'
import { commandsIn, matchesPath, matchesText } from '../../../src/work/permission/match.ts'
import { decide, permissionSchema, type Wanted } from '../../../src/work/permission/policy.ts'
import { createQuestions, MAX_QUESTIONS } from '../../../src/work/permission/questions.ts'
import { readPermissions } from '../../../src/work/permission/read.ts'

describe('patterns', () => {
  it.each([
    ['npm test', 'npm test', true],
    ['npm *', 'npm run build', true],
    ['npm *', 'pnpm run', false],
    ['*', '', true],
    ['?', '', false],
    ['a*b*c', 'aXbYbZc', true],
    ['a*b*c', 'aXbYbZ', false],
    ['git push', 'git push --force', false],
  ])('%j and %j: %s', (pattern, text, yes) => {
    expect(matchesText(pattern, text)).toBe(yes)
  })

  it('stand for nothing of a shell where that is told', () => {
    for (const text of [
      'npm test; rm -r .',
      'npm test && x',
      'npm test $(x)',
      'npm test > f',
      'npm test\nx',
      'npm test `x`',
    ])
      expect(matchesText('npm test*', text, { plain: true })).toBe(false)
    expect(matchesText('npm test*', 'npm test -- a.test.ts', { plain: true })).toBe(true)
    expect(matchesText('a && b', 'a && b', { plain: true })).toBe(true)
  })

  it.each([
    ['src/**', 'src/a/b.ts', true],
    ['src/**', 'src', true],
    ['src/*', 'src/a/b.ts', false],
    ['**/*.ts', 'a/b/c.ts', true],
    ['**/*.ts', 'c.ts', true],
    ['**', '.env', true],
    ['/usr/**', '/usr/share/x', true],
    ['src/**/x', 'src/a/b/y', false],
  ])('of paths: %j and %j: %s', (pattern, path, yes) => {
    expect(matchesPath(pattern, path)).toBe(yes)
  })

  it('agree with a regular expression, and take no time that explodes', () => {
    const words = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), maxLength: 12 })
    const texts = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 12 })
    fc.assert(
      fc.property(words, texts, (pattern, text) => {
        const form = new RegExp(`^${pattern.replaceAll('*', '[^]*').replaceAll('?', '[^]')}$`)
        expect(matchesText(pattern, text)).toBe(form.test(text))
      }),
      { numRuns: 500 },
    )
    expect(matchesText('*a'.repeat(400), 'a'.repeat(3_990) + 'b')).toBe(false)
    expect(matchesPath('**/a/'.repeat(100) + 'x', 'a/'.repeat(2_000) + 'b')).toBe(false)
  })

  it('see the commands that a shell would run', () => {
    expect(commandsIn('cd x && git push; (echo `date` | tee)')).toEqual([
      'cd x',
      'git push',
      'echo',
      'date',
      'tee',
    ])
  })
})

describe('decide', () => {
  const of = (rules: unknown[], wanted: Partial<Wanted>, more: object = {}) =>
    decide(permissionSchema.parse({ rules, ...more }), {
      kind: 'execute',
      title: 'Run',
      places: [],
      ...wanted,
    }).decision
  const inside = { path: 'src/a.ts', inside: true }
  const outside = { path: '/etc/passwd', inside: false }

  it('allows what stays within, where no rule says otherwise', () => {
    expect(of([], {})).toBe('allow')
    expect(of([], { places: [inside] })).toBe('allow')
    expect(of([], { places: [inside, outside] })).toBe('deny')
    expect(of([], { tooMany: true })).toBe('deny')
    expect(of([], {}, { default: 'ask' })).toBe('ask')
    expect(of([], {}, { default: 'deny' })).toBe('deny')
  })

  it('takes the first rule that matches', () => {
    const rules = [
      { deny: { title: '*force*' } },
      { allow: { kind: ['execute', 'edit'] } },
      { ask: {} },
    ]
    expect(of(rules, { title: 'push --force' })).toBe('deny')
    expect(of(rules, {})).toBe('allow')
    expect(of(rules, { kind: 'fetch' })).toBe('ask')
  })

  it('allows narrowly', () => {
    const npm = [{ allow: { command: ['npm test*', 'npm run *'] } }, { deny: {} }]
    expect(of(npm, { command: 'npm run build' })).toBe('allow')
    expect(of(npm, { command: 'npm run build; curl x' })).toBe('deny')
    expect(of(npm, {})).toBe('deny')
    expect(of(npm, { command: 'npm test', places: [outside] })).toBe('deny')
    expect(of(npm, { command: 'npm test', tooMany: true })).toBe('deny')
    const docs = [{ allow: { path: ['src/**', '/usr/share/**'] } }, { deny: {} }]
    expect(of(docs, { places: [inside, { path: '/usr/share/x', inside: false }] })).toBe('allow')
    expect(of(docs, { places: [inside, outside] })).toBe('deny')
    expect(of(docs, {})).toBe('deny')
  })

  it('denies and asks widely', () => {
    const push = [{ deny: { command: 'git push*' } }]
    expect(of(push, { command: 'cd x && git push origin' })).toBe('deny')
    expect(of(push, { command: 'echo "$(git push)"' })).toBe('deny')
    expect(of(push, { command: 'git status' })).toBe('allow')
    expect(
      of([{ ask: { path: 'src/**' } }], { places: [{ path: 'README.md', inside: true }, inside] }),
    ).toBe('ask')
    expect(of([{ ask: { path: 'secret/**' } }], { tooMany: true })).toBe('ask')
  })
})

describe('readPermissions', () => {
  let dir: string
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'bzzz-permissions-'))
  })
  afterEach(() => rmSync(dir, { recursive: true, force: true }))
  const read = (text: string | Buffer) => {
    const file = join(dir, 'permissions.yaml')
    writeFileSync(file, text)
    return readPermissions(file)
  }

  it('reads rules', async () => {
    const text =
      '# mine\nrules:\n  - allow: { kind: read }\n  - ask: { command: [npm publish*] }\ndefault: deny\n'
    expect(await read(text)).toEqual({
      rules: [{ allow: { kind: 'read' } }, { ask: { command: ['npm publish*'] } }],
      default: 'deny',
      askMs: 600_000,
    })
    expect(await read('')).toEqual(permissionSchema.parse({}))
  })

  it.each([
    ['rules:\n  - allow: { kind: reed }\n', 2],
    ['rules:\n  - allow: {}\n  - allow: {}\n    deny: {}\n', 3],
    ['askMs: 5\n', 1],
    ['rules: []\nrulez: []\n', 2],
    ['rules: [\n', 1],
    ['a: 1\na: 2\n', 2],
    ['- allow: {}\n', 1],
  ])('refuses %j with its line', async (text, line) => {
    await expect(read(text)).rejects.toMatchObject({ code: 'PERMISSIONS_INVALID', data: { line } })
  })

  it('lists all that is wrong', async () => {
    const text = 'rules:\n  - allow: { kind: reed }\n  - alow: {}\naskMs: 5\n'
    const error: unknown = await read(text).catch((one: unknown) => one)
    const lines = String(error).split('\n')
    expect(lines.map((line) => /yaml:(\d+:\d+ \S+):/.exec(line)?.[1])).toEqual([
      '2:14 rules[0].allow.kind',
      '3:5 rules[1].alow',
      '4:1 askMs',
    ])
    expect(error).toMatchObject({ data: { line: 2, problems: [{}, {}, {}] } })
  })

  it('refuses what is no file of rules', async () => {
    for (const bytes of [Buffer.from([0xff, 0xfe]), Buffer.alloc(300_000, 32)])
      await expect(read(bytes)).rejects.toMatchObject({ code: 'PERMISSIONS_INVALID' })
    await expect(readPermissions(dir)).rejects.toMatchObject({ code: 'PERMISSIONS_INVALID' })
    await expect(readPermissions(join(dir, 'none'))).rejects.toMatchObject({
      code: 'PERMISSIONS_INVALID',
    })
  })
})

describe('questions', () => {
  const about = { task: 'octo/lib#1', executor: 'x', kind: 'execute', title: 'Run', paths: [] }
  function clock() {
    const timers = new Set<() => void>()
    return {
      now: () => 1_000,
      monotonic: () => 0,
      after: (_ms: number, ring: () => void) => {
        timers.add(ring)
        return () => timers.delete(ring)
      },
      ring: () => timers.forEach((ring) => ring()),
      timers,
    }
  }

  it('end by an answer, by time, or with the work, once', async () => {
    const questions = createQuestions({ logger: nullLogger })
    const time = clock()
    const work = new AbortController()
    const ask = () => questions.ask(about, { ms: 500, signal: work.signal, clock: time })
    const [first, second, third] = [ask(), ask(), ask()]
    expect(first?.question).toMatchObject({ askedAtMs: 1_000, deadlineMs: 1_500 })
    expect(questions.list()).toHaveLength(3)
    expect(questions.answer(first?.question.id ?? '', 'deny').title).toBe('Run')
    expect(await first?.answer).toBe('deny')
    expect(() => questions.answer(first?.question.id ?? '', 'allow')).toThrow(/No question/)
    const [, later] = [...time.timers]
    expect(time.timers.size).toBe(2)
    later?.()
    expect(await third?.answer).toBe('late')
    work.abort()
    expect(await second?.answer).toBe('ended')
    expect(questions.list()).toEqual([])
    expect(time.timers.size).toBe(0)
    expect(await ask()?.answer).toBe('ended')
  })

  it('are no more than so many', () => {
    const questions = createQuestions({ logger: nullLogger })
    const { signal } = new AbortController()
    const all = Array.from({ length: MAX_QUESTIONS + 1 }, () =>
      questions.ask(about, { ms: 1_000, signal, clock: clock() }),
    )
    expect(all.at(-1)).toBeUndefined()
    expect(questions.list()).toHaveLength(MAX_QUESTIONS)
  })
})
