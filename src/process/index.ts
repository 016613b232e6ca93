/**
 * Children as guests, and the only folder that spawns. A child has one owner, exactly the
 * environment it is given, a limit on time and output, and ends together with everything it
 * started: by its group, and on Linux by a mark that escapees carry too. When the agent itself is
 * killed, a waiting shell ends its children; when the machine was restarted or that failed, too,
 * `sweep` does it at the next start. A child with a `sandbox` reaches what that names and nothing else
 * (docs/sandbox.md).
 *
 * @example
 * const processes = createProcesses({ stateDir: '/var/lib/bzzz', logger })
 * await processes.sweep()
 * const exit = await processes.run({
 *   file: 'node', args: ['--test'], cwd: workspace, env: { PATH: process.env.PATH ?? '' },
 *   purpose: 'check test of octo/lib#12', timeoutMs: 60_000,
 * })
 * const git = createGit({ processes })
 * const head = await git(['rev-parse', 'HEAD'], { cwd: workspace })
 */
export { createEgressProxy, type EgressComponents } from './egress/proxy.ts'
export type { EgressInit, EgressProxy, EgressReport } from './egress/types.ts'
export { ProcessError, type ProcessErrorCode } from './errors.ts'
export { createGit, type GitInit } from './git.ts'
export { applyPatch, patchBetween, type Patched } from './patches.ts'
export { createProcesses, type ProcessesInit } from './processes.ts'
export { findProgram } from './program.ts'
export { commandRoots } from './sandbox/system.ts'
export type {
  ExceededLimit,
  Exit,
  Git,
  GitAuth,
  Guest,
  Processes,
  SandboxChoice,
  SandboxKind,
  SandboxLimits,
  SandboxRequest,
  SandboxState,
  SpawnRequest,
} from './types.ts'
