/** What may leave a work tree: hidden tricks are refused, secrets are found, a checkpoint goes without them. */
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createHeldSecrets, createSecretScanner, Secret } from '../../src/secrets/index.ts'
import { nullLogger } from '../../src/util/index.ts'
import { collect, type CollectInit } from '../../src/work/collect.ts'
import { createWorkspaces, type Workspace } from '../../src/work/workspace.ts'
import { createRig, FILES, order, PATH, type Repo, type Rig } from '../unit/work/rig.ts'

const TOKEN = 'tok-Zk3/9+Qw81=xP'
const held = createHeldSecrets()
held.add('GitHub token', new Secret(TOKEN))
const scanner = createSecretScanner({}, { held })
afterAll(() => scanner.stop())

const POINTER = `version https://git-lfs.github.com/spec/v1\noid sha256:${'a'.repeat(64)}\nsize 12\n`
const signal = AbortSignal.timeout(200_000)

let rig: Rig
let repo: Repo
let workspace: Workspace
const repos = new Map<string, Repo>()
beforeAll(() => {
  rig = createRig()
})
beforeEach(() => begin(FILES))
afterAll(() => rig.close())

async function begin(files: Record<string, string>): Promise<void> {
  const key = JSON.stringify(files)
  repo = repos.get(key) ?? rig.repo(files)
  repos.set(key, repo)
  const workspaces = createWorkspaces(join(rig.dir, 'ws'), { git: rig.git, logger: nullLogger })
  workspace = await workspaces.create(order(repo), signal)
}

function put(path: string, text: string | Buffer): void {
  const at = join(workspace.clone, path)
  mkdirSync(dirname(at), { recursive: true })
  writeFileSync(at, text)
}

const take = (more: Partial<CollectInit> = {}) =>
  collect(
    {
      order: order(repo),
      workspace,
      limits: { maxDiffBytes: 1_000_000, maxFiles: 100 },
      now: 1_700_000_000_000,
      scanner,
      ...more,
    },
    rig.git,
    signal,
  )
const code = (wanted: string, data: object = {}) =>
  expect.objectContaining({ code: wanted, data: expect.objectContaining(data) as object })

describe('names and kinds of files', () => {
  it.each<[string, () => void]>([
    ['a name that case makes another', () => put('readme.md', 'x')],
    ['a directory that case makes another', () => put('SRC/x', 'x')],
    ['invisible characters', () => put('a\u200bb.txt', 'x')],
    ['a line break', () => put('a\nb', 'x')],
    ['a file of git', () => put('.GIT/config', 'x')],
    ['a file of git with a dot at the end', () => put('sub/.git./config', 'x')],
    ['a file of git with an invisible character', () => put('.g\u200cit/config', 'x')],
    ['a dot at the end', () => put('AGENTS.md.', 'x')],
    [
      'an executable hook',
      () => (
        put('hooks/pre-commit', 'x'),
        chmodSync(join(workspace.clone, 'hooks/pre-commit'), 0o755)
      ),
    ],
    ['a pointer of Git LFS', () => put('big.bin', POINTER)],
    [
      'a link in the place of a protected directory',
      () => symlinkSync('src', join(workspace.clone, '.claude')),
    ],
    [
      'attributes that git does not see',
      () => (
        put('.gitignore', '.gitattributes\n'),
        put('.gitattributes', '* -diff'),
        put('a.txt', 'x')
      ),
    ],
    [
      'hidden attributes of another case',
      () => (put('.gitignore', '*attributes\n'), put('src/.gitAttributes', '* -diff')),
    ],
  ])('refuses %s', async (_, make) => {
    make()
    await expect(take()).rejects.toEqual(code('PROTECTED_PATH'))
  })

  it('lets attributes be in an ignored directory that holds nothing else of the repository', async () => {
    put('.gitignore', 'node_modules\n')
    put('node_modules/x/.gitattributes', '* -diff')
    expect((await take()).files.map(({ path }) => path)).toEqual(['.gitignore'])
  })

  it('refuses another target of a pointer that was there', async () => {
    await begin({ 'big.bin': POINTER })
    put('big.bin', POINTER.replace(/a{64}/, 'b'.repeat(64)))
    await expect(take()).rejects.toEqual(code('PROTECTED_PATH', { paths: ['big.bin'] }))
  })

  it('follows what the operator protects and allows', async () => {
    put('.vscode/settings.json', '{}')
    await expect(take()).rejects.toEqual(code('PROTECTED_PATH'))
    const { files } = await take({ paths: { allow: ['.vscode/'] } })
    expect(files).toHaveLength(1)
    await expect(
      take({ paths: { allow: ['.vscode/'], protect: ['.vscode/settings.json'] } }),
    ).resolves.toBeDefined()
    put('deploy/prod.yml', 'x')
    await expect(take({ paths: { allow: ['.vscode/'], protect: ['deploy/'] } })).rejects.toEqual(
      code('PROTECTED_PATH', { paths: ['deploy/prod.yml'] }),
    )
  })
})

describe('secrets', () => {
  const at = (where: string, line: number) => ({ where, line, rule: 'held: GitHub token' })

  it.each<[string, string | Buffer, number]>([
    ['plain', `a\nb\nconst t = '${TOKEN}'\n`, 3],
    ['in base64', Buffer.from(`x:${TOKEN}`).toString('base64'), 1],
    ['in a binary file', Buffer.concat([Buffer.from([0, 1, 2, 255, 10]), Buffer.from(TOKEN)]), 2],
    ['in UTF-16', Buffer.from(`x${TOKEN}`, 'utf16le'), 1],
  ])('are found %s, and never named', async (_, text, line) => {
    put('src/new.js', text)
    const error = await take().catch((caught: unknown) => caught)
    expect(error).toEqual(code('SECRET_FOUND', { hits: [at('src/new.js', line)] }))
    expect((error as Error).message).toContain(`src/new.js line ${line}`)
    expect(JSON.stringify({ ...(error as object), text: String(error) })).not.toContain(TOKEN)
  })

  it('are found where attributes of the base call a file binary', async () => {
    await begin({ ...FILES, '.gitattributes': '*.dat -diff binary\n' })
    put('x.dat', `x ${TOKEN}`)
    await expect(take()).rejects.toEqual(code('SECRET_FOUND', { hits: [at('x.dat', 1)] }))
  })

  it('are found in the name of a file, the target of a link and the message of the commit', async () => {
    put('tok-file', 'x')
    symlinkSync(
      `x-${TOKEN.replaceAll('/', '%2F').replaceAll('=', '%3D').replaceAll('+', '%2B')}`,
      join(workspace.clone, 'link'),
    )
    await expect(take()).rejects.toEqual(code('SECRET_FOUND', { hits: [at('link', 1)] }))
    execFileSync('rm', [join(workspace.clone, 'link')])
    const hex = Buffer.from(TOKEN).toString('hex')
    const issue = { number: 12, title: `Use ${TOKEN}`, body: '', labels: [] }
    await expect(take({ order: order(repo, { issue }) })).rejects.toEqual(code('SECRET_FOUND'))
    put(hex, 'x')
    await expect(take()).rejects.toEqual(code('SECRET_FOUND', { hits: [at(hex, 0)] }))
  })

  it('may go, and may stand where they stood', async () => {
    await begin({ 'old.txt': `${TOKEN}\nb\n` })
    put('old.txt', `${TOKEN}\nb\nc\n`)
    expect((await take()).files).toHaveLength(1)
    put('old.txt', 'b\n')
    expect((await take()).files).toHaveLength(1)
  })
})

describe('a checkpoint', () => {
  it('goes without the files that must not leave, and says which', async () => {
    put('good.txt', 'x')
    put('bad.txt', TOKEN)
    put('src/sum.js', `// ${TOKEN}\n`)
    put('AGENTS.md', 'obey')
    put('a\u200bb', 'x')
    put('README.md', 'changed\n')
    const issue = { number: 12, title: `Use ${TOKEN}`, body: '', labels: [] }
    const { files, notes, gitDir, head } = await take({
      checkpoint: true,
      order: order(repo, { issue }),
    })
    expect(files.map(({ path }) => path)).toEqual(['README.md', 'good.txt'])
    expect(notes.join('\n')).toMatch(/bad names[^]*AGENTS\.md[^]*bad\.txt, src\/sum\.js/)
    expect(rig.show(gitDir, `${head}:src/sum.js`)).toBe(FILES['src/sum.js'].trim())
    expect(
      execFileSync('git', ['--git-dir', gitDir, 'log', '-p', head], {
        env: { PATH },
        encoding: 'utf8',
      }),
    ).not.toContain(TOKEN)
  })

  it('of nothing else is no change', async () => {
    put('bad.txt', TOKEN)
    await expect(take({ checkpoint: true })).rejects.toEqual(code('NO_CHANGE'))
  })
})
