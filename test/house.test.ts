/**
 * The house keeps its own rules: who may import whom, doors, sizes. The import rules are checked
 * twice: on the code, and on a copy with one violation of each kind, because a checker that sees
 * nothing reports nothing.
 */
import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { cruise, type ICruiseResult } from 'dependency-cruiser'
import extractDepcruiseConfig from 'dependency-cruiser/config-utl/extract-depcruise-config'
import extractTsConfig from 'dependency-cruiser/config-utl/extract-ts-config'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { importDiagram } from './import-diagram.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const CONFIGS = ['.dependency-cruiser.mjs', '.dependency-cruiser-runtime.mjs']
/** Each reads all sources, also where other tests take the processors, ms. */
const busy = { timeout: 120_000 }

async function filesIn(dir: string, pattern: RegExp): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile() && pattern.test(entry.name))
    .map((entry) => path.relative(dir, path.join(entry.parentPath, entry.name)))
    .filter((file) => !file.includes('node_modules'))
}
const MODULE = /(?<!\.d)\.(ts|mts|mjs|js|tsx)$/

/** `from`: what the rules are about; what it needs is looked at as well. */
async function inspect(baseDir: string, config: string, from = 'src'): Promise<ICruiseResult> {
  const { forbidden, options } = await extractDepcruiseConfig(path.join(root, config))
  const { output } = await cruise(
    [from],
    { ...options, ruleSet: { forbidden: forbidden ?? [] }, validate: true, baseDir },
    { ...options?.enhancedResolveOptions },
    { tsConfig: extractTsConfig(path.join(root, 'tsconfig.json')) },
  )
  if (typeof output === 'string') throw new TypeError('dependency-cruiser gave text')
  return output
}
const violations = (result: ICruiseResult) =>
  result.summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} → ${to}`)

describe('the imports', () => {
  it.each(CONFIGS)('keep the rules of %s, and every file was seen', busy, async (config) => {
    const result = await inspect(root, config)
    const seen = result.modules
      .map((module) => module.source)
      .filter((file) => file.startsWith('src/'))
    const files = (await filesIn(path.join(root, 'src'), MODULE)).map((file) => `src/${file}`)
    expect(seen.filter((file) => MODULE.test(file)).sort()).toEqual(files.sort())
    expect(violations(result)).toEqual([])
  })
})

describe('a violation of each kind', () => {
  let copy: string
  beforeAll(async () => {
    copy = await mkdtemp(path.join(os.tmpdir(), 'bzzz-house-'))
    await cp(path.join(root, 'src'), path.join(copy, 'src'), { recursive: true })
    await symlink(path.join(root, 'node_modules'), path.join(copy, 'node_modules'))
    for (const name of ['package.json', 'tsconfig.json']) {
      await cp(path.join(root, name), path.join(copy, name))
    }
    const seeds: Record<string, string> = {
      'util/seed.ts': `import { loadConfig } from '../config/index.ts'\nexport const a = loadConfig`,
      'tasks/seed.ts': `import type { Work } from '../work/types.ts'\nexport type A = Work`,
      'work/seed.ts': `import { spawn } from 'node:child_process'\nimport { execa } from 'execa'\nimport { OpenAI } from 'openai'\nimport { fetch } from 'undici'\nexport const a = [spawn, execa, OpenAI, fetch]`,
      'secrets/seed.ts': `import { createLibp2p } from 'libp2p'\nimport { tcp } from '@libp2p/tcp'\nexport const a = [createLibp2p, tcp]`,
      'mesh/seed.ts': `import Hypercore from 'hypercore'\nimport { Octokit } from 'octokit'\nexport const a = [Hypercore, Octokit]`,
      'journal/seed.ts': `import { topics } from '../mesh/wire.ts'\nimport { a } from '../mesh/seed.ts'\nexport const b = [topics, a]`,
      'config/seed.ts': `import type { Config } from '../config/schema.ts'\nimport { b } from './seed-two.ts'\nexport type A = Config\nexport const a = () => b`,
      'config/seed-two.ts': `import type { A } from './seed.ts'\nexport const b = (one: A) => one`,
      'api/seed.ts': `import { entrySchemas } from '../journal/entries.ts'\nimport type { Config } from '../config/index.ts'\nexport const a = entrySchemas\nexport type A = Config`,
      'cli/client/seed.ts': `import { c } from '../seed.ts'\nexport const a = c`,
      'cli/seed.ts': `export const c = await import('../mesh/seed-three.ts')`,
      'mesh/seed-three.ts': `export * from '@libp2p/tcp'`,
      'forge/seed.ts': `import { a } from '../agent/seed.ts'\nimport './nowhere.ts'\nexport const b = a`,
      'process/seed.ts': `import { expect } from 'vitest'\nimport '../../test/closing-line.ts'\nexport const a = expect`,
      'agent/seed.ts': `import '../cli/seed.ts'\nimport { a } from '../config/seed.ts'\nexport { a }`,
      'seed.ts': `import { a } from './config/seed.ts'\nexport { a }`,
    }
    for (const [name, text] of Object.entries(seeds)) {
      const file = path.join(copy, 'src', name)
      await mkdir(path.dirname(file), { recursive: true })
      await writeFile(file, text)
    }
    await mkdir(path.join(copy, 'test'))
    await cp(path.join(root, 'test/closing-line.ts'), path.join(copy, 'test/closing-line.ts'))
  })
  afterAll(() => rm(copy, { recursive: true, force: true }))

  it('is found', busy, async () => {
    const results = [
      await inspect(copy, '.dependency-cruiser.mjs'),
      await inspect(copy, '.dependency-cruiser-runtime.mjs', 'src/cli/client'),
    ]
    const found = results.flatMap(violations).join('\n')
    for (const [rule, from, to] of [
      ['util-imports', 'util/seed.ts', 'src/config/index.ts'],
      ['tasks-imports', 'tasks/seed.ts', 'src/work/types.ts'],
      ['spawn-in-process', 'work/seed.ts', 'child_process'],
      ['spawn-in-process', 'work/seed.ts', 'execa'],
      ['libp2p-in-mesh', 'secrets/seed.ts', '.*/libp2p/'],
      ['libp2p-in-mesh', 'secrets/seed.ts', '.*/@libp2p/tcp/'],
      ['hypercore-in-journal', 'mesh/seed.ts', '.*/hypercore/'],
      ['octokit-in-github', 'mesh/seed.ts', '.*/octokit/'],
      ['models-in-chat', 'work/seed.ts', '.*/openai/'],
      ['models-in-chat', 'work/seed.ts', '.*/undici/'],
      ['contracts-for-types-only', 'journal/seed.ts', 'src/mesh/wire.ts'],
      ['only-through-the-door', 'journal/seed.ts', 'src/mesh/seed.ts'],
      ['no-cycles', 'config/seed', 'src/config/seed'],
      ['api-imports', 'api/seed.ts', 'src/journal/entries.ts'],
      ['clients-are-light', 'cli/client/seed.ts', '.*/@libp2p/tcp/'],
      ['agent-is-root', 'forge/seed.ts', 'src/agent/seed.ts'],
      ['no-unresolved', 'forge/seed.ts', './nowhere.ts'],
      ['no-development-packages', 'process/seed.ts', '.*/vitest/'],
      ['nothing-from-outside-src', 'process/seed.ts', 'test/closing-line.ts'],
      ['agent-not-cli', 'agent/seed.ts', 'src/cli/seed.ts'],
      ['root-only-through-the-door', 'seed.ts', 'src/config/seed.ts'],
    ] as const) {
      expect(found).toMatch(new RegExp(`^${rule}: src/${from}.* → ${to}`, 'm'))
    }
    expect(found).not.toContain('src/api/seed.ts → src/config/index.ts')
    expect(found).not.toMatch(/seed\.ts → src\/config\/schema\.ts/)
  })
})

describe('the closing line of a test run', () => {
  const run = async (tests: Record<string, string>) => {
    const dir = await mkdtemp(path.join(os.tmpdir(), 'bzzz-closing-'))
    try {
      await symlink(path.join(root, 'node_modules'), path.join(dir, 'node_modules'))
      for (const [name, text] of Object.entries(tests)) {
        await writeFile(path.join(dir, name), `import { it } from 'vitest'\n${text}`)
      }
      const args = ['run', '--root', dir, '--reporter=default']
      const reporter = `--reporter=${path.join(root, 'test/closing-line.ts')}`
      const vitest = path.join(root, 'node_modules/vitest/vitest.mjs')
      return await new Promise<{ code: number; last: string | undefined }>((resolve) => {
        const child = execFile(
          process.execPath,
          [vitest, ...args, reporter],
          { cwd: dir, timeout: 60_000 },
          (_error, stdout) =>
            resolve({ code: child.exitCode ?? -1, last: stdout.trimEnd().split('\n').at(-1) }),
        )
      })
    } finally {
      await rm(dir, { recursive: true })
    }
  }

  it('counts, and leaves the exit code alone', busy, async () => {
    const passing = `it('a', () => {})\nit.skip('b', () => {})`
    expect(await run({ 'a.test.js': passing })).toEqual({
      code: 0,
      last: '1 passed, 0 failed, 1 skipped',
    })
    expect(
      await run({
        'a.test.js': passing,
        'b.test.js': `it('c', () => { throw new Error('c') })`,
        'c.test.js': `import './none.js'`,
      }),
    ).toEqual({ code: 1, last: '1 passed, 2 failed, 1 skipped' })
    expect(await run({})).toEqual({ code: 1, last: '0 passed, 1 failed' })
  })
})

describe('the import diagram', () => {
  it('is current', busy, async () => {
    const written = await readFile(path.join(root, 'docs/imports.md'), 'utf8')
    expect(written).toBe(await importDiagram())
  })
})

describe('the rooms', () => {
  it('stand in the table of who may import whom', async () => {
    const { table } = (await import(
      new URL('../.dependency-cruiser.mjs', import.meta.url).href
    )) as {
      table: Record<string, string[]>
    }
    const rooms = (await listRooms()).filter((room) => room !== 'cli')
    expect(rooms.filter((room) => !Object.hasOwn(table, room))).toEqual([])
  })

  it('each have a door that opens with what the room is for and an example', async () => {
    for (const room of await listRooms()) {
      const door = await readFile(path.join(root, 'src', room, 'index.ts'), 'utf8').catch(() => '')
      const head = door.slice(0, door.indexOf('*/'))
      expect(head, `src/${room}/index.ts`).toMatch(/^\/\*\*/)
      if (room !== 'cli') expect(head, `src/${room}/index.ts`).toContain('@example')
    }
  })

  it('keep their coded errors in errors.ts', async () => {
    for (const file of await filesIn(path.join(root, 'src'), /(?<!^errors)\.ts$/)) {
      const text = await readFile(path.join(root, 'src', file), 'utf8')
      expect(/extends CodedError\b/.test(text) ? file : '').toMatch(/^$|(^|\/)errors\.ts$/)
    }
  })

  it('have no file over 300 lines', async () => {
    const long = []
    for (const file of await filesIn(path.join(root, 'src'), /\.(ts|mjs)$/)) {
      const text = await readFile(path.join(root, 'src', file), 'utf8')
      const lines = text.trimEnd().split('\n').length
      if (lines > 300) long.push(`${file}: ${lines}`)
    }
    expect(long).toEqual([])
  })
})

describe('forges of tests', () => {
  it("have every answer judged by GitHub's description", async () => {
    const calls: string[] = []
    // Runs of chaos judge what was done, not the form of answers.
    for (const file of await filesIn(path.join(root, 'test'), /\.ts$/)) {
      if (file.startsWith('chaos/')) continue
      const text = await readFile(path.join(root, 'test', file), 'utf8')
      if (!/import \{[^}]*\bforge\b[^}]*\} from '[./]+\/src\/forge\/index\.ts'/.test(text)) continue
      for (const { 0: call } of text.matchAll(/(?<![\w.])forge\(\s*\{[\s\S]*?\},\s*\{[^}]*\}/g))
        calls.push(`${file}: ${call.includes('onResponse') ? 'judged' : call}`)
    }
    expect(calls.length).toBeGreaterThan(5)
    expect(calls.filter((call) => !call.endsWith(': judged'))).toEqual([])
  })
})

describe('the independent peer', () => {
  it('shares no code with Bzzz: it imports packages and its own files only', async () => {
    const files = await filesIn(path.join(root, 'test/independent'), /\.ts$/)
    expect(files).toContain('peer.ts')
    for (const file of files) {
      const text = await readFile(path.join(root, 'test/independent', file), 'utf8')
      const named = [...text.matchAll(/(?:\bfrom|\bimport|\brequire)\b[\s(]*['"`]([^'"`]+)/g)]
      const foreign = named
        .map(([, name = '']) => name)
        .filter((name) => /^(\.\.|\.\/.*\/|\/|#|bzzz)/.test(name))
      expect(foreign, file).toEqual([])
    }
  })
})

async function listRooms(): Promise<string[]> {
  const entries = await readdir(path.join(root, 'src'), { withFileTypes: true })
  return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name)
}
