/**
 * All benchmarks, one after the other, each a process of its own, or those that are named. Ends
 * within eleven minutes: what has not ended then is asked to stop, and counts as failed.
 *
 *   npm run bench
 *   npm run bench -- calls takeover
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

const all = [
  'status-start',
  'journal-append',
  'acp-events',
  'memory',
  'mesh-start',
  'mesh-gossip',
  'mesh-idle',
  'heal',
  'issue-to-pull',
  'claim-latency',
  'takeover',
  'checkpoint',
  'calls',
  'sandbox-start',
  'help',
]
/** Only when they are named: each takes minutes. */
const named = ['journal-replicate', 'journal-live', 'journal-scale', 'soak']
const totalMs = 630_000
/** From asking a benchmark to stop to ending it, ms. */
const graceMs = 30_000

const asked = process.argv.slice(2)
const unknown = asked.filter((name) => ![...all, ...named].includes(name))
if (unknown.length > 0) {
  process.stderr.write(
    `no benchmark ${unknown.join(', ')}; there are ${[...all, ...named].join(', ')}\n`,
  )
  process.exit(2)
}
const names = asked.length === 0 ? all : [...all, ...named].filter((name) => asked.includes(name))

const limit = AbortSignal.timeout(totalMs)
const failed: string[] = []
const began = performance.now()
let interrupted = false

for (const name of names) {
  if (limit.aborted || interrupted) {
    failed.push(name)
    continue
  }
  const child = spawn(process.execPath, [join(import.meta.dirname, `${name}.ts`)], {
    stdio: 'inherit',
  })
  let kill: NodeJS.Timeout | undefined
  const stop = () => {
    child.kill('SIGTERM')
    kill = setTimeout(() => child.kill('SIGKILL'), graceMs)
  }
  const onSignal = () => {
    interrupted = true
    stop()
  }
  limit.addEventListener('abort', stop, { once: true })
  process.once('SIGINT', onSignal)
  process.once('SIGTERM', onSignal)
  const [code] = (await once(child, 'exit')) as [number | null]
  clearTimeout(kill)
  limit.removeEventListener('abort', stop)
  process.off('SIGINT', onSignal)
  process.off('SIGTERM', onSignal)
  if (code !== 0) failed.push(name)
}

const seconds = Math.round((performance.now() - began) / 1_000)
const end = failed.length === 0 ? 'all measured' : `not measured: ${failed.join(', ')}`
console.log(`\n${end}, in ${seconds} s; numbers in bench/results/*.json`)
process.exitCode = interrupted ? 130 : failed.length === 0 ? 0 : 1
