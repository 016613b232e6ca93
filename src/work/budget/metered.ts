/** An executor that is stopped when a budget is used up, whatever it is doing then. */
import {
  NO_OUTPUT,
  type Runner,
  type ExecutorEvent,
  type Running,
  type TurnResult,
  type Usage,
} from '../executor.ts'
import { describeLimit, type Limit } from './limits.ts'

export interface Meter {
  /** Wall-clock time that the budgets leave, ms. */
  wallLeftMs: number
  /** What the executor took until now, all turns together; returns the limit that is used up by it. */
  take(usage: Usage): Limit | undefined
  /** The limit that time used up, for the words about it. */
  wall(): Limit | undefined
  /** Told why the executor was stopped. */
  onStop(limit: Limit): void
}

export function metered(executor: Runner, meter: Meter): Runner {
  return {
    ...executor,
    start(task, place, control) {
      const spent = new AbortController()
      const signal = AbortSignal.any([control.signal, spent.signal])
      const wallTimeMs = Math.max(1, Math.min(task.limits.wallTimeMs, meter.wallLeftMs))
      const isShort = wallTimeMs < task.limits.wallTimeMs
      let over: Limit | undefined
      const running = executor.start({ ...task, limits: { ...task.limits, wallTimeMs } }, place, {
        ...control,
        signal,
      })
      const stopFor = (limit: Limit | undefined) => {
        if (limit === undefined || over !== undefined) return
        over = limit
        meter.onStop(limit)
        spent.abort(new Error('a budget is used up'))
      }
      const judged = async (result: Promise<TurnResult>): Promise<TurnResult> => {
        const done = await result
        stopFor(done.usage === undefined ? undefined : meter.take(done.usage))
        if (done.outcome === 'timeout' && isShort) stopFor(meter.wall())
        if (over === undefined || control.signal.aborted || done.outcome === 'done') return done
        return { ...done, outcome: 'budget', reason: describeLimit(over) }
      }
      const again = running.again?.bind(running)
      const watched: Running = {
        events: watch(running, (usage) => stopFor(meter.take(usage))),
        result: judged(running.result),
        stop: (reason) => running.stop(reason),
        ...(again === undefined
          ? {}
          : {
              again: (prompt: string) =>
                over === undefined ? judged(again(prompt)) : Promise.resolve(refusal(over)),
            }),
      }
      return watched
    },
  }
}

async function* watch(
  { events }: Running,
  onUsage: (usage: Usage) => void,
): AsyncGenerator<ExecutorEvent> {
  for await (const event of events) {
    if (event.type === 'usage') onUsage(event)
    yield event
  }
}

/** A further turn is not begun. */
const refusal = (limit: Limit): TurnResult => ({
  outcome: 'budget',
  reason: describeLimit(limit),
  durationMs: 0,
  summary: '',
  output: NO_OUTPUT,
})
