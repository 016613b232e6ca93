/**
 * Runs one child in a container of its own and behaves as the child does: its input, its output, its exit
 * code. Argument: the job as JSON (`spec.ts`). The environment is the child's.
 *
 * TERM goes to the child. HUP, and the end of the agent, remove the container; URG and CONT pause it and
 * let it go on, since a stopped runner would stop nothing. All but HUP and TERM do nothing by
 * default, so that none of them can end a runner that has not begun.
 */
import { execFileSync } from 'node:child_process'
import { lstatSync } from 'node:fs'
import { hostname } from 'node:os'
import { once } from 'node:events'
import { z } from 'zod'
import { decodeJson, explain } from '../../../util/index.ts'
import { engineAt, EngineError, nothing } from './engine.ts'
import { createFrames } from './frames.ts'
import { createBody, jobSchema, type OwnMount } from './spec.ts'

const MAX_JOB_BYTES = 1024 * 1024
/** Between two looks at whether the agent lives, ms. */
const LOOK_MS = 250
const KILLED = 137

const job = decodeJson(process.argv[2] ?? '', {
  what: 'job of a container',
  schema: jobSchema,
  maxBytes: MAX_JOB_BYTES,
})
const engine = engineAt(job.socket)
const agent = process.ppid
let container: string | undefined
let ending = false

const ask = (path: string) =>
  container === undefined
    ? Promise.resolve()
    : engine.call('POST', `/containers/${container}/${path}`, nothing).catch(() => undefined)

/** The first call ends the process, once the container is gone. */
async function end(code: number): Promise<void> {
  if (ending) return
  ending = true
  if (container !== undefined) {
    await engine
      .call('DELETE', `/containers/${container}?force=true&v=true`, nothing)
      .catch(() => undefined)
  }
  process.exit(code)
}

process.on('SIGHUP', () => void end(KILLED))
process.on('SIGTERM', () => void ask('kill?signal=SIGTERM'))
process.on('SIGURG', () => void ask('pause'))
process.on('SIGCONT', () => void ask('unpause'))
setInterval(() => {
  if (process.ppid !== agent) void end(KILLED)
}, LOOK_MS)

const mountsSchema = z.object({
  Mounts: z.array(z.object({ Source: z.string(), Destination: z.string() })),
})

/** Undefined when the agent is not in a container of this engine. */
async function ownMounts(): Promise<OwnMount[] | undefined> {
  try {
    const { Mounts } = await engine.call('GET', `/containers/${hostname()}/json`, mountsSchema)
    return Mounts.map(({ Source: source, Destination: destination }) => ({ source, destination }))
  } catch (error) {
    if (error instanceof EngineError && error.status === 404) return undefined
    throw error
  }
}

/** The first time a task's directories are given to the user of its container. */
function own(uid: number): void {
  for (const path of job.write) {
    if (lstatSync(path).isDirectory() && lstatSync(path).uid !== uid) {
      execFileSync('chown', ['-Rh', `${uid}:${uid}`, '--', path])
    }
  }
}

async function run(): Promise<number> {
  if (job.own !== undefined) own(job.own)
  const env = { ...process.env } as Record<string, string>
  const body = createBody(job, env, await ownMounts())
  const { Id } = await engine.call('POST', '/containers/create', z.object({ Id: z.string() }), body)
  container = Id
  const stream = await engine.attach(Id)
  stream.on('data', (chunk: Buffer) => frames(chunk))
  const frames = createFrames((to, chunk) => {
    if (process[to].write(chunk)) return
    stream.pause()
    process[to].once('drain', () => stream.resume())
  })
  const exited = engine.wait(Id)
  await engine.call('POST', `/containers/${Id}/start`, nothing)
  process.stdin.pipe(stream)
  process.stdin.on('error', () => undefined)
  stream.on('error', () => undefined)
  const [code] = await Promise.all([exited, once(stream, 'close').catch(() => undefined)])
  return code
}

try {
  await end(await run())
} catch (error) {
  if (!ending) {
    process.stderr.write(`The sandbox could not be made: ${explain(error)}\n`)
    await end(125)
  }
}
