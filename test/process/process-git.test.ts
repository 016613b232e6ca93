import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createGit, type Processes } from '../../src/process/index.ts'
import { until } from '../../src/util/index.ts'
import { alive, newProcesses, testHome } from './support.ts'

const { home, remove } = testHome('git')
const token = 'ghs_0123456789abcdefSECRET'
const encoded = Buffer.from(`x-access-token:${token}`).toString('base64')
const author = {
  GIT_AUTHOR_NAME: 'Ann',
  GIT_AUTHOR_EMAIL: 'ann@example.org',
  GIT_COMMITTER_NAME: 'Ann',
  GIT_COMMITTER_EMAIL: 'ann@example.org',
}

let processes: Processes
const servers: Server[] = []
beforeEach(() => {
  processes = newProcesses(join(home, 'state'))
})
afterEach(async () => {
  await processes.stop()
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
})
afterAll(remove)

function script(name: string, body: string): string {
  const path = join(home, name)
  writeFileSync(path, `#!/bin/sh\n${body}\n`)
  chmodSync(path, 0o755)
  return path
}

async function repository(name: string): Promise<string> {
  const cwd = join(home, name)
  mkdirSync(cwd)
  const git = createGit({ processes })
  await git(['init', '-q'], { cwd })
  await git(['commit', '-q', '--allow-empty', '-m', 'first'], { cwd, env: author })
  return cwd
}

async function serve(answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const server = createServer(answer)
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

describe('git', () => {
  it('works in a repository and resolves with stdout', async () => {
    const cwd = await repository('plain')
    const git = createGit({ processes })
    expect(await git(['log', '--format=%an %s'], { cwd })).toBe('Ann first\n')
    expect(await git(['rev-parse', '--abbrev-ref', 'HEAD'], { cwd })).toBe('main\n')
    expect(await git(['hash-object', '--stdin'], { cwd, input: 'x' })).toMatch(/^[0-9a-f]{40}\n$/)
  })

  it('fails with code, exit code and stderr', async () => {
    const cwd = await repository('failing')
    const failed = createGit({ processes })(['rev-parse', '--verify', 'nope'], { cwd })
    await expect(failed).rejects.toMatchObject({
      code: 'GIT_FAILED',
      data: {
        exitCode: 128,
        args: ['rev-parse', '--verify', 'nope'],
        stderr: expect.stringContaining('fatal'),
      },
    })
  })

  it('says what to do when git is missing', async () => {
    const git = createGit({ processes, env: { PATH: join(home, 'empty') } })
    await expect(git(['version'], { cwd: home })).rejects.toMatchObject({
      code: 'GIT_MISSING',
      next: expect.stringContaining('Install git'),
    })
  })

  it('runs no program that a repository names', async () => {
    const cwd = await repository('hostile')
    const git = createGit({ processes })
    const trap = script('trap.sh', `touch ${join(home, 'trapped')}; cat`)
    mkdirSync(join(cwd, '.git/hooks'), { recursive: true })
    for (const hook of ['pre-commit', 'post-commit', 'post-checkout', 'reference-transaction']) {
      writeFileSync(join(cwd, '.git/hooks', hook), readFileSync(trap))
      chmodSync(join(cwd, '.git/hooks', hook), 0o755)
    }
    const config = `\tfsmonitor = ${trap}\n\taskPass = ${trap}\n\tsshCommand = ${trap}\n\tpager = ${trap}\n`
    const more = `[diff]\n\texternal = ${trap}\n[diff "t"]\n\ttextconv = ${trap}\n[credential]\n\thelper = ${trap}\n[gpg]\n\tprogram = ${trap}\n`
    const sign = '[commit]\n\tgpgSign = true\n'
    writeFileSync(
      join(cwd, '.git/config'),
      `[core]\n\trepositoryformatversion = 0\n${config}${more}${sign}`,
    )
    writeFileSync(join(cwd, 'a.txt'), 'a')
    writeFileSync(join(cwd, '.gitattributes'), '*.txt diff=t')
    await git(['add', '.'], { cwd })
    await git(['commit', '-q', '-m', 'second'], { cwd, env: author })
    writeFileSync(join(cwd, 'a.txt'), 'b')
    await git(['status', '--porcelain'], { cwd })
    expect(await git(['diff'], { cwd })).toContain('-a')
    await git(['log', '-p'], { cwd })
    const url = await serve((_request, response) =>
      response.writeHead(401, { 'WWW-Authenticate': 'Basic' }).end(),
    )
    await expect(git(['fetch', url], { cwd })).rejects.toMatchObject({ code: 'GIT_FAILED' })
    await expect(git(['fetch', 'ssh://127.0.0.1/x.git'], { cwd })).rejects.toMatchObject({
      code: 'GIT_FAILED',
    })
    expect(existsSync(join(home, 'trapped'))).toBe(false)
  })

  it('reads local repositories only where it is allowed', async () => {
    const cwd = await repository('source')
    const git = createGit({ processes })
    for (const from of [cwd, `file://${cwd}`]) {
      await expect(git(['clone', '-q', from, 'refused'], { cwd: home })).rejects.toMatchObject({
        code: 'GIT_FAILED',
        data: { stderr: expect.stringContaining("transport 'file' not allowed") },
      })
    }
    await git(['clone', '-q', cwd, 'allowed'], { cwd: home, allowFile: true })
    expect(existsSync(join(home, 'allowed/.git'))).toBe(true)
  })

  it('takes nothing from the configuration of the user', async () => {
    const env = { ...process.env, HOME: join(home, 'user') }
    mkdirSync(env.HOME)
    writeFileSync(join(env.HOME, '.gitconfig'), '[user]\n\tname = Mallory\n')
    const list = await createGit({ processes, env })(['config', '--list', '--show-scope'], {
      cwd: home,
    })
    expect(list).not.toContain('Mallory')
    expect(list.split('\n').filter((line) => /^(global|system)\t/.test(line))).toEqual([])
  })

  it('ends at its deadline, at an abort and at the limit of its output', async () => {
    const pidFile = join(home, 'slow.pid')
    const gitPath = script('slow-git', `echo $$ > ${pidFile}; sleep 600 & wait`)
    const git = createGit({ processes, gitPath })
    await expect(git(['fetch'], { cwd: home, timeoutMs: 200 })).rejects.toMatchObject({
      code: 'DEADLINE',
    })
    const abort = new AbortController()
    const running = git(['fetch'], { cwd: home, signal: abort.signal })
    await until('the child', 30_000, () => processes.list().length === 1)
    abort.abort()
    await expect(running).rejects.toMatchObject({ code: 'ABORTED' })
    expect(alive(Number(readFileSync(pidFile, 'utf8')))).toBe(false)
    const flood = createGit({ processes, gitPath: script('loud-git', 'yes') })
    await expect(flood(['log'], { cwd: home, maxOutputBytes: 1_000 })).rejects.toMatchObject({
      code: 'TOO_LARGE',
    })
  })
})

describe('a credential', () => {
  it('goes as a header to the server that it is for', async () => {
    const seen: (string | undefined)[] = []
    const answer = (request: IncomingMessage, response: ServerResponse) => {
      seen.push(request.headers.authorization)
      response.writeHead(404).end()
    }
    const [url, other] = [await serve(answer), await serve(answer)]
    const git = createGit({ processes })
    const auth = { url, token }
    await expect(git(['ls-remote', `${url}a.git`], { cwd: home, auth })).rejects.toThrow(
      'not found',
    )
    await expect(git(['ls-remote', `${other}a.git`], { cwd: home, auth })).rejects.toThrow(
      'not found',
    )
    expect(seen).toEqual([`Basic ${encoded}`, undefined])
  })

  it('does not follow a redirect elsewhere', async () => {
    const seen: unknown[] = []
    const thief = await serve((request, response) => {
      seen.push(request.headers)
      response.writeHead(404).end()
    })
    const url = await serve((_request, response) =>
      response
        .writeHead(301, { Location: `${thief}a.git/info/refs?service=git-upload-pack` })
        .end(),
    )
    const git = createGit({ processes })
    await expect(
      git(['ls-remote', `${url}a.git`], { cwd: home, auth: { url, token } }),
    ).rejects.toMatchObject({
      code: 'GIT_FAILED',
    })
    expect(seen).toEqual([])
  })

  it.skipIf(process.platform !== 'linux')('is in no argument of a running git', async () => {
    const gitPath = script('auth-git', 'sleep 600')
    const git = createGit({ processes, gitPath })
    const abort = new AbortController()
    const auth = { url: 'https://git.example/', token }
    const running = git(['push'], { cwd: home, auth, signal: abort.signal })
    const child = await until('the child', 30_000, () => processes.list()[0])
    const environ = () => readFileSync(`/proc/${child.pid}/environ`, 'utf8')
    await until('its environment', 30_000, () => environ().includes(encoded))
    const cmdline = readFileSync(`/proc/${child.pid}/cmdline`, 'utf8')
    expect(cmdline).toContain('push')
    expect(cmdline).not.toContain(token)
    expect(cmdline).not.toContain(encoded)
    expect(child.purpose).toBe('git push')
    abort.abort()
    await expect(running).rejects.toMatchObject({ code: 'ABORTED' })
  })

  it('is in no error, even if git says it or the caller passes it in a URL', async () => {
    const gitPath = script('telling-git', 'env >&2; echo "$@" >&2; exit 9')
    const auth = { url: 'https://git.example/', token }
    const url = `https://x-access-token:${token}@git.example/a.git`
    const error: unknown = await createGit({ processes, gitPath })(['push', url], {
      cwd: home,
      auth,
    }).catch((caught: unknown) => caught)
    expect(error).toMatchObject({ code: 'GIT_FAILED', data: { exitCode: 9 } })
    const text = `${String(error)} ${JSON.stringify(error)} ${(error as Error).stack}`
    expect(text).toContain('git.example')
    expect(text).not.toContain(token)
    expect(text).not.toContain(encoded)
  })
})
