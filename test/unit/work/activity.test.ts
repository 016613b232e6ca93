import { describe, expect, it } from 'vitest'
import { sha256 } from '../../../src/util/index.ts'
import { MAX_DENIALS, MAX_TOOLS, recordActivity } from '../../../src/work/activity.ts'
import type { WorkEvent } from '../../../src/work/types.ts'

function rig() {
  const events: WorkEvent[] = []
  const timers: { ms: number; ring: () => void }[] = []
  const clock = {
    now: () => 0,
    monotonic: () => 0,
    after: (ms: number, ring: () => void) => {
      timers.push({ ms, ring })
      return () => undefined
    },
  }
  const recorder = recordActivity({
    executor: 'robot',
    clock,
    onEvent: (event) => events.push(event),
  })
  return { events, timers, recorder }
}

describe('recordActivity', () => {
  it('tells kinds, numbers and digests in batches, and nothing that was said', () => {
    const { events, timers, recorder } = rig()
    recorder.take({ type: 'text', text: 'secret thought' })
    recorder.take({ type: 'plan', steps: ['secret one', 'two'], done: 1 })
    recorder.take({
      type: 'tool',
      id: '1',
      title: 'Edit secret.ts',
      status: 'pending',
      kind: 'edit',
    })
    recorder.take({ type: 'tool', id: '1', title: '', status: 'completed' })
    recorder.take({ type: 'file', path: 'secret.ts' })
    recorder.take({ type: 'file', path: 'secret.ts' })
    recorder.take({ type: 'permission', title: 'Edit', allowed: true, kind: 'edit', by: 'default' })
    recorder.take({ type: 'usage', inputTokens: 5, costMicros: 7 })
    expect(events).toEqual([])
    timers[0]?.ring()
    expect(events).toEqual([
      {
        type: 'executor.activity',
        executor: 'robot',
        tools: [{ kind: 'edit', status: 'completed', sha256: sha256('Edit secret.ts') }],
        moreTools: 0,
        plan: { steps: 2, done: 1, sha256: sha256('secret one\ntwo') },
        files: { count: 1, sha256: sha256('secret.ts') },
        permissions: { allowed: 1, denied: 0 },
        usage: { inputTokens: 5, costMicros: 7 },
      },
    ])
    expect(JSON.stringify(events)).not.toContain('secret')
  })

  it('waits longer each time, tells what is left at the end, and nothing twice', () => {
    const { events, timers, recorder } = rig()
    for (let at = 0; at < 6; at += 1) {
      recorder.take({ type: 'file', path: `f${at}` })
      timers.at(-1)?.ring()
    }
    expect(timers.map(({ ms }) => ms)).toEqual([5_000, 10_000, 20_000, 40_000, 60_000, 60_000])
    recorder.take({ type: 'file', path: 'last' })
    recorder.close()
    recorder.close()
    expect(events).toHaveLength(7)
  })

  it('is bounded however much is done', () => {
    const { events, recorder } = rig()
    for (let at = 0; at < 20_000; at += 1) {
      recorder.take({ type: 'tool', id: `${at}`, title: 'x', status: 'pending' })
      recorder.take({
        type: 'tool',
        id: `${at}`,
        title: 'x',
        status: 'failed',
        kind: 'k'.repeat(99),
      })
    }
    recorder.close()
    expect(events).toHaveLength(1)
    expect(events[0]).toMatchObject({ moreTools: 20_000 - MAX_TOOLS })
    const size = JSON.stringify(events[0]).length
    expect(size).toBeLessThan(20_000)
  })

  it('tells denials and answers of people at once, and then only counts', () => {
    const { events, recorder } = rig()
    const denied = {
      type: 'permission',
      title: 'Run',
      allowed: false,
      kind: 'execute',
      by: 'rule',
    } as const
    for (let at = 0; at < MAX_DENIALS + 5; at += 1) recorder.take(denied)
    recorder.take({ type: 'asked', question: '1f', title: 'Run', kind: 'execute', deadlineMs: 9 })
    recorder.take({ ...denied, allowed: true, by: 'person', question: '1f' })
    expect(events).toHaveLength(MAX_DENIALS + 2)
    expect(events.at(-2)).toEqual({
      type: 'executor.asked',
      executor: 'robot',
      question: '1f',
      kind: 'execute',
      sha256: sha256('Run'),
      deadlineMs: 9,
    })
    expect(events.at(-1)).toMatchObject({ allowed: true, by: 'person', question: '1f' })
    recorder.close()
    expect(events.at(-1)).toMatchObject({ permissions: { allowed: 0, denied: 5 } })
  })
})
