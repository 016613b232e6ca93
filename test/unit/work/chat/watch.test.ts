import { describe, expect, it } from 'vitest'
import {
  afterRound,
  afterSilence,
  FRESH,
  type Happened,
  type Verdict,
} from '../../../../src/work/executors/chat/watch.ts'

const round = (call: string, more: Partial<Happened> = {}): Happened => ({
  calls: [call],
  malformed: 0,
  changed: false,
  ...more,
})
function verdicts(all: Happened[]): Verdict['do'][] {
  let watch = FRESH
  return all.map((one) => {
    const next = afterRound(watch, one)
    watch = next.watch
    return next.verdict.do
  })
}

describe('watching a loop', () => {
  it('lets work that finds out new things go on', () => {
    const all = Array.from({ length: 200 }, (_, index) => round(`read ${index}`))
    expect(new Set(verdicts(all))).toEqual(new Set(['go']))
  })

  it('tells, then ends the same call again and again', () => {
    const all = Array.from({ length: 5 }, () => round('read a'))
    expect(verdicts(all)).toEqual(['go', 'go', 'tell', 'tell', 'end'])
  })

  it('ends going in circles, where nothing changes', () => {
    const all = Array.from({ length: 14 }, (_, index) => round(`read ${index % 3}`))
    const said = verdicts(all)
    expect(said.slice(0, 7)).toEqual(['go', 'go', 'go', 'go', 'go', 'go', 'go'])
    expect(said[12]).toBe('end')
  })

  it('begins to count anew after a change', () => {
    const circle = Array.from({ length: 10 }, (_, index) => round(`run ${index % 2}`))
    const edits = [...circle, round('edit', { changed: true }), ...circle]
    expect(verdicts(edits)).not.toContain('end')
  })

  it('ends calls that cannot be read', () => {
    const all = Array.from({ length: 6 }, (_, index) => round(`bad ${index}`, { malformed: 1 }))
    expect(verdicts(all).at(-1)).toBe('end')
    expect(verdicts([...all.slice(0, 5), round('read a')]).at(-1)).toBe('go')
  })

  it('asks once after an answer without a call, then takes it as the end', () => {
    const first = afterSilence(FRESH, false)
    expect(first.verdict.do).toBe('tell')
    expect(afterSilence(first.watch, false).verdict.do).toBe('go')
    const between = afterRound(first.watch, round('read a'))
    expect(afterSilence(between.watch, false).verdict.do).toBe('tell')
  })
})
