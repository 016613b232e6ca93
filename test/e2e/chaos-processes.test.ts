/**
 * The process-level run in small; `npm run chaos:processes` is the whole of it. A fault that it finds
 * is seen again with the seed only as far as the order of processes allows: read the kept directory.
 */
import { describe, expect, it, onTestFinished } from 'vitest'
import { runProcesses, type RunInit } from '../chaos/processes/run.ts'
import { onResponse } from '../compliance/observer.ts'
import { documentOf, textOf } from '../chaos/processes/report.ts'

function run(init: Pick<RunInit, 'protocol' | 'agents' | 'issues'> & Partial<RunInit>) {
  const over = new AbortController()
  onTestFinished(() => over.abort())
  const usual = {
    seed: 5,
    minutes: 2,
    leaseMs: 3_000,
    keep: false,
    note: () => undefined,
    onResponse,
  }
  return runProcesses({ ...usual, signal: over.signal, ...init })
}

describe('agents that are killed and stopped on a forge with faults', () => {
  it('work every issue once, as the forge sees it', async () => {
    const peaceMs = [6_000, 18_000] as const
    const result = await run({ protocol: 'bzzz', agents: 3, issues: 4, peaceMs })
    const document = documentOf(result)
    expect(result.violations, textOf(document)).toEqual([])
    expect(result.orphans).toBe(0)
    expect(document.endings['unfinished']).toBeUndefined()
    expect(document.refs.published).toBe(document.endings['done'])
    expect(Object.values(document.faults).some((hits) => hits > 0)).toBe(true)
  })

  it('with assignment alone work issues twice, and the same judge says so', async () => {
    const init = { protocol: 'naive', agents: 2, issues: 3, oneLogin: true } as const
    const { violations, orphans } = await run(init)
    expect(violations.map(({ rule }) => rule)).toContain('execution')
    expect(orphans).toBe(0)
  })
})
