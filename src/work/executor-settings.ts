/** What executors that run children are given beside their own configuration. */
import type { HeldSecrets } from '../secrets/index.ts'
import type { Processes, SandboxLimits } from '../process/index.ts'
import type { Clock, Logger } from '../util/index.ts'
import type { PathRules } from './leaving/protected.ts'
import type { PermissionPolicy } from './permission/policy.ts'
import type { Questions } from './permission/questions.ts'

export interface ChildSettings {
  processes: Processes
  logger: Logger
  clock: Clock
  /** PATH of children. */
  path: string
  /** Where the values of variables that are passed on come from. */
  variables: Readonly<Record<string, string | undefined>>
  /** The home that `home: user` passes. */
  userHome: string
  /** What executors that ask may do. Default: what lies within the workspace. */
  permissions?: () => PermissionPolicy
  /** Where people are asked. Default: nobody can be, and what would be asked is denied. */
  questions?: Questions
  /** What the operator changes about protected paths. Default: nothing. */
  paths?: PathRules
  /** Told of each key that is read, so that none leaves with the work. */
  held?: Pick<HeldSecrets, 'add'>
  sandbox: SandboxSettings
  /** What executors start to reach the tools of their task over MCP. Default: they have the socket alone. */
  mcp?: McpCommand
}

export interface SandboxSettings {
  /** What every child may read beside what it works on. */
  readable: readonly string[]
  limits: SandboxLimits
}
/** Beside the sandbox's own system: a program and its arguments that speak MCP on stdio, and what they read. */
export interface McpCommand {
  command: readonly [string, ...string[]]
  read: readonly string[]
}
