/** Heirs of a holder that pushed its work and vanished. */
import { expect, it } from 'vitest'
import { TasksError } from '../../../src/tasks/errors.ts'
import { emptyMemory, type Floor } from '../../../src/tasks/look/floor.ts'
import { inherit } from '../../../src/tasks/recover/inherit.ts'
import { nullLogger, systemClock } from '../../../src/util/index.ts'

it('an heir tries again when GitHub did not answer, and then no more', async () => {
  const oid = 'a'.repeat(40)
  let opened = 0
  const github = {
    findPull: async () => undefined,
    openPull: async () => {
      opened += 1
      if (opened === 1) throw new TasksError('GITHUB_UNREACHABLE', 'no answer')
      return { number: 1, url: '', open: true, headOid: oid }
    },
  }
  const context = {
    name: 'heir',
    settings: { branchPrefix: 'bzzz/issue-' },
    clock: systemClock,
    logger: nullLogger,
    mesh: { peerId: 'heir', tell: async () => undefined },
    journal: { head: () => ({ key: 'k', epoch: 0, length: 1 }), append: async () => ({}) },
    github,
  }
  const floor = { isActive: () => false, context } as unknown as Floor
  const place = {
    repo: 'octo/lib',
    info: { defaultBranch: 'main' },
    refs: { fetchBranches: async () => new Map([['bzzz/issue-7', oid]]) },
  }
  const memory = emptyMemory()
  memory.sightings.set(7, { oid, since: -Infinity })
  const record = { state: 'done', leaseMs: 1_000, name: 'gone', attempt: 1 }
  const at = { issue: { number: 7, title: 'T' }, tip: { is: 'record', oid, record } }
  const heir = () =>
    inherit(floor, place as never, memory, at as never, new AbortController().signal)
  await expect(heir()).rejects.toMatchObject({ code: 'GITHUB_UNREACHABLE' })
  await heir()
  await heir()
  expect(opened).toBe(2)
})
