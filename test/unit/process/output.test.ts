import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { Output } from '../../../src/process/output.ts'

const output = (maxBytes: number, keepBytes: number, onLimit = () => {}, collect = true) =>
  new Output({ maxBytes, keepBytes, collect, onLimit })

describe('Output', () => {
  it('hashes all, keeps the end, and collects stdout apart from stderr', () => {
    const out = output(1_000, 4)
    out.take('stdout', Buffer.from('one '))
    out.take('stderr', Buffer.from('two '))
    out.take('stdout', Buffer.from('three'))
    expect(out.result()).toEqual({
      stdout: 'one three',
      stderr: 'two ',
      tail: 'hree',
      outputBytes: 13,
      truncated: true,
      outputSha256: createHash('sha256').update('one two three').digest('hex'),
    })
  })

  it('stops counting at the limit and says so once', () => {
    let limits = 0
    const out = output(10, 100, () => (limits += 1))
    expect(out.take('stdout', Buffer.alloc(8)).length).toBe(8)
    expect(limits).toBe(0)
    expect(out.take('stdout', Buffer.alloc(8)).length).toBe(2)
    expect(out.take('stderr', Buffer.alloc(8)).length).toBe(0)
    expect(limits).toBe(1)
    expect(out.result().outputBytes).toBe(10)
    expect(out.result().truncated).toBe(true)
  })

  it('accepts output of exactly the limit', () => {
    let limits = 0
    const out = output(10, 100, () => (limits += 1))
    out.take('stdout', Buffer.alloc(10))
    expect([limits, out.result().truncated]).toEqual([0, false])
  })

  it('never starts the tail within a character', () => {
    const out = output(100, 4)
    out.take('stdout', Buffer.from('aé€'))
    expect(out.result().tail).toBe('€')
  })

  it('collects nothing for a guest', () => {
    const out = output(100, 50, () => {}, false)
    out.take('stdout', Buffer.from('hello'))
    expect(out.result()).toMatchObject({ stdout: '', tail: 'hello' })
  })
})
