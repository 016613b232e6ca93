/** A task whose journal has no space left, from its claim on: nothing done twice, nothing thrown away. */
import { expect, it } from 'vitest'
import { patientJournal } from '../../src/agent/written.ts'
import { JournalError, type Journal } from '../../src/journal/index.ts'
import { attempt } from '../../src/tasks/attempt/attempt.ts'
import { nullLogger, systemClock, until, type Clock } from '../../src/util/index.ts'
import {
  agent,
  asSignals,
  changed,
  contextOf,
  fakeGitHub,
  jobOf,
  signals,
  useFlow,
} from './flow-world.ts'

useFlow()

const clock: Clock = {
  ...systemClock,
  after: (ms, run) => systemClock.after(Math.min(ms, 10), run),
}
const leaseMs = 1_500

/** Full from the first entry of the type `from` on, until told otherwise. */
async function onFullDisk(from: string) {
  const me = await agent('a', undefined, leaseMs)
  const github = fakeGitHub()
  let worked = 0
  const run = async () => {
    worked += 1
    return changed(me)
  }
  const { context, entries, place } = contextOf(me, github, { run })
  const { journal } = context as { journal: Journal }
  const disk = { full: false, met: false, refused: [] as string[] }
  const scarce: Journal = {
    ...journal,
    append: async (entry, options) => {
      disk.full ||= !disk.met && entry.type === from
      disk.met ||= disk.full
      if (!disk.full) return journal.append(entry, options)
      disk.refused.push(entry.type)
      throw new JournalError('JOURNAL_FULL', 'There is no space left.')
    },
  }
  const stopping = signals()
  const patience = { signal: stopping.stopping.signal, logger: nullLogger, clock }
  Object.assign(context, { journal: patientJournal(scarce, patience) })
  const outcome = attempt(context, jobOf(place, ['a']), asSignals(stopping))
  await until('a full disk', 30_000, () => disk.refused.includes(from))
  return { me, github, entries, disk, stopping, outcome, worked: () => worked }
}

it.each(['claim.won', 'work.finished', 'pushed'])(
  'waits for space at %s, keeps its lease, and publishes what was done',
  async (from) => {
    const { github, entries, disk, outcome, worked } = await onFullDisk(from)
    // Before it, the lease has not begun; after the push, it has ended.
    if (from === 'work.finished')
      await until('a renewal', 30_000, () => disk.refused.includes('claim.renewed'))
    expect(github.state.unassigned).toEqual([])
    disk.full = false
    expect(await outcome).toBe('done')
    expect(worked()).toBe(1)
    const types = entries.map(({ type }) => type).filter((type) => type !== 'claim.renewed')
    expect(types.slice(0, 2)).toEqual(['claim.tried', 'claim.won'])
    expect(types.slice(-3)).toEqual(['pushed', 'pull.opened', 'task.done'])
  },
)

it('is handed to the next run when the agent stops meanwhile', async () => {
  const { stopping, outcome, entries, github } = await onFullDisk('work.finished')
  stopping.stopping.abort(new Error('stop'))
  expect(['unknown', 'released']).toContain(await outcome)
  expect(github.state.pulls).toEqual([])
  expect(entries.map(({ type }) => type)).toContain('claim.won')
})
