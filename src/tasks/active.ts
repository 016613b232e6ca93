/** The attempts that run now: begun, cancelled, ended; slots are counted here. */
import { explain, type Logger } from '../util/index.ts'
import { attempt, type Stop } from './attempt/attempt.ts'
import type { Context, Held, Job, Outcome } from './context.ts'

export interface Active {
  begin(context: Context, job: Job): void
  has(repo: string, issue: number): boolean
  issues(repo: string): number[]
  keys(): ReadonlySet<string>
  cancel(repo: string, issue: number, reason: string): void
  /** False when no attempt runs. */
  stop(repo: string, issue: number, stop: Stop): boolean
  /** The attempt at an issue once its claim is won. */
  held(repo: string, issue: number): Held | undefined
  /** Takes a slot for something that is no attempt; returns what gives it back. */
  hold(): () => void
  used(): number
  /** Resolves when all have ended. */
  ended(): Promise<void>
}

export interface ActiveComponents {
  logger: Logger
  /** Fires when the agent stops. */
  stopping: () => AbortSignal
  onBegin: () => void
  onEnd: (job: Job, outcome: Outcome) => void
}

export const keyOf = (repo: string, issue: number) => `${repo.toLowerCase()}#${issue}`

export function createActive({ logger, stopping, onBegin, onEnd }: ActiveComponents): Active {
  const running = new Map<
    string,
    {
      repo: string
      issue: number
      cancelled: AbortController
      ended: Promise<void>
      held?: Held
    }
  >()
  let others = 0
  return {
    begin(context, job) {
      const { number: issue } = job.issue
      const { repo } = job.place
      const cancelled = new AbortController()
      const onHeld = (held: Held) => {
        const one = running.get(keyOf(repo, issue))
        if (one !== undefined) one.held = held
      }
      const signals = { stopping: stopping(), cancelled: cancelled.signal, onHeld }
      const ended = attempt(context, job, signals)
        .catch((error: unknown): Outcome => {
          const about = { event: 'task.error', repo, issue, err: explain(error) }
          logger.error(about, 'an attempt ended with an error')
          return 'unknown'
        })
        .then((outcome) => {
          running.delete(keyOf(repo, issue))
          onEnd(job, outcome)
        })
      running.set(keyOf(repo, issue), { repo, issue, cancelled, ended })
      onBegin()
    },
    has: (repo, issue) => running.has(keyOf(repo, issue)),
    issues: (repo) =>
      [...running.values()].filter((one) => one.repo === repo).map(({ issue }) => issue),
    keys: () => new Set(running.keys()),
    cancel: (repo, issue, reason) =>
      running.get(keyOf(repo, issue))?.cancelled.abort({ why: 'cancelled', reason } satisfies Stop),
    stop(repo, issue, stop) {
      const one = running.get(keyOf(repo, issue))
      one?.cancelled.abort(stop)
      return one !== undefined
    },
    held: (repo, issue) => running.get(keyOf(repo, issue))?.held,
    hold() {
      let isHeld = true
      others += 1
      onBegin()
      return () => {
        if (isHeld) others -= 1
        isHeld = false
        onBegin()
      }
    },
    used: () => running.size + others,
    async ended() {
      await Promise.all([...running.values()].map((one) => one.ended))
    },
  }
}
