import { mkdir, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { until } from '../../src/util/index.ts'
import { place, type Place, type Running } from './cli-harness.ts'

let at: Place
beforeEach(async () => {
  at = await place()
  await mkdir(join(at.dir, 'lib'))
  await writeFile(join(at.dir, 'lib', 'readme.md'), '# lib\n')
})
afterEach(() => at.cleanup())

interface Facts {
  url: string
  apiUrl: string
  dir: string
  login: string
  token: string
  tokenFile: string
  repos: string[]
  users: { login: string; role: string; token: string; tokenFile: string }[]
}

async function started(...args: string[]): Promise<{ running: Running; facts: Facts }> {
  const running = at.start(['forge', '--json', ...args])
  const failed = running.ended.then(({ code, stderr }) => {
    throw new Error(`ended with ${code}: ${stderr}`)
  })
  failed.catch(() => undefined)
  const ready = until('the forge runs', 30_000, () => running.stdout.endsWith('}\n'))
  await Promise.race([ready, failed])
  return { running, facts: JSON.parse(running.stdout) as Facts }
}

const get = ({ apiUrl, token }: Facts, path: string) =>
  fetch(`${apiUrl}${path}`, { headers: { authorization: `Bearer ${token}` } })

const portOf = ({ url }: Facts) => new URL(url).port

describe('bzzz forge', () => {
  it('serves a directory that lasts, and ends cleanly on Ctrl-C', async () => {
    const { running, facts } = await started(
      '--repo',
      'octo/lib',
      '--from',
      'lib',
      '--repo',
      'octo/empty',
    )
    expect(facts).toMatchObject({
      dir: join(at.dir, 'bzzz-forge'),
      repos: ['octo/empty', 'octo/lib'],
    })
    expect((await stat(facts.tokenFile)).mode & 0o777).toBe(0o600)
    expect(await (await get(facts, '/repos/octo/lib')).json()).toMatchObject({
      full_name: 'octo/lib',
      default_branch: 'main',
      permissions: { admin: true },
    })
    expect((await get(facts, '/repos/octo/empty')).status).toBe(200)
    expect((await get({ ...facts, token: 'wrong' }, '/user')).status).toBe(401)

    running.child.kill('SIGINT')
    expect((await running.ended).code).toBe(0)
    await expect(get(facts, '/user')).rejects.toThrow()
    expect((await readdir(facts.dir)).filter((name) => name.startsWith('agent.lock'))).toEqual([])

    const again = await started('--port', portOf(facts))
    const { url, token, repos } = facts
    expect(again.facts).toMatchObject({ url, token, repos })
    expect((await get(again.facts, '/repos/octo/lib')).status).toBe(200)
    again.running.child.kill('SIGHUP')
    expect((await again.running.ended).code).toBe(0)
  })

  it('tells how to point an agent at it', async () => {
    const running = at.start(['forge', '--repo', 'octo/lib'])
    await until('the forge runs', 30_000, () => running.stderr.includes('until Ctrl-C'))
    running.child.kill('SIGINT')
    const { stdout } = await running.ended
    expect(stdout).toMatch(/^ {2}apiUrl: http:\/\/127\.0\.0\.1:\d+\/api\/v3$/m)
    const [, ...issue] =
      /^curl -H "Authorization: Bearer \$\(cat '(.+)'\)" \\\n {2}(\S+) \\\n {2}-d '(.+)'$/m.exec(
        stdout,
      ) ?? []
    expect(issue).toEqual([
      join(at.dir, 'bzzz-forge', 'token'),
      expect.stringMatching(/\/repos\/octo\/lib\/issues$/),
      '{"title":"TITLE","body":"TEXT","labels":["bzzz"]}',
    ])
    const config = stdout.slice(stdout.indexOf('github:'))
    await writeFile(join(at.dir, 'bzzz.yaml'), config)
    const { code, stderr } = await at.bzzz('config', 'validate')
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('is valid') })
  })

  it('gives each further account a token of its own that lasts', async () => {
    const users = ['--user', 'grace', '--user', 'mallory:read']
    const { running, facts } = await started('--repo', 'octo/lib', ...users)
    expect(facts.users).toMatchObject([
      { login: 'grace', role: 'write' },
      { login: 'mallory', role: 'read' },
    ])
    const [grace, mallory] = facts.users
    expect((await stat(grace!.tokenFile)).mode & 0o777).toBe(0o600)
    const may = async (token: string) =>
      (
        (await (await get({ ...facts, token }, '/repos/octo/lib')).json()) as {
          permissions: object
        }
      ).permissions
    expect(await may(grace!.token)).toMatchObject({ push: true, admin: false })
    expect(await may(mallory!.token)).toMatchObject({ pull: true, triage: false, push: false })
    running.child.kill('SIGINT')
    expect((await running.ended).code).toBe(0)
    const again = await started('--user', 'grace:triage')
    expect(again.facts.users).toMatchObject([{ login: 'grace', token: grace!.token }])
    for (const wrong of ['grace:owner', 'bzzz', '-x'])
      expect((await at.bzzz('forge', '--dir', 'other', `--user=${wrong}`)).code).toBe(2)
  })

  it('says that the port or the directory is taken', async () => {
    const { facts, running } = await started()
    const port = await at.bzzz('forge', '--dir', 'other', '--port', portOf(facts), '--json')
    expect(port.code).toBe(1)
    expect(JSON.parse(port.stderr)).toMatchObject({ error: { code: 'FORGE_PORT_TAKEN' } })
    const dir = await at.bzzz('forge')
    expect(dir.code).toBe(1)
    expect(dir.stderr).toContain(`Process ${running.child.pid} already uses`)
    expect((await get(facts, '/user')).status).toBe(200)
  })

  it('takes over after it was killed', async () => {
    const first = await started()
    first.running.child.kill('SIGKILL')
    await first.running.ended
    const { facts } = await started()
    expect(facts.token).toBe(first.facts.token)
  })

  it('ends with what to do where git is missing, also without a repository', async () => {
    const running = at.start(['forge', '--json'], { env: { PATH: join(at.dir, 'lib') } })
    const { code, stderr } = await running.ended
    expect(code).toBe(1)
    expect(JSON.parse(stderr)).toMatchObject({
      error: { code: 'FORGE_GIT_MISSING', next: /Install git 2\.31/ },
    })
  })

  it('refuses a token file without a token, a directory of other things, and files that are not there', async () => {
    await mkdir(join(at.dir, 'bzzz-forge'))
    await writeFile(join(at.dir, 'bzzz-forge', 'token'), '\n')
    const token = await at.bzzz('forge', '--json')
    expect(token.code).toBe(1)
    expect(JSON.parse(token.stderr)).toMatchObject({ error: { code: 'FORGE_TOKEN_UNUSABLE' } })
    const foreign = await at.bzzz('forge', '--dir', '.', '--json')
    expect(foreign.code).toBe(2)
    expect(JSON.parse(foreign.stderr)).toMatchObject({ error: { code: 'FORGE_DIR_FOREIGN' } })
    expect(await readdir(at.dir)).not.toContain('token')
    const from = await at.bzzz('forge', '--dir', 'x', '--repo', 'octo/lib', '--from', 'nowhere')
    expect(from.code).toBe(2)
    expect(from.stderr).toContain('nowhere')
  })
})
