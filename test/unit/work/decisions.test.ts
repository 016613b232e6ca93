import { describe, expect, it } from 'vitest'
import { choose, type Candidate } from '../../../src/work/choose.ts'
import { childEnvironment, isSecretName } from '../../../src/work/environment.ts'
import { executorConfigSchema, presetExecutor, PRESETS } from '../../../src/work/index.ts'
import { relayEvents, MAX_PROGRESS } from '../../../src/work/progress.ts'
import type { WorkEvent } from '../../../src/work/types.ts'
import { systemClock } from '../../../src/util/index.ts'
import { protectedPaths } from '../../../src/work/leaving/protected.ts'
import { leadsOutside } from '../../../src/work/tree.ts'
import { policy } from './rig.ts'

describe('choose', () => {
  const chores = { tidy: { run: ['x', '{{n}}'], arguments: { n: { type: 'integer' as const } } } }
  const all: Candidate[] = [
    { name: 'mock', kind: 'mock', present: true },
    { name: 'command', kind: 'command', present: true },
    { name: 'claude', kind: 'acp', present: false },
    { name: 'codex', kind: 'acp', present: true },
  ]
  const pick = (instructions: object, candidates = all) =>
    choose(instructions, policy({ chores }), candidates)

  it('gives a chore to the command executor, also when an executor is named', () => {
    expect(pick({ chore: 'tidy', arguments: { n: 1 } })).toMatchObject({ executor: 'command' })
    expect(pick({ chore: 'tidy', arguments: { n: 1 }, executor: 'codex' })).toMatchObject({
      executor: 'command',
    })
  })

  it('takes the named one, or the first coding agent that is here', () => {
    expect(pick({ executor: 'mock' })).toMatchObject({ executor: 'mock' })
    expect(pick({})).toMatchObject({ executor: 'codex' })
    expect(pick({}, all.slice(0, 3))).toMatchObject({ executor: 'mock' })
  })

  it.each([
    [{ chore: 'no' }, all, 'CHORE_NOT_DECLARED', /declares tidy/],
    [{ chore: 'tidy' }, all, 'CHORE_ARGUMENT', /"n" is missing/],
    [
      { chore: 'tidy', arguments: { n: 1 } },
      all.slice(2),
      'NO_EXECUTOR',
      /"command" is not configured/,
    ],
    [{ executor: 'claude' }, all, 'NO_EXECUTOR', /not found on PATH/],
    [{ executor: 'other' }, all, 'NO_EXECUTOR', /not configured here/],
    [{ executor: 'command' }, all, 'NO_EXECUTOR', /no chore/],
    [{}, all.slice(1, 3), 'NO_EXECUTOR', /looked for claude/],
    [{}, [], 'NO_EXECUTOR', /no coding agent is configured/],
  ])('says why none can: %j', (instructions, candidates, code, reason) => {
    expect(pick(instructions, candidates)).toEqual({ code, reason: expect.stringMatching(reason) })
  })
})

describe('childEnvironment', () => {
  const base = { path: '/bin', home: '/h', tmp: '/t', ceiling: '/c' }
  const from = {
    LANGUAGE: 'de',
    GITHUB_TOKEN: 't',
    MY_API_KEY: 'k',
    PATH: '/evil',
    HOME: '/root',
    OTHER: 'x',
  }

  it('holds nothing that is not named', () => {
    expect(childEnvironment({ ...base, from })).toEqual({
      PATH: '/bin',
      HOME: '/h',
      TMPDIR: '/t',
      LANG: 'C.UTF-8',
      TERM: 'dumb',
      CI: 'true',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_TERMINAL_PROMPT: '0',
      GIT_CEILING_DIRECTORIES: '/c',
    })
  })

  it('passes named ones, secrets only where that is allowed, and never replaces what is set', () => {
    const pass = ['LANGUAGE', 'GITHUB_TOKEN', 'MY_API_KEY', 'PATH', 'HOME', 'ABSENT']
    expect(childEnvironment({ ...base, from, pass })).toMatchObject({
      LANGUAGE: 'de',
      PATH: '/bin',
      HOME: '/h',
    })
    expect(childEnvironment({ ...base, from, pass })).not.toHaveProperty('GITHUB_TOKEN')
    expect(childEnvironment({ ...base, from, pass })).not.toHaveProperty('MY_API_KEY')
    expect(childEnvironment({ ...base, from, pass, allowSecrets: true })).toMatchObject({
      MY_API_KEY: 'k',
    })
  })

  it('knows secrets by their names', () => {
    expect(['GH_TOKEN', 'DB_PASSWORD', 'aws_secret', 'API_KEY'].every(isSecretName)).toBe(true)
    expect(['LANG', 'JAVA_HOME'].some(isSecretName)).toBe(false)
  })
})

describe('executorConfigSchema', () => {
  it('takes presets by name, others by command, and no secrets for chores', () => {
    expect(executorConfigSchema.parse({ name: 'gemini', kind: 'acp' })).toMatchObject({
      home: 'temporary',
      passEnv: [],
    })
    expect(presetExecutor('claude')).toMatchObject({ name: 'claude', kind: 'acp', home: 'user' })
    expect(presetExecutor('nobody')).toBeUndefined()
    expect(new Set(PRESETS.map((preset) => preset.name)).size).toBe(PRESETS.length)
    const bad = [
      { name: 'nobody', kind: 'acp' },
      { name: 'x', kind: 'acp', command: [] },
      { name: 'x', kind: 'acp', command: 'sh -c x' },
      { name: 'command', kind: 'command', passEnv: ['GITHUB_TOKEN'] },
      { name: '-x', kind: 'mock' },
      { name: 'x', kind: 'other' },
    ]
    for (const config of bad) expect(executorConfigSchema.safeParse(config).success).toBe(false)
  })
})

describe('relayEvents', () => {
  it('joins text to lines, bounds them, and falls silent in the end', async () => {
    const said: string[] = []
    async function* many() {
      yield { type: 'text' as const, text: 'one ' }
      yield { type: 'text' as const, text: 'line\ntwo' }
      yield { type: 'text' as const, text: ` ${'x'.repeat(2_000)}` }
      for (let at = 0; at < 1_000; at += 1) yield { type: 'file' as const, path: `f${at}` }
    }
    const onEvent = (event: WorkEvent) => event.type === 'progress' && said.push(event.text)
    await relayEvents(many(), { executor: 'mock', clock: systemClock, onEvent })
    expect(said[0]).toBe('one line')
    expect(said.every((line) => line.length <= 500)).toBe(true)
    expect(said).toHaveLength(MAX_PROGRESS + 1)
    expect(said.at(-1)).toBe('More is not shown.')
  })
})

const changes = (paths: string[]) => paths.map((path) => ({ path }))

describe('protectedPaths', () => {
  it('finds them in any case and depth, and lets the rest be', () => {
    const closed = [
      '.github/workflows/x/y.yml',
      'AGENTS.md',
      'pkg/agents.MD',
      '.claude/a/b',
      'pkg/.Claude/x',
      '.gitmodules',
      'a/.gitattributes',
      'CLAUDE.md',
      '.mcp.json',
      'WORKFLOW.md',
      'docs/CODEOWNERS',
    ]
    const open = [
      '.gitignore',
      '.github/ISSUE_TEMPLATE.md',
      'src/AGENTS.md.ts',
      'claude/x',
      'docs/workflow.html',
      'README.md',
    ]
    expect(protectedPaths(changes([...open, ...closed]))).toEqual(closed)
  })

  it.each([
    '.github/workflow\u200bs/x.yml',
    '.GITHUB/Workflows/x.yml',
    '.github./workflows /x.yml',
    '.github::$INDEX_ALLOCATION/workflows/x.yml',
    'AGENTS.md.',
    'agents.md:x',
    '\uff21GENTS.md',
  ])('reads %j as the most forgiving file system would', (path) => {
    expect(protectedPaths(changes([path]))).toEqual([path])
  })

  it('takes a link or a repository in the place of a protected directory for what it holds', () => {
    const paths = ['.claude', '.github', '.github/workflows', 'docs', '.github/x']
    const links = paths.map((path) => ({ path, mode: '120000' }))
    expect(protectedPaths(links)).toEqual(['.claude', '.github', '.github/workflows', 'docs'])
    expect(protectedPaths(changes(['.github', 'docs']))).toEqual([])
    expect(protectedPaths(changes(['.claude']))).toEqual(['.claude'])
  })

  it('lets the operator protect more, and allow what a rule protects', () => {
    const rules = {
      protect: ['deploy/', '/Makefile'],
      allow: ['.github/workflows/docs.yml', '.vscode/'],
    }
    const paths = ['x/deploy/a', 'Makefile', 'src/Makefile', '.github/workflows/docs.yml']
    const more = ['.github/workflows/ci.yml', '.vscode/a.json', 'AGENTS.md']
    expect(protectedPaths(changes([...paths, ...more]), rules)).toEqual([
      'x/deploy/a',
      'Makefile',
      '.github/workflows/ci.yml',
      'AGENTS.md',
    ])
  })
})

describe('leadsOutside', () => {
  it.each([
    ['a', 'b', false],
    ['a/b', '../c', false],
    ['a/b/c', '../../d/e', false],
    ['a', '../b', true],
    ['a/b', '../../c', true],
    ['a/b', 'x/../../..', true],
    ['a', 'b/../c', true],
    ['a', '/etc', true],
    ['a', '', true],
    ['a', '.git/config', true],
    ['a', 'C:\\x', true],
    ['a/b', '..', false],
    ['a', '..', true],
  ])('%s → %s: %s', (path, target, expected) => {
    expect(leadsOutside(path, target)).toBe(expected)
  })
})
