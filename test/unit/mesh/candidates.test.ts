import { describe, expect, test } from 'vitest'
import {
  Candidates,
  MAX_CANDIDATES,
  POLL_MS,
  RETRY_MS,
  type Refused,
} from '../../../src/mesh/admission/candidates.ts'

const refusal = (code: string, final = false): Refused => ({
  is: 'refused',
  code,
  message: code,
  final,
})
const free = () => false
const keys = (all: Candidates, now: number) => all.due(now, free).map(({ key }) => key)
const known = { known: true, notBefore: 0 }
const found = { known: false, notBefore: 0 }

describe('Candidates', () => {
  test('known ones come before those found on the link; busy ones are left out', () => {
    const all = new Candidates()
    all.learn('found', ['/ip4/192.0.2.1/tcp/1'], found)
    all.learn('known', ['/ip4/192.0.2.2/tcp/1'], { known: true, notBefore: 5 })
    all.learn('later', ['/ip4/192.0.2.3/tcp/1'], { known: true, notBefore: 50 })
    expect(keys(all, 10)).toEqual(['known', 'found'])
    expect(all.due(10, (key) => key === 'known').map(({ key }) => key)).toEqual(['found'])
  })

  test('a failed one is asked again, later and later', () => {
    const all = new Candidates()
    all.learn('a', [], known)
    all.failed('a', 0, () => 0)
    expect(keys(all, RETRY_MS.first - 1)).toEqual([])
    expect(keys(all, RETRY_MS.first)).toEqual(['a'])
    for (let n = 0; n < 20; n += 1) all.failed('a', 0, () => 0)
    expect(keys(all, RETRY_MS.longest - 1)).toEqual([])
    expect(keys(all, RETRY_MS.longest)).toEqual(['a'])
  })

  test('one that lets us wait is asked again after the poll', () => {
    const all = new Candidates()
    all.learn('a', [], known)
    all.waiting('a', 0)
    expect(keys(all, POLL_MS - 1)).toEqual([])
    expect(keys(all, POLL_MS)).toEqual(['a'])
  })

  test('a final refusal ends; busy is no refusal', () => {
    const all = new Candidates()
    all.learn('a', [], known)
    expect(all.refused('a', refusal('JOIN_BUSY'), 0, () => 0)).toBeUndefined()
    expect(keys(all, 1000)).toEqual(['a'])
    expect(all.exhausted(60_000)).toBeUndefined()
    const final = refusal('TOKEN_SPENT', true)
    expect(all.refused('a', final, 0, () => 0)).toBe(final)
  })

  test('what one peer says ends the search only when nobody else is left, and after a while', () => {
    const all = new Candidates()
    all.learn('a', [], known)
    all.learn('b', [], found)
    const spent = refusal('TOKEN_UNKNOWN')
    expect(all.refused('a', spent, 0, () => 0)).toBeUndefined()
    expect(keys(all, 60_000)).toEqual(['b'])
    expect(all.exhausted(60_000)).toBeUndefined()
    all.refused('b', refusal('ASK_DENIED'), 10, () => 0)
    expect(all.exhausted(20)).toBeUndefined()
    expect(all.exhausted(60_000)).toBe(spent)
  })

  test('peers of another mesh never end the search', () => {
    const all = new Candidates()
    all.learn('a', [], found)
    all.refused('a', refusal('TOKEN_WRONG_MESH'), 0, () => 0)
    expect(all.exhausted(600_000)).toBeUndefined()
  })

  test('a crowd on the link neither grows without end nor displaces known ones', () => {
    const all = new Candidates()
    all.learn('known', [], known)
    for (let n = 0; n < 500; n += 1) all.learn(`found-${n}`, [], found)
    expect(all.size).toBe(MAX_CANDIDATES)
    expect(keys(all, 0)[0]).toBe('known')
    expect(keys(all, 0)).toContain('found-499')
  })
})
