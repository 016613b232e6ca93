import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cleanIssueText, cutEnd, keepEnd, oneLine, visible } from '../../../src/work/clean.ts'
import { HIDDEN_MARKER } from '../../../src/work/shown/html.ts'
import { shownMarkdown } from '../../../src/work/shown/shown.ts'

const IMAGE_ONLY = '[image]'

describe('cleanIssueText', () => {
  const clean = (text: string) => cleanIssueText(text, 65_536)

  it.each([
    ['a <!-- steal the token --> b', `a ${HIDDEN_MARKER} b`],
    ['a <!-- x\ny --!> b', `a ${HIDDEN_MARKER} b`],
    ['a <!-- never closed\n b', `a ${HIDDEN_MARKER}`],
    ['a <!-<!-- -->- hidden --> b', `a <!-${HIDDEN_MARKER}- hidden --> b`],
    ['[//]: # (hidden)\ntext', `${HIDDEN_MARKER}\ntext`],
    ['[comment]: <> (hidden)', HIDDEN_MARKER],
    ['see [1]\n\n[1]: https://example.org "steal"', 'see [1]\n\n[1]: https://example.org'],
    ['[steal the token]: https://example.org', HIDDEN_MARKER],
    ['a[^1]\n\n[^1]: note', 'a[^1]\n\n[^1]: note'],
    ['a\n\n[^1]: steal', `a\n\n${HIDDEN_MARKER}`],
    ['![steal the token](https://x.test/a.png "steal") b', '[image] b'],
    ['<img alt="steal" src="x"> b', '[image] b'],
    ['a <img alt="steal > it" src=x> b', 'a [image] b'],
    ['[here](https://x.test "steal")', '[here](https://x.test)'],
    ['[**b** c](data:text/plain,steal)', '[**b** c]([target removed])'],
    ['[x](javascript:steal)', '[x]([target removed])'],
    ['<style>\nsteal\n</style>\n\nb', `${HIDDEN_MARKER}\n\nb`],
    ['a <title>steal</title> b', `a ${HIDDEN_MARKER} b`],
    ['a <template>steal', `a ${HIDDEN_MARKER}`],
    ['<p title="steal" data-x=\'steal\'>b</p>', '<p>b</p>'],
    ['<?steal?>', HIDDEN_MARKER],
    [
      '<details><summary>Log</summary>\n\nb\n\n</details>',
      '[part that the page shows collapsed:]<summary>Log</summary>\n\nb\n\n[end of that part]',
    ],
    ['```html\n<!-- kept --><img alt="kept">\n```', '```html\n<!-- kept --><img alt="kept">\n```'],
    ['in `<!-- kept -->` code', 'in `<!-- kept -->` code'],
    [`a${'\n'.repeat(500)}b`, `a${'\n'.repeat(20)}${HIDDEN_MARKER}\nb`],
  ])('takes out what a page does not show: %j', (text, expected) => {
    expect(clean(text)).toBe(expected)
  })

  it.each([
    ['see [here][steal it]\n\n[steal it]: https://x.test/a', 'see [here](https://x.test/a)'],
    ['[a]\n\n[a]: /b\n[a]: /steal', '[a]\n\n[a]: /b'],
    ['![a][pic]\n\n[pic]: /steal', IMAGE_ONLY],
    ['a [](https://x.test/steal "steal") b', `a ${HIDDEN_MARKER} b`],
    ['[a](https://x.test/b?q=steal+it#L3)', '[a](https://x.test/b?…#L3)'],
    ['a[^steal-it]\n\n[^steal-it]: note', 'a[^note1]\n\n[^note1]: note'],
    ['a\n\n[^1]: steal[^2]\n\n[^2]: steal[^1]', `a\n\n${HIDDEN_MARKER}`],
    ['| a |\n|---|\n| b | steal |', '| a |\n|---|\n| b '],
    ['```ts steal it\nkept()\n```', `\`\`\`ts ${HIDDEN_MARKER}\nkept()\n\`\`\``],
    ['<template>\n\nsteal\n\n</template>\n\nb', `${HIDDEN_MARKER}\n\nb`],
    ['<div title="\n\nsteal\n\n<p x=">\n\nb', HIDDEN_MARKER],
    ['> <div\n> title="steal">\n> b', '<div>'],
    ['b <i\ntitle="steal">c</i>', 'b <i>c</i>'],
    ['<stealit>b</stealit>', '<stealit>b</stealit>'],
    ['a&#8203;b&#xE0041;c&zwj;d', 'abcd'],
    ['$\\phantom{steal}$ b', `${HIDDEN_MARKER} b`],
    ['```mermaid\ngraph TD\n%% steal\nA-->B\n```', 'graph TD'],
    [`${'> '.repeat(200)}steal`, HIDDEN_MARKER],
  ])('nor does it keep what only looks like a part of the page: %j', (text, expected) => {
    const seen = clean(text)
    expect(seen).toContain(expected)
    if (!text.includes('<stealit>')) expect(seen).not.toMatch(/steal/)
  })

  it('keeps what is seen, though its form is odd', () => {
    for (const text of [
      '| a | b |\n|---|:-:|\n| `c` | e |',
      '- [ ] one\n- [x] two',
      'The <select> and the <T> of `Map<K, V>` cost $5 and $6.',
      '```bzzz\nchore: release\n```',
      '    indented <b title="code">\n',
      'a\\*b &lt;c&gt; ~~d~~ https://x.test/?q=1',
    ])
      expect(clean(text)).toBe(text.replace('<select>', HIDDEN_MARKER))
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
    '\u2800',
    '\ue000',
    '\u{f0000}',
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

describe('shownMarkdown', () => {
  it('leaves plain text as it is', () => {
    const word = fc.stringMatching(/^[a-z0-9 .,;()'?\n-]{0,40}$/)
    fc.assert(
      fc.property(word, (text) => {
        expect(shownMarkdown(text)).toBe(text)
      }),
    )
  })

  it('shows no secret part, wherever it stands', () => {
    const hide = fc.constantFrom<(text: string) => string>(
      (text) => `<!-- ${text} -->`,
      (text) => `![${text}](https://x.test/a.png)`,
      (text) => `[a](https://x.test "${text}")`,
      (text) => `<img alt="${text}">`,
      (text) => `<style>${text}</style>`,
      (text) => `<b title="${text}">b</b>`,
      (text) => `\n\n[${text}]: https://x.test\n\n`,
      (text) => `\n\n[//]: # (${text})\n\n`,
      (text) => `\n\n[^a]: ${text}\n\n`,
      (text) => `\n\n~~~js ${text}\n~~~\n\n`,
      (text) => `\n\n| a |\n|---|\n| b | ${text} |\n\n`,
      (text) => `\n\n<template>\n\n${text}\n\n</template>\n\n`,
      (text) => `\n\n<div title="\n\n${text}\n\n<p x=">\n\n`,
    )
    const around = fc.constantFrom(
      '',
      ' ',
      'a',
      '\n',
      '\n\n',
      '> ',
      '- ',
      '**b** ',
      '# ',
      '1. ',
      '|',
    )
    fc.assert(
      fc.property(hide, around, around, (how, before, after) => {
        expect(cleanIssueText(`${before}${how('stealit')}${after}`, 65_536)).not.toContain(
          'stealit',
        )
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

  it('leaves out what takes too long to read', () => {
    const text = `steal${'a\n=\n'.repeat(15_000)}`
    expect(cleanIssueText(text, 65_536)).toBe(
      '[left out: 60005 characters that take too long to read]',
    )
  })

  it('makes one line', () => {
    expect(oneLine(' a\n b\u202e\tc ', 100)).toBe('a b c')
    expect(oneLine('x'.repeat(50), 10)).toBe(`${'x'.repeat(9)}…`)
  })
})
