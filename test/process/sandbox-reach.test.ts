/** What a sandbox does reach: the proxy and the sockets that are named, files of root that are to be read. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createServer as createSocket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createProcesses, type Processes, type SandboxRequest } from '../../src/process/index.ts'
import { nullLogger } from '../../src/util/index.ts'
import { shell } from './support.ts'

const backends = ['bubblewrap', 'landlock'] as const

describe.skipIf(process.platform !== 'linux').each(backends)('a child in %s', (backend) => {
  let home: string
  let clone: string
  let tmp: string
  let processes: Processes
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'bzzz-reach-'))
    clone = join(home, 'work', 'clone')
    tmp = join(home, 'work', 'tmp')
    for (const path of [clone, tmp]) mkdirSync(path, { recursive: true })
    processes = createProcesses({ stateDir: home, logger: nullLogger, sandbox: backend })
  })
  afterEach(async () => {
    await processes.stop()
    rmSync(home, { recursive: true, force: true })
  })

  const run = (script: string, more: Partial<SandboxRequest>) =>
    processes.run(
      shell(script, {
        cwd: clone,
        env: { PATH: process.env['PATH'] ?? '', TMPDIR: tmp, NODE: process.execPath },
        sandbox: { read: [], write: [clone, tmp], ...more },
      }),
    )

  const test = (name: string, body: () => Promise<void>) =>
    it(name, async (context) => {
      const { kind, why } = await processes.prepare()
      if (kind !== backend) return context.skip(`${backend} does not work here: ${why}`)
      await body()
    })

  test('reaches hosts by the proxy, and by nothing else', async () => {
    const asked: string[] = []
    const proxy = join(home, 'proxy.sock')
    const server = createServer((_, response) => {
      response.end('by the proxy')
    })
    server.on('connect', ({ url = '' }, socket) => {
      asked.push(url)
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      server.emit('connection', socket)
    })
    await new Promise<void>((resolve) => server.listen(proxy, resolve))
    const fetching = `fetch("http://named.test/x").then(async (r) => console.log(await r.text()))`
    const direct = `fetch("http://127.0.0.1:8123/").catch((e) => console.log(e.cause.code ?? e.cause.message))`
    const exit = await run(
      `"$NODE" -e '${fetching}'; env -u HTTP_PROXY -u http_proxy "$NODE" -e '${direct}'; exit 5`,
      {
        network: { proxy },
      },
    )
    server.close()
    expect(exit.stdout.split('\n')[0], exit.tail).toBe('by the proxy')
    expect(exit.stdout.split('\n')[1]).toMatch(/ECONNREFUSED|EACCES/)
    expect(exit).toMatchObject({ reason: 'exited', exitCode: 5 })
    expect(asked).toEqual(['named.test:80'])
  })

  it.skipIf(backend !== 'bubblewrap' || process.getuid?.() !== 0)(
    'has a name, since programs ask for it',
    async (context) => {
      const { kind, why } = await processes.prepare()
      if (kind !== backend) return context.skip(`${backend} does not work here: ${why}`)
      const exit = await run(`"$NODE" -p 'os.userInfo().username'; id -un`, {})
      expect(exit.stdout, exit.tail).toBe('bzzz\nbzzz\n')
    },
  )

  test('connects to a socket that is named', async () => {
    const socket = join(home, 'help.sock')
    const server = createSocket((one) => one.end('help'))
    await new Promise<void>((resolve) => server.listen(socket, resolve))
    const code = `require("net").connect(process.argv[1]).on("data", (d) => console.log(String(d))).on("error", (e) => console.log(e.code))`
    const script = `"$NODE" -e '${code}' ${socket}`
    expect((await run(script, { sockets: [socket] })).stdout).toBe('help\n')
    expect((await run(script, {})).stdout).toMatch(/ENOENT|EACCES/)
    server.close()
  })

  test('reads what is named, also below what is hidden, and cannot write it', async () => {
    const named = join(home, 'named')
    mkdirSync(named)
    writeFileSync(join(named, 'file'), 'here')
    writeFileSync(join(home, 'beside'), 'not here')
    const script = `cat ${named}/file; cat ${home}/beside; echo x >${named}/file; ls ${home}/work`
    const { stdout } = await run(script, { read: [home, named] })
    expect(stdout).toMatch(/^here/)
    expect(stdout).not.toContain('not here')
    expect((await run(`cat ${named}/file`, { read: [named] })).stdout).toBe('here')
  })

  test('finds the programs of its PATH', async () => {
    const { stdout, tail } = await run('node --version; git --version', {})
    expect(stdout, tail).toMatch(/^v\d+[^]*git version/)
  })
})

describe('without a sandbox', () => {
  it('nothing is run, and the refusal says what to do; with `off` it is', async () => {
    const home = mkdtempSync(join(tmpdir(), 'bzzz-reach-'))
    const sandbox = { read: [], write: [home] }
    const none = createProcesses({ stateDir: home, logger: nullLogger, sandbox: 'landlock' })
    const early = await none.spawn(shell('echo ran', { cwd: home, sandbox })).exit
    expect(early).toMatchObject({ reason: 'refused', stdout: '' })
    expect(early.tail).toContain('sandbox')
    const off = createProcesses({ stateDir: home, logger: nullLogger, sandbox: 'off' })
    expect(await off.prepare()).toMatchObject({ kind: 'none', off: true })
    expect(await off.run(shell('echo ran', { cwd: home, sandbox }))).toMatchObject({
      reason: 'exited',
      stdout: 'ran\n',
    })
    await Promise.all([none.stop(), off.stop()])
    rmSync(home, { recursive: true, force: true })
  })
})
