/** Pull requests that are open and that nobody looks after. */
import { expect, it } from 'vitest'
import type { DeskMemory } from '../../../src/tasks/feedback/parts.ts'
import { inheritPulls } from '../../../src/tasks/feedback/heirs.ts'
import { emptyMemory } from '../../../src/tasks/look/floor.ts'
import { RecentMap } from '../../../src/util/index.ts'

const pollMs = 1_000
const signal = new AbortController().signal

/** An issue whose closing record is this agent's own. `found`: what GitHub says of its branch. */
function scene(found: () => object | undefined) {
  const at = { now: 0, listings: 0, lookups: 0, listed: [] as string[] }
  const context = {
    settings: { branchPrefix: 'bzzz/issue-', pollMs },
    clock: { monotonic: () => at.now },
    mesh: { peerId: 'self', candidates: () => [] },
    github: { findPull: async () => ((at.lookups += 1), found()) },
  }
  const memory = emptyMemory()
  memory.issues.set(7, {} as never)
  const record = { state: 'done', peerId: 'self', attempt: 2 }
  memory.tips.set(7, { tip: { is: 'record', oid: 'a', record } } as never)
  const own = { watched: new Map(), none: new RecentMap(10), soughtAt: -Infinity }
  const openPulls = async () => {
    at.listings += 1
    return { pulls: at.listed.map((headRef) => ({ headRef })), whole: true }
  }
  const parts = {
    floor: { context, isActive: () => false },
    place: { repo: 'octo/lib', info: { defaultBranch: 'main' } },
    memory,
    own: own as unknown as DeskMemory,
    reviews: { openPulls },
    asked: false,
  }
  const look = async (now: number) => {
    at.now = now
    await inheritPulls(parts as never, signal)
    return own.watched.get(7)?.pull.number as number | undefined
  }
  return { at, look }
}

it('one that is opened again, or late, is looked after by who wrote the closing record', async () => {
  let found: object = { number: 9, url: 'u', open: false }
  const { at, look } = scene(() => found)
  expect(await look(0)).toBeUndefined()
  expect(await look(pollMs)).toBeUndefined()
  found = { number: 12, url: 'u', open: true }
  at.listed = ['main', 'bzzz/issue-7']
  expect(await look(11 * pollMs)).toBe(12)
  expect(at.lookups).toBe(2)
})

it('a closed one costs one listing now and then', async () => {
  const { at, look } = scene(() => ({ number: 9, url: 'u', open: false }))
  for (let turn = 0; turn < 100; turn += 1) await look(turn * pollMs)
  expect(at.lookups).toBe(1)
  expect(at.listings).toBeLessThanOrEqual(10)
})

it('a branch of the same name in a fork is nothing of ours', async () => {
  const { at, look } = scene(() => undefined)
  at.listed = ['bzzz/issue-7']
  expect(await look(0)).toBeUndefined()
  expect(await look(20 * pollMs)).toBeUndefined()
})
