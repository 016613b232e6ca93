/**
 * Issue in, pull request out. An agent lists the labelled issues of its repositories, claims one by
 * compare-and-swap on its claim ref (`claim/`), assigns itself, has the work done, and publishes by
 * one atomic push and a pull request. What it did is in the journal; the table of tasks is a
 * projection of all journals.
 *
 * Reading order: `machine.ts` (the life of a task), `claim/` (record, decide, claims), `look/` (who looks
 * at a repository, when, and what is known of it), `intake/` (which issue this agent may and should
 * try), `attempt/` (one attempt in order, under its lease), `recover/` (what an earlier run left),
 * `table.ts` (what people see). `github/` is the only place that knows octokit, and what is left of its
 * limits; `webhooks/` receives hints that something changed; `live/` and `inspect/` are what `bzzz doctor`
 * asks. `tasks.ts` puts them together.
 *
 * @example
 * const tasks = createTasks({ repos: ['octo/lib'], apiUrl, token, ...settings }, { journal, mesh, work, git, ... })
 * await tasks.start()   // works issues until
 * await tasks.stop()    // … which hands back what is not finished
 */
export type { HelpDesk, HelpSettings } from './asking/desk.ts'
export type { Helping } from './helping/helping.ts'
export { createBoard, type Board } from './board.ts'
export { TasksError, type TasksErrorCode } from './errors.ts'
export type { Candidate } from './intake/intake.ts'
export { missingOf } from './github/principal.ts'
export { typedCall } from './github/typed.ts'
export { inspectClaims } from './inspect/claims.ts'
export { formerNames, inspectAccount, inspectLimits, inspectRepository } from './inspect/github.ts'
export { probeLive } from './live/live.ts'
export type { LiveReport, LiveStep } from './live/types.ts'
export { finalStates, taskStates } from './machine.ts'
export { createTasks } from './tasks.ts'
export type { Hint, Tasks, TasksInit } from './contract.ts'
export type { TaskDetail, TaskRow, TaskState } from './types.ts'
export type { WebhookHint } from './webhooks/hint.ts'
export { createWebhooks, type Webhooks } from './webhooks/webhooks.ts'
