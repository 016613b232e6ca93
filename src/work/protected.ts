/**
 * Files that no issue may change, because they steer what runs with more rights than the change
 * itself: workflows, git's own configuration, and what coding agents obey. Compared without
 * regard to case, since some file systems do not know the difference.
 */
interface Rule {
  /** Path from the root, or a name at any depth when it has no slash; `/` at the end: all below. */
  path: string
  why: 'workflow' | 'git' | 'agents' | 'owners' | 'tooling'
}

const RULES: readonly Rule[] = [
  { path: '.github/workflows/', why: 'workflow' },
  { path: '.github/actions/', why: 'workflow' },
  { path: '.github/dependabot.yml', why: 'workflow' },
  { path: '.github/dependabot.yaml', why: 'workflow' },
  { path: '.gitlab-ci.yml', why: 'workflow' },
  { path: '.circleci/', why: 'workflow' },
  { path: '.github/CODEOWNERS', why: 'owners' },
  { path: 'docs/CODEOWNERS', why: 'owners' },
  { path: 'CODEOWNERS', why: 'owners' },
  { path: '.gitmodules', why: 'git' },
  { path: '.gitattributes', why: 'git' },
  { path: '.gitconfig', why: 'git' },
  { path: '.githooks/', why: 'git' },
  { path: '.husky/', why: 'git' },
  { path: 'WORKFLOW.md', why: 'agents' },
  { path: 'AGENTS.md', why: 'agents' },
  { path: 'AGENTS.override.md', why: 'agents' },
  { path: 'CLAUDE.md', why: 'agents' },
  { path: 'CLAUDE.local.md', why: 'agents' },
  { path: 'GEMINI.md', why: 'agents' },
  { path: 'QWEN.md', why: 'agents' },
  { path: '.claude/', why: 'agents' },
  { path: '.codex/', why: 'agents' },
  { path: '.gemini/', why: 'agents' },
  { path: '.qwen/', why: 'agents' },
  { path: '.kimi/', why: 'agents' },
  { path: '.kiro/', why: 'agents' },
  { path: '.goose/', why: 'agents' },
  { path: '.goosehints', why: 'agents' },
  { path: '.opencode/', why: 'agents' },
  { path: 'opencode.json', why: 'agents' },
  { path: 'opencode.jsonc', why: 'agents' },
  { path: '.cursor/', why: 'agents' },
  { path: '.cursorrules', why: 'agents' },
  { path: '.windsurfrules', why: 'agents' },
  { path: '.clinerules', why: 'agents' },
  { path: '.clinerules/', why: 'agents' },
  { path: '.mcp.json', why: 'agents' },
  { path: '.github/copilot-instructions.md', why: 'agents' },
  { path: '.github/instructions/', why: 'agents' },
  { path: '.github/prompts/', why: 'agents' },
  { path: '.github/agents/', why: 'agents' },
  { path: '.agents/', why: 'agents' },
  { path: '.vscode/', why: 'tooling' },
  { path: '.devcontainer/', why: 'tooling' },
  { path: '.devcontainer.json', why: 'tooling' },
  { path: '.npmrc', why: 'tooling' },
  { path: '.yarnrc.yml', why: 'tooling' },
]

/** Which of the paths (as git names them, with slashes) are protected. */
export function protectedPaths(paths: readonly string[]): string[] {
  return paths.filter((path) => RULES.some((rule) => matches(rule.path, path)))
}

function matches(rule: string, path: string): boolean {
  const wanted = rule.toLowerCase()
  const at = path.toLowerCase()
  const directory = wanted.endsWith('/')
  const bare = directory ? wanted.slice(0, -1) : wanted
  if (!bare.includes('/')) {
    const parts = at.split('/')
    return directory ? parts.slice(0, -1).includes(bare) : parts.at(-1) === bare
  }
  return directory ? at.startsWith(wanted) : at === wanted
}
