/** What starts a child is given beside the request, and what it gives back. */
import type { Clock, Logger } from '../util/index.ts'
import type { Launcher } from './sandbox/sandbox.ts'
import type { Watching } from './sandbox/use/watch.ts'
import type { Exit, Guest } from './types.ts'

export interface ChildContext {
  /** "<owner>.<n>". */
  id: string
  /** Marks of the agents around this one, "" for none. */
  outerMark: string
  /** Of the guards of this agent's children: found with them when the agent is dead, and never with one child. */
  guardMark: string
  clock: Clock
  logger: Logger
  /** Starts it in a sandbox. */
  launcher?: Launcher
  /** Of what sandboxed children use. */
  watching: Watching
  /** Why it must not be started at all. */
  refusal?: string
  /** A protocol's child with open pipes, or one that is run to its end. */
  open: boolean
  onStarted: (pid: number) => void
  /** `clean`: nothing of it is left. */
  onGone: (clean: boolean) => void
}

export interface Child extends Guest {
  readonly startedAt: number
  readonly purpose: string
  end(reason: Exit['reason']): void
}
