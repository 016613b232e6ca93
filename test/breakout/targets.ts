/** What there is to be stolen, and who notices that it was. */
import { spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

export interface Targets {
  /** Above all of it. */
  dir: string
  home: string
  /** In every secret. */
  canary: string
  /** For `hostile.mjs`. */
  given: Record<string, string | number>
  /** What was reached, as those who were reached saw it. */
  noticed: string[]
  close(): Promise<void>
}

/** A process with the canary in its environment stands for the agent. */
export async function plant(): Promise<Targets> {
  const dir = mkdtempSync(join(tmpdir(), 'bzzz-breakout-'))
  const home = join(dir, 'home')
  const canary = `canary-${Math.random().toString(36).slice(2)}`
  const noticed: string[] = []
  const put = (path: string) => {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    writeFileSync(path, `${canary}\n`, { mode: 0o600 })
    return path
  }
  const other = put(join(home, 'work/octo-lib-1-1-other/clone/secret.txt'))
  for (const name of ['identity.key', 'mesh.key']) put(join(home, name))
  const token = put(join(dir, 'token'))
  const userFile = put(join(dir, 'user/.ssh/id_ed25519'))
  mkdirSync(join(home, 'run'), { mode: 0o700 })
  const api = join(home, 'run/agent.sock')
  const abstract = `bzzz-${canary}`
  const agent = spawn('sleep', ['600'], { env: { ...process.env, TOKEN: canary }, stdio: 'ignore' })

  const listen = async (what: string, where: { path: string } | { port: number; host: string }) => {
    const server = createServer((socket) => {
      noticed.push(what)
      socket.destroy()
    })
    await new Promise<void>((resolve) => server.listen(where, resolve))
    return server
  }
  const servers: Server[] = [
    await listen('API socket', { path: api }),
    await listen('loopback of the agent', { port: 0, host: '127.0.0.1' }),
  ]
  if (process.platform === 'linux')
    servers.push(await listen('abstract socket', { path: `\0${abstract}` }))
  const udp = createSocket('udp4').on('message', () => noticed.push('datagram'))
  await new Promise<void>((resolve) => udp.bind(0, '127.0.0.1', resolve))
  const { port } = servers[1]!.address() as AddressInfo
  const where = { home, token, userFile, other, api, abstract }
  return {
    dir,
    home,
    canary,
    given: { ...where, port, udp: udp.address().port, pid: agent.pid ?? 0, canary },
    noticed,
    async close() {
      agent.kill('SIGKILL')
      udp.close()
      await Promise.all(servers.map((one) => new Promise((resolve) => one.close(resolve))))
      rmSync(dir, { recursive: true, force: true })
    },
  }
}
