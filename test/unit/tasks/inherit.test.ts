/** Heirs of a holder that pushed its work and vanished. */
import { expect, it } from 'vitest'
import { TasksError } from '../../../src/tasks/errors.ts'
import { emptyMemory, type Floor } from '../../../src/tasks/look/floor.ts'
import { marginMs } from '../../../src/tasks/intake/consider.ts'
import { inherit } from '../../../src/tasks/recover/inherit.ts'
import { nullLogger, systemClock } from '../../../src/util/index.ts'

interface World {
  candidates?: object[]
  now?: () => number
  openPull: () => Promise<object>
}

const oid = 'a'.repeat(40)
const leaseMs = 1_000

function heirOf(peerId: string, { candidates = [], now = () => 0, openPull }: World) {
  const context = {
    name: peerId,
    settings: { branchPrefix: 'bzzz/issue-' },
    clock: { ...systemClock, monotonic: now },
    logger: nullLogger,
    mesh: { peerId, tell: async () => undefined, candidates: () => candidates },
    journal: {
      head: () => ({ key: 'k', epoch: 0, length: 1 }),
      append: async () => ({}),
      read: async function* () {},
    },
    github: { findPull: async () => undefined, openPull },
  }
  const floor = { isActive: () => false, context } as unknown as Floor
  const place = {
    repo: 'octo/lib',
    info: { defaultBranch: 'main' },
    refs: { fetchBranches: async () => new Map([['bzzz/issue-7', oid]]) },
  }
  const memory = emptyMemory()
  memory.sightings.set(7, { oid, since: now() })
  const record = { state: 'done', leaseMs, name: 'gone', attempt: 1 }
  const at = { issue: { number: 7, title: 'T' }, tip: { is: 'record', oid, record } }
  return () => inherit(floor, place as never, memory, at as never, new AbortController().signal)
}

it('an heir tries again when GitHub did not answer, and then no more', async () => {
  let [opened, now] = [0, 0]
  const openPull = async () => {
    opened += 1
    if (opened === 1) throw new TasksError('GITHUB_UNREACHABLE', 'no answer')
    return { number: 1, url: '', open: true, headOid: oid }
  }
  const heir = heirOf('heir', { now: () => now, openPull })
  now = leaseMs + marginMs
  await expect(heir()).rejects.toMatchObject({ code: 'GITHUB_UNREACHABLE' })
  await heir()
  await heir()
  expect(opened).toBe(2)
})

it('heirs try one after another, and a peer that names many in front of itself holds nobody for ever', async () => {
  const peers = Array.from({ length: 20 }, (_, i) => `peer-${i}`)
  let now = 0
  const tried = new Map<string, number>()
  const heirs = peers.map((peerId) =>
    heirOf(peerId, {
      candidates: peers
        .filter((other) => other !== peerId)
        .map((other) => ({ peerId: other, repositories: ['Octo/Lib'] })),
      now: () => now,
      openPull: async () => {
        tried.set(peerId, now)
        return { number: 1, url: '', open: true, headOid: oid }
      },
    }),
  )
  const counts: number[] = []
  for (let lease = 1; lease <= 9; lease += 1) {
    now = lease * leaseMs + marginMs
    for (const heir of heirs) await heir()
    counts.push(tried.size)
  }
  expect(counts).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 20])
})
