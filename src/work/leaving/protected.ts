/**
 * Files that no issue may change, because they steer what runs with more rights than the change
 * itself: workflows, git's own configuration, and what coding agents obey. Names are compared as the
 * most forgiving file system would (`names.ts`). The operator of an agent may add paths and take some
 * away; a repository, whose files the work itself changes, may not. Pure.
 */
import { folded } from './names.ts'

interface Rule {
  /**
   * Path from the root, or a name at any depth when it has no slash but one at its end; `/` at the end:
   * all below. A `/` at the start: at the root only.
   */
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

/** What the operator changes about the rules, each in the form of a rule's path. */
export interface PathRules {
  /** Protected, too. Default none. */
  protect?: readonly string[]
  /** Files that may be changed although a rule protects them; a directory ends with "/". Default none. */
  allow?: readonly string[]
}

export interface PathChange {
  /** As git names it, with slashes. */
  path: string
  /** Mode after the change. Default: a plain file's. */
  mode?: string
}

/** Which of the changed paths are protected. */
export function protectedPaths(
  changed: readonly PathChange[],
  { protect = [], allow = [] }: PathRules = {},
): string[] {
  const rules = [...RULES.map(({ path }) => path), ...protect]
  return changed
    .filter((change) => rules.some((rule) => matches(rule, change)))
    .filter((change) => !allow.some((rule) => covers(rule, folded(change.path))))
    .map(({ path }) => path)
}

/** A link or a repository in the place of a directory that holds protected files stands for all of them. */
function matches(rule: string, { path, mode = '100644' }: PathChange): boolean {
  const at = folded(path)
  if (covers(rule, at)) return true
  const { bare, directory, anywhere } = parse(rule)
  if (directory && (anywhere ? at.split('/').at(-1) === bare : at === bare)) return true
  const redirects = mode === '120000' || mode === '160000'
  return redirects && !anywhere && bare.startsWith(`${at}/`)
}

function covers(rule: string, at: string): boolean {
  const { bare, directory, anywhere } = parse(rule)
  if (anywhere) {
    const parts = at.split('/')
    return directory ? parts.slice(0, -1).includes(bare) : parts.at(-1) === bare
  }
  return directory ? at.startsWith(`${bare}/`) : at === bare
}

function parse(rule: string): { bare: string; directory: boolean; anywhere: boolean } {
  const directory = rule.endsWith('/')
  const bare = folded(directory ? rule.slice(0, -1) : rule)
  return { bare: bare.replace(/^\//, ''), directory, anywhere: !bare.includes('/') }
}
