import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { table } from '../../../src/cli/output/table.ts'
import {
  age,
  clean,
  clockTime,
  duration,
  safeJson,
  thousands,
  truncate,
  width,
} from '../../../src/cli/output/text.ts'

// eslint-disable-next-line no-control-regex
const dangerous = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/

describe('clean', () => {
  it.each([
    ['a\u001b[31mred\u001b[0m', 'a\ufffd[31mred\ufffd[0m'],
    ['\u009b2J', '\ufffd2J'],
    ['\u001b]0;title\u0007', '\ufffd]0;title\ufffd'],
    ['one\r\ntwo\tthree', 'one two three'],
    ['\u202egnp.exe', '\ufffdgnp.exe'],
    ['\ud83d lone', '\ufffd lone'],
    ['Ünïcode 👩‍🔧 漢字', 'Ünïcode 👩‍🔧 漢字'],
  ])('makes %j safe', (text, expected) => {
    expect(clean(text)).toBe(expected)
  })

  it('leaves nothing that a terminal obeys, in text and in JSON', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(clean(text)).not.toMatch(dangerous)
        const json = safeJson({ text })
        expect(json).not.toMatch(dangerous)
        expect(JSON.parse(json)).toEqual({ text })
      }),
    )
  })
})

describe('width', () => {
  it.each([
    ['abc', 3],
    ['漢字', 4],
    ['e\u0301', 1],
    ['👩‍🔧', 2],
    ['', 0],
  ])('of %j is %d', (text, columns) => {
    expect(width(text)).toBe(columns)
  })

  it('is never above the limit after a cut', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme' }),
        fc.integer({ min: 1, max: 20 }),
        (text, most) => {
          expect(width(truncate(clean(text), most))).toBeLessThanOrEqual(most)
        },
      ),
    )
    expect(truncate('漢字漢字', 4)).toBe('漢…')
  })
})

describe('times', () => {
  it('are short', () => {
    expect([-5, 0, 59_999, 60_000, 3_600_000, 90_000_000].map(age)).toEqual([
      '0s',
      '0s',
      '59s',
      '1m',
      '1h',
      '1d',
    ])
    expect([0, 850, 12_000, 185_000, 7_800_000].map(duration)).toEqual([
      '0ms',
      '850ms',
      '12s',
      '3m05s',
      '2h10m',
    ])
    expect([0, 999, 1_000, 1_234_567].map(thousands)).toEqual(['0', '999', '1,000', '1,234,567'])
  })

  it('name the day when it is not today', () => {
    const noon = new Date(2026, 0, 2, 12, 1, 3).getTime()
    expect(clockTime(noon, noon + 1_000)).toBe('12:01:03')
    expect(clockTime(noon, noon + 86_400_000)).toBe('2026-01-02 12:01:03')
  })
})

describe('table', () => {
  const columns = [
    {
      title: 'NAME',
      value: (row: { name: string; size: number | null }) => row.name,
      flexible: true,
    },
    {
      title: 'SIZE',
      value: (row: { size: number | null }) => row.size,
      align: 'right' as const,
      style: (text: string) => `<${text}>`,
    },
  ]

  it('aligns, styles after padding, and shows what is missing', () => {
    const rows = [
      { name: '漢字', size: 7 },
      { name: 'longer name', size: null },
    ]
    expect(table(columns, rows)).toBe(
      ['NAME         SIZE', '漢字            <7>', 'longer name     <->'].join('\n'),
    )
  })

  it('cuts only the flexible column to fit', () => {
    const [, line = ''] = table(columns, [{ name: 'x'.repeat(100), size: 7 }], 40).split('\n')
    expect(line).toBe(`${'x'.repeat(33)}…     <7>`)
  })

  it('cleans what it shows', () => {
    const lines = table(columns, [{ name: 'a\u001b[2Jb\nc', size: 1 }]).split('\n')
    expect(lines).toHaveLength(2)
    expect(lines[1]).not.toContain('\u001b')
  })
})
