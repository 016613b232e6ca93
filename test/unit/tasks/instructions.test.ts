import { describe, expect, it } from 'vitest'
import { decodeInstructions, needsOf } from '../../../src/tasks/instructions.ts'

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

  it('takes carriage returns and longer fences', () => {
    expect(decodeInstructions('````bzzz\r\nchore: x\r\n````\r\n')).toEqual({
      chore: 'x',
      needs: [],
    })
  })

  it.each([
    ['an unknown key', 'run: rm -rf /', /Unrecognized key/],
    ['a command as chore', 'chore: "rm -rf /"', /"chore"/],
    ['a list as chore', 'chore: [a]', /"chore"/],
    ['broken YAML', 'chore: [', /not YAML \(line|not YAML/],
    ['aliases', 'needs: &a [x]\nchore: *a', /invalid/],
    ['too much', `chore: x\n# ${'y'.repeat(5_000)}`, /larger than/],
    ['nested values', 'arguments: {a: {b: c}}', /"arguments.a"/],
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
})
