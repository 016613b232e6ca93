/**
 * Coding agents that speak the Agent Client Protocol over stdio, one row each: what to type to
 * start one, and what prints its version. A row is enough to find the agent on PATH; whether it is
 * used is the configuration's decision.
 *
 * Sources: the agents' own pages and the ACP registry (agentclientprotocol.com/registry), read in
 * 2026: `@agentclientprotocol/claude-agent-acp` and `codex-acp` are adapters with a program of
 * their own, the others have a flag or a subcommand.
 */
export interface Preset {
  name: string
  title: string
  /** Program and arguments that start it as an ACP agent. */
  command: readonly [string, ...string[]]
  /** Program and arguments that print its version. */
  version: readonly [string, ...string[]]
  /** Files and directories below the home that it reads to work as the user who signed in. */
  login?: readonly string[]
}

export const PRESETS: readonly Preset[] = [
  {
    name: 'claude',
    title: 'Claude Agent',
    command: ['claude-agent-acp'],
    version: ['claude', '--version'],
  },
  { name: 'codex', title: 'Codex', command: ['codex-acp'], version: ['codex', '--version'] },
  {
    name: 'gemini',
    title: 'Gemini CLI',
    command: ['gemini', '--acp'],
    version: ['gemini', '--version'],
  },
  {
    name: 'opencode',
    title: 'OpenCode',
    command: ['opencode', 'acp'],
    version: ['opencode', '--version'],
  },
  { name: 'goose', title: 'goose', command: ['goose', 'acp'], version: ['goose', '--version'] },
  {
    name: 'copilot',
    title: 'GitHub Copilot CLI',
    command: ['copilot', '--acp'],
    version: ['copilot', '--version'],
  },
  { name: 'qwen', title: 'Qwen Code', command: ['qwen', '--acp'], version: ['qwen', '--version'] },
  { name: 'kimi', title: 'Kimi CLI', command: ['kimi', 'acp'], version: ['kimi', '--version'] },
  {
    name: 'kiro',
    title: 'Kiro CLI',
    command: ['kiro-cli', 'acp'],
    version: ['kiro-cli', '--version'],
  },
]

export function findPreset(name: string): Preset | undefined {
  return PRESETS.find((preset) => preset.name === name)
}
