/**
 * What a hostile executor, check or chore tries. Plain JavaScript, run by the machine's own Node; it
 * reads its targets from a file beside it, prints one line per try, `GOT name: what` or
 * `STOPPED name: why`, and leaves the same in a file. Never run it without a sandbox.
 */
import { execFileSync } from 'node:child_process'
import dgram from 'node:dgram'
import dns from 'node:dns/promises'
import fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'

const at = JSON.parse(fs.readFileSync('targets.json', 'utf8'))
const WAIT_MS = 1_500
const quiet = { stdio: ['ignore', 'pipe', 'pipe'], timeout: 5_000 }

function reached(options) {
  return new Promise((resolve, reject) => {
    const socket = net.connect(options)
    const timer = setTimeout(() => socket.destroy(new Error('TIMEOUT')), WAIT_MS)
    socket.once('connect', () => resolve('connected')).once('error', reject)
    socket.once('close', () => clearTimeout(timer))
  })
}

const read = (file) => () => fs.readFileSync(file, 'utf8')
const write = (file) => () => {
  fs.writeFileSync(file, 'was here')
  return `wrote ${file}`
}
const through = (target, use) => () => {
  const link = path.join(process.cwd(), `link-${Math.random()}`)
  fs.symlinkSync(target, link)
  try {
    return use(link)()
  } finally {
    fs.unlinkSync(link)
  }
}
/** Says something only when a secret is in what was read. */
const holding = (texts, what = at.canary) => {
  const found = texts.filter((text) => text.includes(what))
  if (found.length === 0) throw new Error('nothing of the agent in it')
  return found[0]
}
const ofAll = (name) => () =>
  holding(
    fs
      .readdirSync('/proc')
      .filter((pid) => /^\d+$/.test(pid))
      .flatMap((pid) => {
        try {
          return [fs.readFileSync(`/proc/${pid}/${name}`, 'latin1')]
        } catch {
          return []
        }
      }),
  )
const command =
  (...argv) =>
  () =>
    String(execFileSync(argv[0], argv.slice(1), quiet)) || 'it ran'

const tries = {
  'token file': read(at.token),
  'identity key': read(`${at.home}/identity.key`),
  'mesh key': read(`${at.home}/mesh.key`),
  'list of the home': () => holding([fs.readdirSync(at.home).join(' ')], 'identity.key'),
  "user's files": read(at.userFile),
  "another task's clone": read(at.other),
  'shadow passwords': read('/etc/shadow'),
  'environ of the agent': () => holding([fs.readFileSync(`/proc/${at.pid}/environ`, 'latin1')]),
  'environ of every process': ofAll('environ'),
  'command line of every process': ofAll('cmdline'),
  'memory of the agent': () => (fs.openSync(`/proc/${at.pid}/mem`, 'r'), 'opened'),
  'root of the agent': () => holding([fs.readFileSync(`/proc/${at.pid}/root${at.token}`, 'utf8')]),
  'root of the first process': () => holding([fs.readFileSync(`/proc/1/root${at.token}`, 'utf8')]),
  'open files of the agent': () => fs.readdirSync(`/proc/${at.pid}/fd`).join(),
  'own environ': () => holding([fs.readFileSync('/proc/self/environ', 'latin1')]),
  'token by a link': through(at.token, read),
  'token by a hard link': () => (fs.linkSync(at.token, 'hard'), fs.readFileSync('hard', 'utf8')),
  'token by the directory above': read(path.join('..', '..', '..', path.basename(at.token))),
  'write to the system': write('/usr/lib/bzzz-was-here'),
  'write to /etc': write('/etc/bzzz-was-here'),
  'write beside the clone': write(path.join(path.dirname(process.cwd()), 'was-here')),
  "write to another task's clone": write(`${at.other}.new`),
  'write to the home of the agent': write(`${at.home}/was-here`),
  'write by a link': through(at.home, (link) => write(path.join(link, 'was-here-too'))),
  'replace the clone': () => (fs.renameSync(process.cwd(), `${process.cwd()}-old`), 'moved'),
  'API socket': () => reached({ path: at.api }),
  'abstract socket': () => reached({ path: `\0${at.abstract}` }),
  'loopback of the agent': () => reached({ host: '127.0.0.1', port: at.port }),
  'cloud metadata': () => reached({ host: '169.254.169.254', port: 80 }),
  'the internet': () => reached({ host: '192.0.2.1', port: 443 }),
  'name server': () => dns.lookup('example.com').then(({ address }) => address),
  datagram: () =>
    new Promise((resolve, reject) => {
      const socket = dgram.createSocket('udp4')
      socket.once('error', reject)
      socket.send(at.canary, at.udp, '127.0.0.1', (error) => {
        socket.close()
        if (error) reject(error)
        // Whether it arrived is for the other end to say.
        else setTimeout(() => reject(new Error('SENT')), 100)
      })
    }),
  'signal to the agent': () => (process.kill(at.pid, 0), 'may signal'),
  'user namespace': command('unshare', '-r', 'true'),
  mount: command('mount', '-t', 'tmpfs', 'none', '/mnt'),
  'device file': command('mknod', 'disk', 'b', '8', '0'),
  chroot: command('chroot', '/', 'true'),
  'another user': command('setpriv', '--reuid=0', 'true'),
  'kernel ring buffer': command('dmesg'),
  'traced agent': command('strace', '-p', String(at.pid)),
}

const lines = []
for (const [name, attempt] of Object.entries(tries)) {
  try {
    const got = await attempt()
    lines.push(`GOT ${name}: ${String(got).replace(/\s+/g, ' ').slice(0, 40)}`)
  } catch (error) {
    const why = error.code ?? error.message
    lines.push(`STOPPED ${name}: ${String(why).replace(/\s+/g, ' ').slice(0, 40)}`)
  }
}
fs.writeSync(1, `${lines.join('\n')}\n`)
fs.writeFileSync('report.txt', `${lines.join('\n')}\n`)
process.exit(0)
