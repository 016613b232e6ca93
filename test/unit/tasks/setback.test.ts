/** What becomes of an issue whose work ended without a change. */
import { expect, it } from 'vitest'
import { afterFailure, type SetbackInput } from '../../../src/tasks/attempt/setback.ts'

const minute = 60_000
const after = (change: Partial<SetbackInput> & { code: string }) =>
  afterFailure({ now: 0, others: false, sleeps: 0, ...change })

it('the task’s own failure ends it', () => {
  for (const code of ['CHECKS_FAILED', 'NO_CHANGE', 'EXECUTOR_FAILED', 'BUDGET'])
    expect(after({ code })).toEqual({ is: 'failure' })
})

it('what is the machine’s fault uses up no attempt', () => {
  for (const code of ['NO_EXECUTOR', 'ENVIRONMENT', 'WORKSPACE'])
    expect(after({ code })).toEqual({ is: 'release', struck: false })
  expect(after({ code: 'BUDGET', retryAt: 5 })).toEqual({ is: 'release', struck: false })
  expect(after({ code: 'ABORTED' })).toEqual({ is: 'release', struck: true })
})

it('a model without quota is waited for when that is short and nobody else could take the issue', () => {
  const quota = { code: 'QUOTA', retryAt: 10 * minute }
  expect(after(quota)).toEqual({ is: 'sleep', ms: 10 * minute })
  expect(after({ ...quota, now: 11 * minute })).toEqual({ is: 'sleep', ms: 0 })
  expect(after({ ...quota, others: true })).toEqual({ is: 'release', struck: false })
  expect(after({ ...quota, sleeps: 3 })).toEqual({ is: 'release', struck: false })
  expect(after({ code: 'QUOTA', retryAt: 16 * minute })).toEqual({ is: 'release', struck: false })
  expect(after({ code: 'QUOTA' })).toEqual({ is: 'release', struck: false })
})
