/**
 * Leads connections on the sandbox's loopback to the unix socket of a proxy, since programs know
 * proxies by host and port only. Arguments:
 *
 *   run SOCKET PROGRAM ARGUMENT …   listens, runs the program with HTTP(S)_PROXY, ends with it
 *   fd SOCKET                       takes over the listening socket that is descriptor 3
 */
import { spawn } from 'node:child_process'
import { connect, createServer, type AddressInfo } from 'node:net'
import { constants } from 'node:os'

/** Connections at once: more than a program opens to one proxy. */
const MAX_CONNECTIONS = 256
const HOST = '127.0.0.1'
const NAMES = ['HTTP_PROXY', 'HTTPS_PROXY', 'http_proxy', 'https_proxy']
/** Servers within the sandbox are reached directly; Node's own client obeys only when told to. */
const BESIDE = { NO_PROXY: 'localhost,127.0.0.1,::1', NODE_USE_ENV_PROXY: '1' }

const [mode, socket = '', file = '', ...args] = process.argv.slice(2)

const server = createServer({ allowHalfOpen: true }, (inner) => {
  const outer = connect({ path: socket, allowHalfOpen: true })
  inner.on('error', () => outer.destroy())
  outer.on('error', () => inner.destroy())
  // When one side is gone for good, what it sent is still delivered.
  inner.on('close', () => outer.destroySoon())
  outer.on('close', () => inner.destroySoon())
  inner.pipe(outer).pipe(inner)
})
server.maxConnections = MAX_CONNECTIONS

if (mode === 'fd') server.listen({ fd: 3 })
else server.listen(0, HOST, run)

function run(): void {
  // The program's group gets it, too, and this ends with the program.
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined)
  const { port } = server.address() as AddressInfo
  const proxies = Object.fromEntries(NAMES.map((name) => [name, `http://${HOST}:${port}`]))
  const child = spawn(file, args, {
    env: { ...process.env, ...BESIDE, ...proxies },
    stdio: 'inherit',
  })
  child.on('error', (error: NodeJS.ErrnoException) => {
    process.stderr.write(`${file} could not be started: ${error.code ?? 'for no known reason'}\n`)
    process.exit(error.code === 'ENOENT' ? 127 : 126)
  })
  child.on('exit', (code, signal) => {
    process.exit(code ?? 128 + (signal === null ? 0 : constants.signals[signal]))
  })
}
