/**
 * An agent in small for the benchmark of sandboxes: runs one child that stays, prints the pids of all that
 * this started as JSON, and waits to be killed. Arguments: state directory, sandbox.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { createProcesses, type SandboxChoice } from '../../src/process/index.ts'
import { familyOf, listProcesses, markOf } from '../../src/process/proc-fs.ts'
import { nullLogger } from '../../src/util/index.ts'

const [stateDir = '', sandbox = 'off'] = process.argv.slice(2)
const processes = createProcesses({
  stateDir,
  logger: nullLogger,
  sandbox: sandbox as SandboxChoice,
})
await processes.prepare()
const clone = join(stateDir, 'clone')
mkdirSync(clone, { recursive: true })
const guest = processes.spawn({
  file: '/bin/sh',
  args: ['-c', '(setsid sleep 600 &); echo ready; sleep 600'],
  cwd: clone,
  env: { PATH: process.env['PATH'] ?? '' },
  purpose: 'benchmark',
  timeoutMs: 600_000,
  sandbox: { read: [], write: [clone] },
})
await new Promise((resolve) => guest.stdout.once('data', resolve))
const rows = await listProcesses()
const family = familyOf(rows, guest.pid).map(({ pid }) => pid)
// Without a sandbox the daemon is nobody's child; its mark finds it.
const mark = markOf(guest.pid)
const marked = rows.map(({ pid }) => pid).filter((pid) => mark !== '' && markOf(pid) === mark)
process.stdout.write(`${JSON.stringify([...new Set([...family, ...marked])])}\n`)
