/** What an executor's socket says, and counts. Types only. */
import type { TaskFacts } from '../../work/index.ts'

export type { HelpReply, HelpWanted, OpenedTools, TaskTools, ToolServer } from '../../work/index.ts'

export type TaskView = Omit<TaskFacts, 'used' | 'left' | 'requestsLeft'>
export type BudgetView = Pick<TaskFacts, 'task' | 'used' | 'left' | 'requestsLeft'>

/**
 * `used.*`: what was answered. `refused.token`: a wrong one, or none. `refused.task`: the name of another
 * task. `refused.rate`, `refused.size`, `refused.busy`: too much. `refused.form`: anything else.
 */
export type ToolCounter =
  | `used.${'ask' | 'peers' | 'task' | 'budget'}`
  | `refused.${'token' | 'task' | 'rate' | 'size' | 'busy' | 'form'}`
