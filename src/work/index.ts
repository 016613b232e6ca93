/**
 * Doing one task: a workspace of its own, an executor that changes files in it, the repository's
 * checks, and one commit to be fetched. It knows neither GitHub nor claims, and holds no
 * credentials; everything that runs here may have been steered by a stranger's text. Children get
 * an environment, a home, a process tree and a sandbox of their own; what they leave is looked at
 * before it may leave (`leaving/`).
 *
 * @example
 * const work = createWork(
 *   { dir: '/var/lib/bzzz/work', executors: [{ name: 'command', kind: 'command' }], path: process.env.PATH ?? '' },
 *   { processes, git, logger },
 * )
 * await work.start()
 * const policy = await work.readPolicy(gitDir, base)
 * const result = await work.run(
 *   { id: 'octo-lib-12-1', repo: 'octo/lib', issue, attempt: 1, source, policy, author },
 *   { chore: 'license-headers' },
 *   { signal, onEvent: (event) => journal.append(event) },
 * )
 * if (result.outcome === 'changed') await push(result.gitDir, result.head)
 * await result.dispose()
 */
export { createWork, type WorkComponents, type WorkInit } from './work.ts'
export {
  DEFAULT_LIMITS,
  executorConfigSchema,
  presetExecutor,
  type ExecutorConfig,
  type ExecutorConfigInput,
  type WorkLimits,
} from './config.ts'
export { WorkError, type WorkErrorCode } from './errors.ts'
export { emptyPolicy, parsePolicy, type PolicyFiles } from './policy.ts'
export { UNSAFE_TRANSPORT } from './executors/chat/config.ts'
export { probeModel, type ModelLook } from './executors/chat/probe-model.ts'
export { findPreset, PRESETS, type Preset } from './presets.ts'
export { permissionSchema, type PermissionPolicy } from './permission/policy.ts'
export { readPermissions } from './permission/read.ts'
export { budgetsSchema } from './budget/limits.ts'
export { createHeadroom, type Headroom } from './headroom/headroom.ts'
export { WORKSPACES } from './health/health.ts'
export { cleanIssueText } from './clean.ts'
export type { McpCommand } from './executor-settings.ts'
export type {
  HelpReply,
  HelpWanted,
  OpenedTools,
  TaskFacts,
  TaskTools,
  ToolServer,
} from './tools/types.ts'
export type {
  Changed,
  Check,
  CheckResult,
  Checkpoint,
  Chore,
  Detected,
  ExecutorReport,
  HelpForm,
  Failed,
  Instructions,
  Kept,
  Left,
  PeerAnswer,
  Peers,
  Question,
  RunOptions,
  StandingView,
  Used,
  Work,
  WorkEvent,
  WorkFailureCode,
  WorkflowPolicy,
  WorkOrder,
  WorkResult,
} from './types.ts'
