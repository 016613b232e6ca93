/**
 * The yardstick of healing: a TCP connection that is made again as simply as can be. It sends a byte
 * every `everyMs`; when nothing comes back for `silentMs` it connects anew, again and again until that
 * works. Prints `up` and `down`.
 *
 *   node tcp-loop.ts listen PORT
 *   node tcp-loop.ts connect PORT HOST
 */
import { createConnection, createServer } from 'node:net'

/** As an agent does: a probe every 4 s that is given up after 5 s; and dials every 3 s. */
const everyMs = 4_000
const silentMs = 5_000
const dialMs = 3_000

const [how, port, host] = process.argv.slice(2)

function listen(): void {
  createServer((socket) => socket.on('error', () => undefined).pipe(socket)).listen(Number(port))
}

function connect(): void {
  const began = performance.now()
  const socket = createConnection({ port: Number(port), host: host ?? '127.0.0.1' })
  let up = false
  let beat: NodeJS.Timeout | undefined
  let silence: NodeJS.Timeout | undefined
  socket.setTimeout(dialMs, () => socket.destroy())
  socket.on('connect', () => {
    // Node counts what is sent as activity, too: silence is for a timer of our own.
    socket.setTimeout(0)
    const send = () => {
      socket.write('x')
      silence = setTimeout(() => socket.destroy(), silentMs)
    }
    send()
    beat = setInterval(send, everyMs)
  })
  socket.on('data', () => {
    clearTimeout(silence)
    if (!up) console.log('up')
    up = true
  })
  socket.on('error', () => undefined)
  socket.on('close', () => {
    clearInterval(beat)
    clearTimeout(silence)
    if (up) console.log('down')
    setTimeout(connect, Math.max(0, dialMs - (performance.now() - began)))
  })
}

if (how === 'listen') listen()
else connect()
