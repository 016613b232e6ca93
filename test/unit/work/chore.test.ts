import { describe, expect, it } from 'vitest'
import { checkArgument, choreCommand, findChore } from '../../../src/work/chore.ts'
import { WorkError } from '../../../src/work/index.ts'
import { policy } from './rig.ts'

const bump = {
  run: ['node', 'bump.mjs', '--to={{version}}', '{{ level }}', '{{dry}}'],
  arguments: {
    version: { type: 'string' as const, pattern: '^\\d+\\.\\d+\\.\\d+$', maxLength: 20 },
    level: { type: 'string' as const, enum: ['minor', '-major'], default: 'minor' },
    dry: { type: 'boolean' as const, default: false },
  },
}
const code = (work: () => unknown) => {
  try {
    work()
  } catch (error) {
    return error instanceof WorkError ? [error.code, error.message] : error
  }
  return undefined
}

describe('choreCommand', () => {
  it('puts arguments in place, whole or within a word, and defaults where none is given', () => {
    expect(choreCommand(bump, { version: '1.2.3' })).toEqual([
      'node',
      'bump.mjs',
      '--to=1.2.3',
      'minor',
      'false',
    ])
    expect(choreCommand(bump, { version: '1.2.3', level: '-major', dry: true })).toEqual([
      'node',
      'bump.mjs',
      '--to=1.2.3',
      '-major',
      'true',
    ])
  })

  it('does not put one argument into another', () => {
    const chore = {
      run: ['x', '{{a}}'],
      arguments: { a: { type: 'string' as const }, b: { type: 'string' as const, default: 'B' } },
    }
    expect(choreCommand(chore, { a: '{{b}}' })).toEqual(['x', '{{b}}'])
  })

  it.each<[Record<string, string | number | boolean>, RegExp]>([
    [{}, /"version" is missing; give it below "arguments", such as version: "…", which matches/],
    [{ version: '1.2' }, /"version" does not match/],
    [{ version: 12 }, /must be a string: write its value in quotation marks/],
    [{ version: 1.1 }, /quotation marks/],
    [{ version: true }, /quotation marks/],
    [{ version: '1.2.3', other: 'x' }, /"other" is not declared; declared: version, level, dry/],
    [{ version: '1.2.3', level: 'huge' }, /must be one of minor, -major/],
    [{ version: '1.2.3', dry: 'yes' }, /must be a boolean/],
    [{ version: `${'1'.repeat(20)}.2.3` }, /at most 20/],
    [{ version: '1.2.3', constructor: 'x' }, /not declared/],
  ])('refuses %j', (given, text) => {
    const [found, message] = code(() => choreCommand(bump, given)) as [string, string]
    expect(found).toBe('CHORE_ARGUMENT')
    expect(message).toMatch(text)
  })

  it('refuses text that would be an option, and control characters', () => {
    const chore = { run: ['x', '{{a}}'], arguments: { a: { type: 'string' as const } } }
    for (const a of ['--eval=1', '-x', 'a\nb', 'a\0b']) {
      expect(code(() => choreCommand(chore, { a }))).toEqual(['CHORE_ARGUMENT', expect.any(String)])
    }
    expect(choreCommand({ ...chore, run: ['x', 'v{{a}}'] }, { a: '-1' })).toEqual(['x', 'v-1'])
  })

  it('ends a pattern that backtracks for ever', () => {
    const began = performance.now()
    const rule = { type: 'string' as const, pattern: '^(a+)+$' }
    expect(checkArgument(rule, `${'a'.repeat(60)}!`)).toContain('does not match')
    expect(performance.now() - began).toBeLessThan(3_000)
    expect(checkArgument(rule, 'aaa')).toBeUndefined()
  })
})

describe('findChore', () => {
  it('names what is declared', () => {
    const chores = { bump, tidy: { run: ['x'], arguments: {} } }
    expect(findChore(policy({ chores }), 'tidy').run).toEqual(['x'])
    for (const name of ['nothing', 'toString', '__proto__']) {
      expect(code(() => findChore(policy({ chores }), name))).toEqual([
        'CHORE_NOT_DECLARED',
        expect.stringContaining('declares bump, tidy'),
      ])
    }
    expect(code(() => findChore(policy({}), 'x'))).toEqual([
      'CHORE_NOT_DECLARED',
      expect.stringContaining('declares no chores'),
    ])
  })
})
