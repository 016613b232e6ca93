/** An outage that outlasts the lease, with a real git remote and a real child: frozen, and then what? */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { processRow } from '../../src/process/proc-fs.ts'
import { hold } from '../../src/tasks/attempt/attempt.ts'
import { until, type Permit } from '../../src/util/index.ts'
import { alive, newProcesses, shell, testHome } from '../process/support.ts'
import {
  agent,
  asSignals,
  changed,
  contextOf,
  fakeGitHub,
  jobOf,
  prefix,
  signal,
  signals,
  useFlow,
  win,
  type Agent,
} from './flow-world.ts'

useFlow()

const place = testHome('flow-freeze')
let processes: ReturnType<typeof newProcesses>
beforeAll(() => {
  processes = newProcesses(place.home)
})
afterAll(async () => {
  await processes.stop()
  place.remove()
})

const leaseMs = 1_500
const network = new Set(['push', 'ls-remote', 'fetch'])

/** Work that a child does, until it is told to be done. */
function workOf(me: Agent) {
  const done = Promise.withResolvers<void>()
  const seen: { pid?: number } = {}
  const run = async (
    _order: object,
    _instructions: object,
    { signal, permit }: { signal: AbortSignal; permit: Permit },
  ) => {
    const guest = processes.spawn(shell('while :; do sleep 0.1; done', { signal, permit }))
    seen.pid = guest.pid
    await Promise.race([done.promise, guest.exit])
    await guest.stop()
    if (!signal.aborted) return changed(me)
    const dispose = async () => undefined
    return { outcome: 'failed', code: 'ABORTED', reason: '', tried: [], checks: [], dispose }
  }
  return { run, seen, finish: () => done.resolve() }
}

async function cutOff() {
  let cut = false
  const me = await agent(
    'a',
    (args) => (cut && network.has(args[0] ?? '') ? 'before' : undefined),
    leaseMs,
  )
  const work = workOf(me)
  const {
    context,
    entries,
    place: at,
  } = contextOf(me, fakeGitHub(), {
    freezes: true,
    run: work.run,
  })
  const run = hold(context, jobOf(at, ['a']), await win(me), asSignals(signals()))
  const types = () => entries.map(({ type }) => type)
  const stands = (still: boolean) =>
    until('the child', 30_000, () => processRow(work.seen.pid ?? 0)?.stopped === still)
  await stands(false)
  cut = true
  await until('the freeze', 30_000, () => types().includes('executor.frozen'))
  await stands(true)
  return { work, run, types, stands, entries, mend: () => (cut = false) }
}

describe.skipIf(process.platform !== 'linux')('work whose lease ran out', () => {
  it('goes on after a renewal when nobody took over, and is published', async () => {
    const { work, run, types, stands, mend, entries } = await cutOff()
    expect(entries.find(({ type }) => type === 'executor.frozen')).toMatchObject({
      attempt: 1,
      renewed: expect.any(Number),
    })
    mend()
    await stands(false)
    await until('the entry', 30_000, () => types().includes('executor.resumed'))
    work.finish()
    expect(await run).toBe('done')
    expect(types().slice(-4)).toEqual(['publish.intent', 'pushed', 'pull.opened', 'task.done'])
  })

  it('is killed where it stands when somebody took over', async () => {
    const { work, run, types, mend } = await cutOff()
    const other = await agent('b')
    const newest = await other.refs.read(`${prefix}7`, signal)
    await win(other, newest, 2, 1)
    mend()
    expect(await run).toBe('lost')
    expect(alive(work.seen.pid ?? 0)).toBe(false)
    expect(types()).not.toContain('executor.resumed')
    expect(types().at(-1)).toBe('claim.lost')
  })
})
