import { describe, expect, it } from 'vitest'
import {
  goneBranches,
  judgeStore,
  MAX_LOOSE_OBJECTS,
  MAX_PACKS,
  MAX_UNTIDIED_MS,
  MIN_TIDIED_MS,
  parseCounts,
} from '../../../src/tasks/upkeep/judge.ts'

const small = { looseObjects: MAX_LOOSE_OBJECTS, packs: MAX_PACKS }
const never = { runningMs: 0, tidiedMs: undefined }

describe('when a store is tidied', () => {
  it('is left alone while it is small', () => {
    expect(judgeStore(small, never)).toEqual({ is: 'tidy' })
    const late = { runningMs: 10 * MAX_UNTIDIED_MS, tidiedMs: MAX_UNTIDIED_MS - 1 }
    expect(judgeStore(small, late)).toEqual({ is: 'tidy' })
  })

  it('is due with too many objects, too many packs, and once a week', () => {
    const why = (facts: object, times: object) =>
      judgeStore({ ...small, ...facts }, { ...never, ...times })
    expect(why({ looseObjects: MAX_LOOSE_OBJECTS + 1 }, {})).toMatchObject({ why: 'loose objects' })
    expect(why({ packs: MAX_PACKS + 1 }, {})).toMatchObject({ why: 'packs' })
    expect(why({}, { runningMs: MAX_UNTIDIED_MS })).toMatchObject({ why: 'time' })
    expect(why({}, { tidiedMs: MAX_UNTIDIED_MS })).toMatchObject({ why: 'time' })
  })

  it('is not done again within a day, whatever stayed', () => {
    const full = { looseObjects: 1_000_000, packs: 1_000 }
    expect(judgeStore(full, { runningMs: 1e12, tidiedMs: MIN_TIDIED_MS - 1 }).is).toBe('tidy')
    expect(judgeStore(full, { runningMs: 1e12, tidiedMs: MIN_TIDIED_MS }).is).toBe('due')
  })
})

it('reads what git counts, and takes silence for nothing', () => {
  const text = 'count: 12\nsize: 48\nin-pack: 3\npacks: 2\nsize-pack: 1\nprune-packable: 0\n'
  expect(parseCounts(text)).toEqual({ looseObjects: 12, packs: 2 })
  expect(parseCounts('')).toEqual({ looseObjects: 0, packs: 0 })
})

it('lets go of branches that are gone, and of nothing else', () => {
  const heads = 'refs/seen/heads/'
  const seen = new Map([
    [`${heads}main`, 'a'],
    [`${heads}bzzz/issue-1`, 'b'],
    [`${heads}bzzz/issue-2`, 'c'],
    ['refs/seen/claims/1', 'd'],
  ])
  expect(goneBranches(seen, new Set(['main', 'bzzz/issue-2', 'other']), heads)).toEqual([
    { ref: `${heads}bzzz/issue-1`, oid: 'b' },
  ])
})
