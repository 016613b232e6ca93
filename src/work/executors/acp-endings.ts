/** How a turn of an ACP agent ended, where the agent said so, and where its process did. Pure. */
import type { z } from 'zod'
import type { Exit } from '../../process/index.ts'
import { keepEnd, visible } from '../clean.ts'
import type { ExecutorLimits } from '../executor.ts'
import { environment, fail, type Ending } from './acp-errors.ts'
import type { turnSchema } from './acp-messages.ts'

const STDERR_BYTES = 1024

/** Nothing that the agent said: its process ended, or first its pipe. */
export interface Gone {
  gone: Exit | undefined
}

export const CLOSED = fail('It closed its pipe.')

export const endings: Record<z.infer<typeof turnSchema>['stopReason'], Ending> = {
  end_turn: { outcome: 'done', reason: 'It finished.' },
  max_tokens: fail('It stopped before the end: its model ran out of tokens.'),
  max_turn_requests: fail('It stopped before the end: too many requests to its model in one turn.'),
  refusal: fail('It refused to do this.'),
  cancelled: fail('It cancelled its own turn.'),
}

/** It was not ended for a limit, and there was something to start. */
export const isAccident = (exit: Exit | undefined) =>
  exit === undefined || exit.reason === 'exited' || exit.reason === 'signalled'

export function withStderr(ending: Ending, exit: Exit | undefined): Ending {
  const stderr = visible(keepEnd(exit?.stderr ?? '', STDERR_BYTES)).trim()
  const tells = ending.outcome === 'failed' || ending.outcome === 'environment'
  if (!tells || stderr === '') return ending
  return { ...ending, reason: `${ending.reason} Its stderr ended with: ${stderr}` }
}

export function describeExit(exit: Exit, limits: ExecutorLimits): Ending {
  switch (exit.reason) {
    case 'output-limit':
      return { outcome: 'flood', reason: `It wrote more than ${limits.maxOutputBytes} bytes.` }
    case 'timeout':
      return { outcome: 'timeout', reason: `It took longer than ${limits.wallTimeMs} ms.` }
    case 'limit':
      return {
        outcome: 'limit',
        reason: `It used more ${exit.exceeded ?? 'of this machine'} than a task may.`,
      }
    case 'refused':
      return { outcome: 'environment', reason: visible(exit.tail).slice(0, 500) }
    case 'aborted':
      return fail('It closed its pipe in the middle of the work.')
    case 'not-found':
    case 'failed':
      return environment(`It could not be started: ${visible(exit.tail).slice(0, 500)}`)
    case 'exited':
    case 'signalled': {
      const how =
        exit.exitCode === undefined ? (exit.signal ?? 'a signal') : `exit ${exit.exitCode}`
      return fail(`Its process ended with ${how} before the work was done.`)
    }
  }
}
