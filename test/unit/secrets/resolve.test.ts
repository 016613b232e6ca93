import { execFileSync } from 'node:child_process'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  resolveSecret,
  type CommandRunner,
  type SecretReference,
} from '../../../src/secrets/index.ts'
import { explain } from '../../../src/util/index.ts'

let dir: string
let env: Record<string, string>
beforeEach(async () => {
  dir = await mkdtemp(path.join(os.tmpdir(), 'bzzz-secrets-'))
  env = {}
  await mkdir(path.join(dir, 'run'))
  await mkdir(path.join(dir, 'cred'))
})
afterEach(() => rm(dir, { recursive: true }))

const put = async (name: string, text: string | Uint8Array, mode = 0o600) => {
  const file = path.join(dir, name)
  await writeFile(file, text)
  await chmod(file, mode)
  return file
}
const resolve = (
  reference?: SecretReference,
  more: { commands?: CommandRunner; signal?: AbortSignal } = {},
) => resolveSecret(reference, { env, runDir: path.join(dir, 'run'), ...more })
const revealed = async (reference?: SecretReference) => (await resolve(reference)).value.reveal()

const gh = (result: { reason: string; exitCode?: number; stdout: string }) => {
  const requests: Parameters<CommandRunner['run']>[0][] = []
  const commands: CommandRunner = {
    run: async (request) => {
      requests.push(request)
      return result
    },
  }
  return { commands, requests }
}

describe('resolveSecret without a reference', () => {
  it('looks in the documented order', async () => {
    Object.assign(env, { GH_TOKEN: 't6' })
    expect(await revealed()).toBe('t6')
    env.GITHUB_TOKEN = 't5'
    expect(await revealed()).toBe('t5')
    env.BZZZ_GITHUB_TOKEN = 't4'
    expect(await resolve()).toMatchObject({ source: 'env BZZZ_GITHUB_TOKEN', warnings: [] })
    await put('run/github_token', 't3\n', 0o444)
    expect(await revealed()).toBe('t3')
    await put('cred/github_token', 't2', 0o444)
    env.CREDENTIALS_DIRECTORY = path.join(dir, 'cred')
    expect(await resolve()).toMatchObject({
      source: `file ${path.join(dir, 'cred/github_token')}`,
      warnings: [],
    })
    env.BZZZ_GITHUB_TOKEN_FILE = await put('t', ' t1 \n')
    expect(await revealed()).toBe('t1')
    expect((await resolve()).source).toBe(`env BZZZ_GITHUB_TOKEN_FILE: file ${path.join(dir, 't')}`)
  })

  it('says where it looked and what to type', async () => {
    env.BZZZ_GITHUB_TOKEN = '  '
    await expect(resolve()).rejects.toMatchObject({
      code: 'SECRET_MISSING',
      next: expect.stringContaining('export BZZZ_GITHUB_TOKEN='),
      data: {
        looked: [
          'env BZZZ_GITHUB_TOKEN_FILE',
          '$CREDENTIALS_DIRECTORY/github_token',
          `file ${path.join(dir, 'run/github_token')}`,
          'env BZZZ_GITHUB_TOKEN',
          'env GITHUB_TOKEN',
          'env GH_TOKEN',
        ],
      },
    })
  })

  it('does not go on when the file that was named is missing', async () => {
    Object.assign(env, { BZZZ_GITHUB_TOKEN_FILE: path.join(dir, 'none'), GH_TOKEN: 't' })
    await expect(resolve()).rejects.toMatchObject({ code: 'SECRET_UNREADABLE' })
  })

  it('stops when aborted', async () => {
    env.GH_TOKEN = 't'
    await expect(resolve(undefined, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'ABORTED',
    })
  })
})

describe('a file', () => {
  it('gives a warning when others can read it', async () => {
    const file = await put('t', 'tok', 0o640)
    const { warnings } = await resolve({ file })
    expect(warnings).toEqual([`Others can read ${file} (mode 640); type: chmod 600 ${file}`])
    await chmod(file, 0o600)
    expect((await resolve({ file })).warnings).toEqual([])
  })

  it('is refused when empty, too large, missing or no file', async () => {
    await expect(resolve({ file: await put('e', ' \n') })).rejects.toMatchObject({
      code: 'SECRET_EMPTY',
    })
    await expect(resolve({ file: await put('l', 'x'.repeat(65_537)) })).rejects.toMatchObject({
      code: 'SECRET_UNREADABLE',
    })
    expect(await revealed({ file: await put('m', 'x'.repeat(65_536)) })).toHaveLength(65_536)
    await expect(resolve({ file: path.join(dir, 'none') })).rejects.toMatchObject({
      code: 'SECRET_MISSING',
      next: expect.stringContaining(path.join(dir, 'none')),
    })
    await expect(resolve({ file: dir })).rejects.toMatchObject({ code: 'SECRET_UNREADABLE' })
    const pipe = path.join(dir, 'pipe')
    execFileSync('mkfifo', [pipe])
    await expect(resolve({ file: pipe })).rejects.toMatchObject({ code: 'SECRET_UNREADABLE' })
  })

  it('with a malformed token is refused without repeating it', async () => {
    const error: Error = await resolve({ file: await put('t', 'hunter2\nhunter3') }).then(
      () => expect.fail('accepted'),
      (caught: Error) => caught,
    )
    expect(error).toMatchObject({ code: 'SECRET_UNREADABLE' })
    expect(explain(error) + JSON.stringify(error)).not.toContain('hunter')
  })
})

describe('other references', () => {
  it('take a credential from systemd or from the container', async () => {
    await put('run/mine', 'r')
    expect(await revealed({ credential: 'mine' })).toBe('r')
    env.CREDENTIALS_DIRECTORY = path.join(dir, 'cred')
    expect(await revealed({ credential: 'mine' })).toBe('r')
    await put('cred/mine', 'c')
    expect(await revealed({ credential: 'mine' })).toBe('c')
    await expect(resolve({ credential: 'other' })).rejects.toMatchObject({
      code: 'SECRET_MISSING',
      next: expect.stringContaining('LoadCredential=other'),
    })
  })

  it('take a variable or its file, and no other variable', async () => {
    Object.assign(env, { MINE: 'm', GITHUB_TOKEN: 'g' })
    expect(await revealed({ env: 'MINE' })).toBe('m')
    env.MINE_FILE = await put('m', 'f')
    expect(await revealed({ env: 'MINE' })).toBe('f')
    await expect(resolve({ env: 'OTHER' })).rejects.toMatchObject({ code: 'SECRET_MISSING' })
  })

  it('ask gh with an allow-listed environment', async () => {
    Object.assign(env, { PATH: '/bin', HOME: '/h', OTHER_SECRET: 's' })
    const { commands, requests } = gh({ reason: 'exited', exitCode: 0, stdout: 'gho_1\n' })
    const { value, source } = await resolve({ gh: true }, { commands })
    expect([value.reveal(), source]).toEqual(['gho_1', 'gh auth token'])
    expect(requests).toMatchObject([
      { file: 'gh', args: ['auth', 'token', '--hostname', 'github.com'] },
    ])
    expect(requests[0]?.env).toEqual({ PATH: '/bin', HOME: '/h' })
  })

  it.each([
    { reason: 'exited', exitCode: 1, stdout: '' },
    { reason: 'not-found', stdout: '' },
    { reason: 'timeout', stdout: 'half' },
  ])('find nothing when gh ends with %o', async (result) => {
    await expect(resolve({ gh: true }, gh(result))).rejects.toMatchObject({
      code: 'SECRET_MISSING',
      next: expect.stringContaining('gh auth login'),
    })
  })
})
