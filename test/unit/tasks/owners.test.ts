import { describe, expect, it } from 'vitest'
import { leaveToOwners } from '../../../src/tasks/feedback/owners.ts'
import { newWatch, type Watched } from '../../../src/tasks/feedback/watched.ts'

interface Case {
  /** Authors of the newest records by issue; undefined: no record. */
  owners: Record<number, string | undefined>
  here: readonly string[]
  active?: number
  /** Whose newest record lets a round go. */
  letGo?: number
  /** Whether the tips are known before. */
  known?: boolean
  /** Attempt of the newest records; that of the pull requests is 2. */
  attempt?: number
  /** Author of the newest records as they are, where the tips that are known are old. */
  really?: string
}

async function left({ owners, here, active, letGo, known = true, attempt = 2, really }: Case) {
  const issues = Object.keys(owners).map(Number)
  const tipOf = (issue: number, peerId = owners[issue]) => ({
    tip:
      owners[issue] === undefined
        ? { is: 'absent' }
        : {
            is: 'record',
            record: {
              peerId,
              attempt,
              round: 1,
              state: issue === letGo ? 'released' : 'done',
            },
          },
    readAt: 0,
  })
  const tips = new Map(known ? issues.map((issue) => [issue, tipOf(issue)] as const) : [])
  let snapshots = 0
  const place = {
    repo: 'o/r',
    refs: {
      snapshot: async () => {
        snapshots += 1
        return new Map(issues.map((issue) => [String(issue), issue]))
      },
    },
    claims: { decode: async (_: string, issue: number) => tipOf(issue, really).tip },
  }
  const floor = {
    context: {
      mesh: { peerId: 'self', candidates: () => here.map((peerId) => ({ peerId })) },
      clock: { monotonic: () => (really === undefined ? 0 : 10_000) },
    },
    isActive: (_: string, issue: number) => issue === active,
  }
  const none = () => new Map()
  const memory = {
    tips,
    issues: none(),
    gone: none(),
    records: none(),
    forced: none(),
    suspicions: none(),
    sightings: none(),
  }
  const watched = new Map<number, Watched>(
    issues.map((issue) => [
      issue,
      newWatch({ issue, attempt: 2, pull: { number: issue, url: '' } }, true),
    ]),
  )
  const run = () =>
    leaveToOwners(
      floor as never,
      place as never,
      memory as never,
      watched,
      new AbortController().signal,
    )
  await run()
  await run()
  return { watched: [...watched.keys()], snapshots }
}

describe('a pull request', () => {
  it('is left to its owner that is back, and to another that made a round', async () => {
    const { watched } = await left({ owners: { 1: 'ada', 2: 'bob', 3: 'self' }, here: ['ada'] })
    expect(watched).toEqual([2, 3])
  })

  it('is kept while a round is worked here, and when nobody holds a record of it', async () => {
    const { watched } = await left({ owners: { 1: 'ada', 2: undefined }, here: ['ada'], active: 1 })
    expect(watched).toEqual([1, 2])
  })

  it('is kept by who took it up while its owner has let a round go', async () => {
    const { watched } = await left({ owners: { 1: 'ada', 2: 'ada' }, here: ['ada'], letGo: 2 })
    expect(watched).toEqual([2])
  })

  it('is asked for once when it is not known whose it is', async () => {
    const { watched, snapshots } = await left({
      owners: { 1: 'ada', 2: 'self', 3: undefined },
      here: ['ada'],
      known: false,
    })
    expect(watched).toEqual([2, 3])
    expect(snapshots).toBe(1)
  })

  it('is not left to anybody for the sake of an old reading', async () => {
    const old = { owners: { 1: 'ada' }, here: ['ada', 'bob'] }
    const { watched, snapshots } = await left({ ...old, really: 'self' })
    expect(watched).toEqual([1])
    expect(snapshots).toBe(1)
    expect((await left({ ...old, really: 'bob' })).watched).toEqual([])
  })

  it('is kept by who opened it though a reading shows who had the claim before', async () => {
    const { watched, snapshots } = await left({ owners: { 1: 'ada' }, here: ['ada'], attempt: 1 })
    expect(watched).toEqual([1])
    expect(snapshots).toBe(1)
  })
})
