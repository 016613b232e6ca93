/**
 * Coding agents that speak the Agent Client Protocol over stdio, one row each: what to type to
 * start one, what prints its version, how to install it and sign in, where its login is kept, and which
 * hosts it talks to. A row is enough to find the agent on PATH; whether it is used is the
 * configuration's decision.
 *
 * Sources, read in 2026: the agents' own pages and the ACP registry (agentclientprotocol.com/registry);
 * the packages of Claude's and Codex's adapters, Gemini, OpenCode, Qwen and Kimi, of which all but the
 * last were started and said hello; kiro.dev/docs/cli, docs.github.com/copilot, and goose's
 * documentation of its configuration. Which models and hosts OpenCode, goose, Qwen and Kimi use is for
 * their users to configure: the hosts here are those of the defaults.
 */
export interface Preset {
  name: string
  title: string
  /** Program and arguments that start it as an ACP agent. */
  command: readonly [string, ...string[]]
  /** Program and arguments that print its version. */
  version: readonly [string, ...string[]]
  /** npm package that brings the program; its version is read there, without starting anything. */
  npm?: string
  /** What to type to install it. */
  install: string
  /** What to type to sign in. */
  signIn: string
  /** Files and directories below the home that it reads to work as the user who signed in. */
  login: readonly string[]
  signedIn: SignedIn
  /** Variables that stand for a login; they reach it only when `passEnv` names them. */
  loginEnv: readonly string[]
  /** Hosts that it needs; `*.` stands for any names below. */
  hosts: readonly string[]
  /** How it is told its model at its start; in a session it may also be told by the protocol. */
  model?: { flag?: string; env?: string }
}

/** How to see whether it has a login, without reading any of it. */
export interface SignedIn {
  /** Below the home: one that is there and not empty is a login. */
  files?: readonly string[]
  /** Exits with 0 when signed in. */
  command?: readonly [string, ...string[]]
  /** It may also keep its login in the system's key ring, or need none: without a file it is unknown. */
  elsewhere?: boolean
}

export const PRESETS: readonly Preset[] = [
  {
    name: 'claude',
    title: 'Claude Agent',
    command: ['claude-agent-acp'],
    version: ['claude', '--version'],
    npm: '@agentclientprotocol/claude-agent-acp',
    install: 'npm i -g @agentclientprotocol/claude-agent-acp',
    signIn: 'claude, then /login (npm i -g @anthropic-ai/claude-code brings it)',
    login: ['.claude/.credentials.json', '.claude/settings.json', '.claude.json'],
    signedIn: {
      files: ['.claude/.credentials.json'],
      ...(process.platform === 'darwin' ? { elsewhere: true } : {}),
    },
    loginEnv: ['ANTHROPIC_API_KEY', 'ANTHROPIC_AUTH_TOKEN', 'CLAUDE_CODE_OAUTH_TOKEN'],
    hosts: ['api.anthropic.com', 'console.anthropic.com', 'platform.claude.com'],
    model: { env: 'ANTHROPIC_MODEL' },
  },
  {
    name: 'codex',
    title: 'Codex',
    command: ['codex-acp'],
    version: ['codex-acp', '--version'],
    npm: '@agentclientprotocol/codex-acp',
    install: 'npm i -g @agentclientprotocol/codex-acp',
    signIn: 'codex login (npm i -g @openai/codex brings it)',
    login: ['.codex/auth.json', '.codex/config.toml'],
    signedIn: { files: ['.codex/auth.json'] },
    loginEnv: ['CODEX_API_KEY', 'OPENAI_API_KEY'],
    hosts: ['chatgpt.com', 'auth.openai.com', 'api.openai.com'],
  },
  {
    name: 'gemini',
    title: 'Gemini CLI',
    command: ['gemini', '--acp'],
    version: ['gemini', '--version'],
    npm: '@google/gemini-cli',
    install: 'npm i -g @google/gemini-cli',
    signIn: 'gemini, then /auth',
    login: [
      '.gemini/oauth_creds.json',
      '.gemini/google_accounts.json',
      '.gemini/installation_id',
      '.gemini/settings.json',
    ],
    signedIn: { files: ['.gemini/oauth_creds.json'] },
    loginEnv: ['GEMINI_API_KEY', 'GOOGLE_API_KEY'],
    hosts: [
      'cloudcode-pa.googleapis.com',
      'generativelanguage.googleapis.com',
      'oauth2.googleapis.com',
      'www.googleapis.com',
    ],
    model: { flag: '--model' },
  },
  {
    name: 'opencode',
    title: 'OpenCode',
    command: ['opencode', 'acp'],
    version: ['opencode', '--version'],
    npm: 'opencode-ai',
    install: 'npm i -g opencode-ai',
    signIn: 'opencode auth login',
    login: ['.local/share/opencode/auth.json', '.config/opencode'],
    signedIn: { files: ['.local/share/opencode/auth.json'], elsewhere: true },
    loginEnv: ['OPENCODE_API_KEY', 'ANTHROPIC_API_KEY', 'OPENAI_API_KEY'],
    hosts: ['opencode.ai', 'models.dev', 'api.anthropic.com', 'api.openai.com'],
  },
  {
    name: 'goose',
    title: 'goose',
    command: ['goose', 'acp'],
    version: ['goose', '--version'],
    install:
      'curl -fsSL https://github.com/block/goose/releases/download/stable/download_cli.sh | bash',
    signIn: 'goose configure (with GOOSE_DISABLE_KEYRING=1, for a login that a sandbox can read)',
    login: ['.config/goose/config.yaml', '.config/goose/secrets.yaml'],
    signedIn: { files: ['.config/goose/secrets.yaml'], elsewhere: true },
    loginEnv: ['ANTHROPIC_API_KEY', 'OPENAI_API_KEY', 'GOOGLE_API_KEY'],
    hosts: ['api.anthropic.com', 'api.openai.com', 'generativelanguage.googleapis.com'],
    model: { env: 'GOOSE_MODEL' },
  },
  {
    name: 'copilot',
    title: 'GitHub Copilot CLI',
    command: ['copilot', '--acp'],
    version: ['copilot', '--version'],
    npm: '@github/copilot',
    install: 'npm i -g @github/copilot',
    signIn: 'copilot login',
    login: ['.copilot/config.json'],
    signedIn: { elsewhere: true },
    loginEnv: ['COPILOT_GITHUB_TOKEN'],
    hosts: ['api.github.com', 'github.com', '*.githubcopilot.com'],
    model: { flag: '--model' },
  },
  {
    name: 'qwen',
    title: 'Qwen Code',
    command: ['qwen', '--acp'],
    version: ['qwen', '--version'],
    npm: '@qwen-code/qwen-code',
    install: 'npm i -g @qwen-code/qwen-code',
    signIn: 'qwen auth',
    login: ['.qwen/oauth_creds.json', '.qwen/settings.json', '.qwen/.env'],
    signedIn: { files: ['.qwen/oauth_creds.json', '.qwen/.env'], elsewhere: true },
    loginEnv: ['OPENAI_API_KEY', 'DASHSCOPE_API_KEY'],
    hosts: [
      'dashscope.aliyuncs.com',
      'dashscope-intl.aliyuncs.com',
      'coding.dashscope.aliyuncs.com',
      'coding-intl.dashscope.aliyuncs.com',
    ],
    model: { flag: '--model' },
  },
  {
    name: 'kimi',
    title: 'Kimi Code',
    command: ['kimi', 'acp'],
    version: ['kimi', '--version'],
    npm: '@moonshot-ai/kimi-code',
    install: 'npm i -g @moonshot-ai/kimi-code',
    signIn: 'kimi login',
    login: ['.kimi-code/config.toml', '.kimi-code/credentials'],
    signedIn: { files: ['.kimi-code/credentials'], elsewhere: true },
    loginEnv: ['KIMI_API_KEY', 'MOONSHOT_API_KEY'],
    hosts: ['api.kimi.com', 'auth.kimi.com', 'api.moonshot.ai'],
  },
  {
    name: 'kiro',
    title: 'Kiro CLI',
    command: ['kiro-cli', 'acp'],
    version: ['kiro-cli', '--version'],
    install: 'curl -fsSL https://cli.kiro.dev/install | bash',
    signIn: 'kiro-cli login --use-device-flow',
    login: ['.local/share/kiro-cli/data.sqlite3'],
    signedIn: { command: ['kiro-cli', 'whoami'] },
    loginEnv: ['KIRO_API_KEY'],
    hosts: ['q.us-east-1.amazonaws.com', 'oidc.us-east-1.amazonaws.com', '*.kiro.dev'],
  },
]

export function findPreset(name: string): Preset | undefined {
  return PRESETS.find((preset) => preset.name === name)
}
