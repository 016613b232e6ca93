/**
 * One child: a guest with an owner, a group of its own, a limit on time and output, and an end
 * that takes everything it started along.
 *
 *   running ──exit──────────────────────────────► reaping ──► gone
 *      └──timeout, abort, output limit, stop──► ending ─exit─┘
 *
 * While its permit is frozen, it and all that it started are stopped in place (`freeze.ts`). What ends
 * then is killed at once: a grace would let it run without leave.
 *
 * node:child_process, not execa: execa's timeout, cancel and buffer limit act on one process, and
 * here each must act on a group, with streaming hashes, an exact environment and a search for
 * what escaped; nothing of it would remain in use, and importing it costs 60 to 120 ms.
 */
import type { ChildProcess } from 'node:child_process'
import { PassThrough, Transform, type Readable } from 'node:stream'
import { standing, unlimited } from '../util/index.ts'
import type { Child, ChildContext } from './child-context.ts'
import { createFreezing } from './freeze.ts'
import { createGuard } from './guard.ts'
import { Output } from './output.ts'
import { MARK, type ProcessRow } from './proc-fs.ts'
import { notStarted } from './not-started.ts'
import { locate } from './program.ts'
import { findRemains, reap, signalTo, type Reaping } from './reap.ts'
import { fullLimits } from './sandbox/limits.ts'
import type { Launch } from './sandbox/plan.ts'
import { kill, spawnBy, warn } from './sandbox/spawning.ts'
import type { ExceededLimit, Exit, SpawnRequest } from './types.ts'

const DEFAULT_MAX_OUTPUT_BYTES = 16 * 1024 * 1024
const DEFAULT_KEEP_BYTES = 64 * 1024
const DEFAULT_GRACE_MS = 3_000
/** What a child left behind gets this long, ms, between TERM and KILL (less if its own grace is shorter). */
const LEFTOVER_GRACE_MS = 500
/** After KILL, ms: longer only if the kernel holds the process. */
const KILLED_MS = 5_000
/** For the last bytes in the pipes once no writer is left, ms. */
const DRAIN_MS = 1_000
/** The same where somebody reads at his own pace and the child ended by itself, ms. */
const READER_MS = 60_000

type State =
  | { is: 'running' }
  | { is: 'ending'; reason: Exit['reason']; since: number; graceMs: number }
  | { is: 'exited' }

export function startChild(request: SpawnRequest, context: ChildContext): Child {
  const { clock, logger } = context
  const { keepBytes = DEFAULT_KEEP_BYTES, lease = true, permit = unlimited } = request
  const startedAt = clock.now()
  const began = clock.monotonic()
  let state: State = { is: 'running' }
  let exceeded: ExceededLimit | undefined
  const output = new Output({
    maxBytes: request.maxOutputBytes ?? DEFAULT_MAX_OUTPUT_BYTES,
    keepBytes,
    collect: !context.open,
    onLimit: () => end('output-limit'),
  })

  const failed = (reason: 'not-found' | 'failed' | 'refused', why: string): Child => {
    const durationMs = clock.monotonic() - began
    context.onGone(true)
    const exit = { reason, durationMs, ...output.result(), tail: why }
    return { ...notStarted(exit), startedAt, purpose: request.purpose, end: () => undefined }
  }

  if (context.refusal !== undefined) return failed('refused', context.refusal)
  const elsewhere = context.launcher?.ownPrograms === true
  const file = elsewhere
    ? request.file
    : locate(request.file, request.env['PATH'] ?? '', request.cwd)
  if (file === undefined) {
    return failed('not-found', `${request.file} was not found on the PATH it was given.`)
  }
  let child: ChildProcess
  let launch: Launch | undefined
  try {
    launch = context.launcher?.launch([file, ...request.args])
    child = spawnBy(launch, {
      file,
      name: request.file,
      args: request.args,
      cwd: request.cwd,
      env: { ...request.env, [MARK]: `${context.outerMark}/${context.id}` },
      stdin: context.open || request.input !== undefined ? 'pipe' : 'ignore',
    })
  } catch (error) {
    return failed('failed', error instanceof Error ? error.message : String(error))
  }
  const { pid, stdout, stderr } = child
  const exited = Promise.withResolvers<{ code: number | null; signal: string | null }>()
  child.once('exit', (code, signal) => exited.resolve({ code, signal }))
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()))
  /** All output was counted, or nobody is going to read it. */
  const counted = Promise.withResolvers<void>()
  if (pid === undefined || stdout === null || stderr === null) {
    // Its one error event comes later and says no more than this.
    child.on('error', () => undefined)
    return failed('failed', `${request.file} could not be started in ${request.cwd}.`)
  }
  child.on('error', (error) => logger.warn({ pid, error: error.message }, 'child process error'))
  context.onStarted(pid)

  const reaping: Reaping = { marks: [context.id], groups: [pid], known: new Map(), graceMs: 0 }
  const warnAll = (rows: ProcessRow[]) => warn(launch, pid, rows)
  const killAll = () => kill(launch, pid)
  const groupLives = () => signalTo(process.platform === 'win32' ? pid : -pid, 0)

  const freezing = createFreezing(reaping, pid, launch?.pause)
  const guard = createGuard(pid, {
    env: { [MARK]: context.guardMark },
    clock,
    ...(launch?.pause && { signal: launch.pause.freeze }),
  })

  function end(reason: Exit['reason']): void {
    if (state.is !== 'running') return
    // What uses too much would go on with it.
    const atOnce = reason === 'limit' || permit.frozen || freezing.held
    const graceMs = atOnce ? 0 : (request.graceMs ?? DEFAULT_GRACE_MS)
    freezing.end()
    guard.end()
    state = { is: 'ending', reason, since: clock.monotonic(), graceMs }
    if (reason === 'output-limit') {
      stdout?.destroy()
      stderr?.destroy()
    }
    void terminate(graceMs)
  }

  /** TERM goes to the group only: a nested agent ends its own children in its own order. */
  async function terminate(graceMs: number): Promise<void> {
    const rows = lease || launch !== undefined ? await findRemains(reaping) : []
    if (state.is === 'exited') return
    if (graceMs > 0) warnAll(rows)
    else killAll()
    const cancelKill = clock.after(graceMs, killAll)
    const cancelWait = clock.after(graceMs + KILLED_MS, () =>
      exited.resolve({ code: null, signal: 'SIGKILL' }),
    )
    await exited.promise
    cancelKill()
    cancelWait()
  }

  async function live(): Promise<Exit> {
    const how = await exited.promise
    const was = state
    const ended = was.is === 'ending' ? was.reason : how.signal === null ? 'exited' : 'signalled'
    state = { is: 'exited' }
    freezing.end()
    guard.end()
    const last = use?.end()
    cancelTimeout()
    unwatch()
    request.signal?.removeEventListener('abort', onAbort)
    const clean = await reapRemains(was)
    exceeded ??= await last
    const byItself = ended === 'exited' || ended === 'signalled'
    const reason = byItself && exceeded !== undefined ? 'limit' : ended
    await drained(context.open && reason === 'exited' ? READER_MS : DRAIN_MS)
    const exit: Exit = { reason, durationMs: clock.monotonic() - began, ...output.result() }
    if (how.code !== null) exit.exitCode = how.code
    if (how.signal !== null) exit.signal = how.signal
    if (reason === 'limit' && exceeded !== undefined) exit.exceeded = exceeded
    context.onGone(clean)
    return exit
  }

  /** The group had its TERM when the child was told to end; then the rest of that grace is left. */
  async function reapRemains(was: State): Promise<boolean> {
    if (!lease && !groupLives()) return true
    const told = was.is === 'ending'
    const graceMs = told ? was.graceMs : permit.frozen ? 0 : LEFTOVER_GRACE_MS
    const left = told ? was.since + graceMs - clock.monotonic() : graceMs
    const { ended, remains } = await reap({
      ...reaping,
      graceMs: Math.max(0, Math.min(left, request.graceMs ?? DEFAULT_GRACE_MS)),
      warned: (row) => told && row.group === pid,
    })
    if (ended > 0)
      logger.debug({ pid, purpose: request.purpose, ended }, 'ended what a child left behind')
    if (remains) logger.warn({ pid, purpose: request.purpose }, 'a child cannot be ended')
    return !remains
  }

  async function drained(ms: number): Promise<void> {
    let cancel = () => {}
    const late = new Promise<void>((resolve) => {
      cancel = clock.after(ms, resolve)
    })
    await Promise.race([Promise.all([closed, counted.promise]), late])
    cancel()
    stdout?.destroy()
    stderr?.destroy()
  }

  const cancelTimeout = standing(clock, permit).after(request.timeoutMs, () => end('timeout'))
  const obey = () => {
    const due = guard.isDue()
    // First the guard: it must not stop what is let go on now.
    if (permit.frozen) guard.end()
    else guard.set(permit.until - clock.monotonic())
    freezing.set(permit.frozen, due)
  }
  const { sandbox } = request
  const use =
    sandbox === undefined
      ? undefined
      : context.watching.watch({
          pid,
          limits: context.launcher?.plan.limits ?? fullLimits(sandbox.limits),
          write: sandbox.write,
          pause: launch?.pause,
          hold(held) {
            // In its grace nobody waits for a count.
            if (held && state.is === 'ending') killAll()
            else freezing.hold(held)
          },
          onExceeded(limit) {
            exceeded = limit
            if (state.is === 'ending') killAll()
            else end('limit')
          },
        })
  const unwatch = permit.watch(obey)
  obey()
  const onAbort = () => end('aborted')
  request.signal?.addEventListener('abort', onAbort, { once: true })
  stderr.on('data', (chunk: Buffer) => output.take('stderr', chunk))
  stdout.on('error', onPipeError)
  stderr.on('error', onPipeError)
  child.stdin?.on('error', onPipeError)
  let readable: Readable = stdout
  if (context.open) {
    const meter = new Transform({
      transform: (chunk: Buffer, _encoding, done) => done(null, output.take('stdout', chunk)),
    })
    stdout.on('close', () => meter.end())
    // What the pipe gave may still wait in the meter for a slow reader.
    meter.on('finish', () => counted.resolve())
    readable = stdout.pipe(meter)
  } else {
    counted.resolve()
    stdout.on('data', (chunk: Buffer) => output.take('stdout', chunk))
    child.stdin?.end(request.input)
  }
  const exit = live()
  if (request.signal?.aborted === true) end('aborted')

  return {
    pid,
    startedAt,
    purpose: request.purpose,
    stdin: child.stdin ?? new PassThrough(),
    stdout: readable,
    stderr,
    exit,
    end,
    stop: (why) => {
      if (state.is === 'running') logger.debug({ pid, why }, 'stopping a child')
      end('aborted')
      // Whoever stops a child that has ended reads no more of it.
      if (state.is === 'exited') {
        stdout.destroy()
        counted.resolve()
      }
      return exit
    },
  }

  /** A pipe whose other end is gone is the child's way of ending, not a fault here. */
  function onPipeError(error: Error): void {
    logger.debug({ pid, error: error.message }, 'pipe to a child closed')
  }
}
