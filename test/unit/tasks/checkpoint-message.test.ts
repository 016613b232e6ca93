import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { belowCheckpoints } from '../../../src/tasks/checkpoints/below.ts'
import {
  decodeMessage,
  encodeMessage,
  maxDigestBytes,
  maxMessageBytes,
} from '../../../src/tasks/checkpoints/message.ts'

const issue = { number: 12, title: 'Fix the sum' }
const used = { wallMs: 61_000, turns: 2, inputTokens: 10, costMicros: 5 }

describe('the message of a checkpoint', () => {
  it('says what it is, and is read back', () => {
    const message = encodeMessage(issue, { attempt: 2, digest: 'Tried this.\n\nThen that.', used })
    expect(message.split('\n')[0]).toBe('checkpoint: Fix the sum (#12)')
    const back = decodeMessage(message)
    expect(back).toEqual({ attempt: 2, digest: 'Tried this.\n\nThen that.', used })
  })

  it('mentions nobody and closes nothing, and the digest comes back as it was', () => {
    const digest = 'fixes #3, says @ada'
    const message = encodeMessage(issue, { attempt: 1, digest, used })
    expect(message).not.toMatch(/#3|@ada/)
    expect(decodeMessage(message)?.digest).toBe(digest)
  })

  it('is bounded, whatever is tried', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 40 }).map((text) => text.repeat(300)),
        fc.string(),
        (digest, title) => {
          const message = encodeMessage({ number: 1, title }, { attempt: 1, digest, used })
          const back = decodeMessage(message)
          expect(back?.attempt).toBe(1)
          expect(Buffer.byteLength(back?.digest ?? '')).toBeLessThanOrEqual(maxDigestBytes)
        },
      ),
      { numRuns: 50 },
    )
  })

  it.each([
    ['a plain commit', 'Fix the sum (#12)\n'],
    ['the mark in the middle', 'x\n\nBzzz-Checkpoint: {"v":1,"attempt":1}\n\nmore'],
    ['no JSON', 'x\n\nBzzz-Checkpoint: yes'],
    [
      'an absurd attempt',
      'x\n\nBzzz-Checkpoint: {"v":1,"attempt":-1,"used":{"wallMs":1,"turns":1}}',
    ],
    ['a huge mark', `x\n\nBzzz-Checkpoint: {"v":1,"pad":"${'x'.repeat(2_000)}"}`],
    [
      'a huge message',
      `${'x'.repeat(maxMessageBytes)}\n\n${encodeMessage(issue, { attempt: 1, digest: '', used })}`,
    ],
    ['a title that says so', 'Bzzz-Checkpoint: {"v":1,"attempt":1,"used":{"wallMs":1,"turns":1}}'],
  ])('is not seen in %s', (_what, message) => {
    expect(decodeMessage(message)).toBeUndefined()
  })
})

describe('below the checkpoints', () => {
  const mark = (digest: string) => encodeMessage(issue, { attempt: 1, digest, used })
  const commits: Record<string, { parents: string[]; message: string }> = {
    base: { parents: [], message: 'base' },
    hand: { parents: ['base'], message: 'by hand' },
    one: { parents: ['hand'], message: mark('one') },
    two: { parents: ['one'], message: mark('two') },
    onTop: { parents: ['two'], message: 'by hand, later' },
    merge: { parents: ['two', 'base'], message: mark('merged') },
    orphan: { parents: [], message: mark('orphan') },
  }
  const refs = { describe: async (oid: string) => commits[oid] }

  it.each([
    ['two', 'hand', 'two'],
    ['hand', 'hand', undefined],
    ['onTop', 'onTop', undefined],
    ['merge', 'merge', undefined],
    ['orphan', 'orphan', undefined],
    ['unknown', 'unknown', undefined],
  ])('of %s is %s', async (tip, root, digest) => {
    const found = await belowCheckpoints(refs, tip)
    expect([found.root, found.note?.digest]).toEqual([root, digest])
  })
})
