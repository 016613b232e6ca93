import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parseTask } from '../../../src/cli/client/agent.ts'
import { parseTime } from '../../../src/cli/client/logs.ts'
import { CliError } from '../../../src/cli/errors.ts'
import { byErrorCode, exitCodeOf, exitCodes } from '../../../src/cli/exit.ts'
import { generateCliPage } from '../../../src/cli/generate.ts'
import { findHome } from '../../../src/cli/home.ts'
import { renderFailure } from '../../../src/cli/output/failure.ts'
import { loadConfig } from '../../../src/config/index.ts'
import { CodedError } from '../../../src/util/index.ts'

describe('exit codes', () => {
  it.each([
    ['USAGE', 2],
    ['CONFIG_INVALID', 2],
    ['AGENT_NOT_RUNNING', 3],
    ['GITHUB_UNAUTHORIZED', 4],
    ['TASK_NOT_FOUND', 5],
    ['CLAIM_LOST', 6],
    ['DEADLINE', 75],
    ['HOME_IN_USE', 1],
    ['toString', 1],
  ])('of %s is %d', (code, exit) => {
    expect(exitCodeOf(new CodedError(code, 'x'))).toBe(exit)
  })

  it('are listed only for codes that some room has', async () => {
    const source = new URL('../../../src/', import.meta.url)
    const files = await readdir(source, { recursive: true })
    const texts = await Promise.all(
      files
        .filter((file) => file.endsWith('errors.ts'))
        .map((file) => readFile(new URL(file, source), 'utf8')),
    )
    const known = texts.join('\n')
    expect(Object.keys(byErrorCode).filter((code) => !known.includes(`'${code}'`))).toEqual([])
  })

  it('come from the outermost error that has one', () => {
    const inner = new CodedError('TASK_NOT_FOUND', 'x')
    expect(exitCodeOf(new Error('outer', { cause: inner }))).toBe(exitCodes.notFound)
    expect(exitCodeOf(new CodedError('USAGE', 'outer', { cause: inner }))).toBe(exitCodes.usage)
    expect(exitCodeOf('text')).toBe(exitCodes.failed)
  })
})

describe('arguments', () => {
  it.each([
    ['12', { issue: 12 }],
    ['#12', { issue: 12 }],
    ['octo/lib#12', { repo: 'octo/lib', issue: 12 }],
    ['https://github.com/octo/lib/issues/12', { repo: 'octo/lib', issue: 12 }],
  ])('take %s as a task', (text, expected) => {
    expect(parseTask(text)).toEqual(expected)
  })
  it.each(['', '0', '-1', 'octo#1', 'octo/lib', '1e3', '../..#1x', '12345678901'])(
    'refuse %j as a task',
    (text) => {
      expect(() => parseTask(text)).toThrow(CliError)
    },
  )
  it.each([
    ['30s', 970_000],
    ['10m', 400_000],
    ['1970-01-01T00:00:05Z', 5_000],
    ['1969-01-01', 0],
  ])('take %s as a time', (text, expected) => {
    expect(parseTime('--since', text, 1_000_000)).toBe(expected)
  })
  it.each(['', '5', 'h', '1w', 'yesterday', '2026-99-01', '1h2m'])(
    'refuse %j as a time',
    (text) => {
      expect(() => parseTime('--since', text, 0)).toThrow(CliError)
    },
  )
})

describe('failures', () => {
  const error = new CodedError('HOME_IN_USE', 'In use\u001b[2J.', {
    data: { pid: 7 },
    next: 'bzzz down',
    cause: new Error('deep', { cause: new Error('deeper') }),
  })

  it('say what, why and what next', () => {
    expect(renderFailure(error, { json: false, verbose: false })).toBe(
      ['bzzz: In use\ufffd[2J.', '  why:  deep: deeper', '  next: bzzz down'].join('\n'),
    )
  })

  it('never show the stack that a library put into its text', () => {
    const stack =
      'no:\n\n  /ip4: Error: in use\n      at listen (node:net:2:16)\n      at node:net:6:7\n'
    const cause = new Error(stack)
    for (const json of [false, true]) {
      const texts = [new CodedError('X', 'Not now.', { cause }), cause].map((one) =>
        renderFailure(one, { json, verbose: false }),
      )
      for (const text of texts) expect(text).not.toMatch(/node:net/)
    }
    expect(
      renderFailure(new CodedError('X', 'Not now.', { cause }), { json: false, verbose: false }),
    ).toBe('bzzz: Not now.\n  why:  no:')
  })

  it('are envelopes for programs', () => {
    expect(JSON.parse(renderFailure(error, { json: true, verbose: false }))).toEqual({
      error: {
        code: 'HOME_IN_USE',
        message: 'In use\u001b[2J.',
        next: 'bzzz down',
        data: { pid: 7 },
      },
    })
  })

  it('show a stack only when asked', () => {
    const plain = new Error('oops')
    expect(renderFailure(plain, { json: false, verbose: false })).not.toContain('parse.test')
    expect(renderFailure(plain, { json: false, verbose: true })).toContain('parse.test')
  })
})

describe('home', () => {
  let dir: string
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'bzzz-home-'))
  })
  afterEach(() => rm(dir, { recursive: true, force: true }))
  const systemFile = '/nonexistent/config.yaml'

  it('is the flag, the environment, the configuration, the default', async () => {
    const env = { HOME: dir }
    const init = { env, cwd: dir, systemFile }
    const named = { HOME: dir, BZZZ_HOME: 'env' }
    expect(await findHome({ ...init, flag: 'flag', env: named })).toBe(join(dir, 'flag'))
    expect(await findHome({ ...init, env: named })).toBe(join(dir, 'env'))
    expect(await findHome({ ...init, flag: '~/x' })).toBe(join(dir, 'x'))
    expect(await findHome(init)).toBe(join(dir, '.local/state/bzzz'))
    await writeFile(join(dir, 'bzzz.yaml'), 'home: ./here\n')
    expect(await findHome(init)).toBe(join(dir, 'here'))
    await writeFile(join(dir, 'other.yaml'), '{"home": "there"}')
    expect(await findHome({ ...init, configFile: 'other.yaml' })).toBe(join(dir, 'there'))
    await expect(findHome({ ...init, configFile: 'none.yaml' })).rejects.toMatchObject({
      code: 'CONFIG_NOT_FOUND',
    })
  })

  it('agrees with the configuration', async () => {
    for (const env of [
      { HOME: dir },
      { HOME: dir, XDG_STATE_HOME: '/state' },
      { HOME: dir, XDG_STATE_HOME: 'relative' },
      { HOME: dir, BZZZ_HOME: 'env' },
      { HOME: dir, BZZZ_HOME: '~/env' },
      { HOME: dir, BZZZ_HOME: '' },
    ]) {
      const { config } = await loadConfig({ env, cwd: dir, systemFile })
      expect(await findHome({ env, cwd: dir, systemFile })).toBe(config.home)
    }
  })
})

describe('docs/cli.md', () => {
  it('is what the definitions say; write it anew with `node src/cli/generate.ts`', async () => {
    const page = await readFile(new URL('../../../docs/cli.md', import.meta.url), 'utf8')
    expect(page).toBe(generateCliPage())
  })
})
