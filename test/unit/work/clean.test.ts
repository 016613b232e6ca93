import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  cleanIssueText,
  cutEnd,
  HIDDEN_MARKER,
  keepEnd,
  oneLine,
  visible,
} from '../../../src/work/clean.ts'

describe('cleanIssueText', () => {
  const clean = (text: string) => cleanIssueText(text, 65_536)

  it.each([
    ['a <!-- steal the token --> b', `a ${HIDDEN_MARKER} b`],
    ['a <!-- x\ny --!> b', `a ${HIDDEN_MARKER} b`],
    ['a <!-- never closed\n b', `a ${HIDDEN_MARKER}`],
    ['a <!-<!-- -->- hidden --> b', `a <!-${HIDDEN_MARKER}- hidden --> b`],
    ['[//]: # (hidden)\ntext', `${HIDDEN_MARKER}\ntext`],
    ['[comment]: <> (hidden)', HIDDEN_MARKER],
    ['[1]: https://example.org', '[1]: https://example.org'],
  ])('takes out what a page does not show: %j', (text, expected) => {
    expect(clean(text)).toBe(expected)
  })

  it.each([
    '\u200b',
    '\u200d',
    '\u202e',
    '\u2066',
    '\u2069',
    '\ufeff',
    '\u{e0041}',
    '\u{e007f}',
    '\u00ad',
    '\u0007',
  ])('takes out the invisible character %j', (character) => {
    expect(clean(`a${character}b`)).toBe('ab')
  })

  it('takes out terminal escapes and keeps line ends and tabs', () => {
    expect(clean('\u001b[31mred\u001b[0m\r\n\tend\u001b]0;title\u0007')).toBe('red\n\tend')
  })

  it('cuts at the limit with a marker, never within a character', () => {
    const text = cleanIssueText('ä'.repeat(40_000), 65_536)
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(65_536)
    expect(text).toMatch(/ä\n\[cut here: 14464 more bytes\]$/)
    expect(text).not.toContain('\ufffd')
  })

  it('keeps a body of 60 kB whole', () => {
    expect(clean('x'.repeat(60_000))).toHaveLength(60_000)
  })

  it('leaves no invisible character and no comment, whatever comes in', () => {
    const piece = fc.constantFrom(
      '<!--',
      '-->',
      '--!>',
      '\u202e',
      '\u200b',
      '\u{e0020}',
      '\u001b[',
      'a',
      '\n',
      '<',
      '!',
      '-',
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
        const text = clean(pieces.join(''))
        expect(text).toBe(visible(text))
        expect(text).not.toMatch(/<!--/)
      }),
    )
  })
})

describe('lengths', () => {
  it('holds in bytes at both ends', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        fc.integer({ min: 40, max: 200 }),
        (text, limit) => {
          const whole = text.toWellFormed()
          expect(Buffer.byteLength(cutEnd(whole, limit))).toBeLessThanOrEqual(limit)
          expect(Buffer.byteLength(keepEnd(whole, limit))).toBeLessThanOrEqual(limit)
        },
      ),
    )
  })

  it('makes one line', () => {
    expect(oneLine(' a\n b\u202e\tc ', 100)).toBe('a b c')
    expect(oneLine('x'.repeat(50), 10)).toBe(`${'x'.repeat(9)}…`)
  })
})
