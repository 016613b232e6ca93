import { describe, expect, it } from 'vitest'
import { decodeInstructions, needsOf } from '../../../src/tasks/intake/instructions.ts'

const block = (text: string) => `Please do this.\n\n\`\`\`bzzz\n${text}\n\`\`\`\n\nThanks.`

describe('decodeInstructions', () => {
  it('asks for nothing without a block', () => {
    expect(decodeInstructions('')).toEqual({ needs: [] })
    expect(decodeInstructions('```yaml\nchore: x\n```')).toEqual({ needs: [] })
    expect(decodeInstructions('x'.repeat(60_000))).toEqual({ needs: [] })
  })

  it('reads chore, arguments, executor and needs', () => {
    expect(
      decodeInstructions(
        block(
          'chore: release\narguments: {version: 1.2.3, dry: true}\nexecutor: claude\nneeds: [gpu]',
        ),
      ),
    ).toEqual({
      chore: 'release',
      arguments: { version: '1.2.3', dry: true },
      executor: 'claude',
      needs: ['gpu'],
    })
  })

  it.each([
    ['in a comment', '<!--\n```bzzz\nchore: snoop\n```\n-->\nPlease say hello'],
    ['in what pages drop', '<template>\n\n```bzzz\nchore: snoop\n```\n\n</template>'],
    ['in another fence', '````\n```bzzz\nchore: snoop\n```\n````'],
    ['in a quotation', '> ```bzzz\n> chore: snoop\n> ```'],
    ['that nobody closed', '```bzzz\nchore: snoop\n'],
  ])('does not see a block %s', (_, body) => {
    expect(decodeInstructions(body)).toEqual({ needs: [] })
  })

  it('sees a block after a comment, and refuses two', () => {
    const block = '```bzzz\nchore: x\n```\n'
    expect(decodeInstructions(`<!-- note -->\n\n${block}`)).toMatchObject({ chore: 'x' })
    expect(() => decodeInstructions(`${block}\ntext\n\n${block}`)).toThrow('2 bzzz blocks')
  })

  it('takes carriage returns and longer fences', () => {
    expect(decodeInstructions('````bzzz\r\nchore: x\r\n````\r\n')).toEqual({
      chore: 'x',
      needs: [],
    })
  })

  it.each([
    ['tildes', '~~~bzzz\nchore: x\n~~~'],
    ['an indented fence', '   ```bzzz\n   chore: x\n   ```'],
    ['spaces around the word', '``` bzzz  \nchore: x\n```  '],
    ['a longer closing fence', '```bzzz\nchore: x\n`````'],
    ['other fences before it', '```sh\nls\n```\n~~~\n```\n~~~\n```bzzz\nchore: x\n```'],
    ['inline code that looks like a fence', '```a`b\n```bzzz\nchore: x\n```'],
    ['fences of the other kind within', '~~~bzzz\n# ```\nchore: x\n~~~'],
  ])('takes %s', (_what, body) => {
    expect(decodeInstructions(body)).toEqual({ chore: 'x', needs: [] })
  })

  it.each([
    ['an example within another fence', '````md\n```bzzz\nchore: x\n```\n````'],
    ['a fence that nothing closes', '```bzzz\nchore: x\n'],
    ['a fence that a shorter one follows', '````bzzz\nchore: x\n```'],
    ['a fence that tildes follow', '```bzzz\nchore: x\n~~~'],
    ['a code block by indentation', '    ```bzzz\n    chore: x\n    ```'],
    ['another word', '```bzzzz\nchore: x\n```'],
    ['two backticks', '``bzzz\nchore: x\n``'],
  ])('does not take %s', (_what, body) => {
    expect(decodeInstructions(body)).toEqual({ needs: [] })
  })

  it.each([
    ['opening fences', '```bzzz\n'],
    ['opening fences of growing length', 'grow'],
    ['backticks', '`'],
    ['backticks and a separator', '`', '\u2028'],
    ['spaces', ' '],
    ['line ends', '\n'],
    ['carriage returns', '```bzzz\r'],
    ['tildes and backticks', '~~~\n```\n'],
    ['quotes', '>'],
    ['quotes and spaces', '> '],
    ['emphasis', 'a**b'],
    ['underlines', 'a\n=\n'],
  ])('reads a body of nothing but %s in linear time', (_what, unit, end = '') => {
    const size = 65_536
    const grow = () => Array.from({ length: 340 }, (_, n) => `${'`'.repeat(n + 3)}bzzz`).join('\n')
    const text = unit === 'grow' ? grow() : unit.repeat(size / unit.length)
    const body = `${text.slice(0, size - end.length)}${end}`
    // Quadratic time would be far more, however busy the machine is.
    const started = performance.now()
    expect(decodeInstructions(body)).toEqual({ needs: [] })
    expect(performance.now() - started).toBeLessThan(5_000)
  })

  it.each([
    ['quotes', '>'],
    ['emphasis', 'a**b'],
    ['brackets', '[a]('],
  ])('finds a block below a text of nothing but %s', (_what, unit) => {
    const text = unit.repeat(Math.floor(60_000 / unit.length))
    expect(decodeInstructions(`${text}\n\n${block('chore: x')}`)).toMatchObject({ chore: 'x' })
  })

  it('refuses what takes too long to read, and says so again at once', () => {
    const deep = block(`needs: ${'{a: '.repeat(900)}`)
    for (let times = 0; times < 100; times += 1)
      expect(() => decodeInstructions(deep)).toThrow(/takes too long|nested too deeply/)
  })

  it.each([
    ['an unknown key', 'run: rm -rf /', /line 1, column 1, run: unknown option/],
    ['a command as chore', 'chore: "rm -rf /"', /line 1, column 1, chore: a word/],
    ['a list as chore', 'needs: []\nchore: [a]', /line 2, column 1, chore: /],
    ['broken YAML', 'chore: [', /line 1, column 8: the \[ here is not closed/],
    ['aliases', 'needs: &a [x]\nchore: *a', /invalid/],
    ['too much', `chore: x\n# ${'y'.repeat(5_000)}`, /larger than/],
    ['nested values', 'arguments: {a: {b: c}}', /arguments\.a: wrong form/],
  ])('refuses %s and says why', (_what, text, message) => {
    expect(() => decodeInstructions(block(text))).toThrow(message)
    expect(() => decodeInstructions(block(text))).toThrow(
      expect.objectContaining({ code: 'INSTRUCTIONS_INVALID' }),
    )
  })
})

describe('needsOf', () => {
  it('joins labels and block, each once, in lower case', () => {
    expect(needsOf(['bzzz', 'needs:GPU', 'needs: docker', 'needs:'], ['gpu', 'python'])).toEqual([
      'docker',
      'gpu',
      'python',
    ])
  })

  it('leaves out none, however many and however they are written', () => {
    expect(needsOf(['Needs: Big GPU ', 'needs:  '], [])).toEqual(['big gpu'])
    const many = Array.from({ length: 30 }, (_, n) => `needs:word-${n}`)
    expect(needsOf(many, [])).toHaveLength(30)
  })
})
