import { describe, expect, it } from 'vitest'
import { isTakenOff } from '../../../src/tasks/intake/assigned.ts'
import type { Issue } from '../../../src/tasks/github/github.ts'

const at = (second: number, ...assignees: string[]) =>
  ({ number: 7, updatedAt: `2026-01-01T00:00:0${second}Z`, assignees }) as Issue

describe('an assignment', () => {
  it('is taken off when a later reading does not show it', () => {
    const seen = new Map<number, string>()
    expect(isTakenOff(seen, at(1), 'a')).toBe(false)
    expect(isTakenOff(seen, at(2, 'A', 'b'), 'a')).toBe(false)
    expect(isTakenOff(seen, at(3, 'b'), 'a')).toBe(true)
  })

  it('is not taken off for a replica that lags, nor within the same second', () => {
    const seen = new Map<number, string>()
    isTakenOff(seen, at(5, 'a'), 'a')
    isTakenOff(seen, at(3, 'a'), 'a')
    expect(isTakenOff(seen, at(4), 'a')).toBe(false)
    expect(isTakenOff(seen, at(5), 'a')).toBe(false)
    expect(isTakenOff(seen, at(6), 'a')).toBe(true)
  })
})
