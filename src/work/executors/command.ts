/**
 * Runs a chore that the repository declares: one program with arguments, no shell, no secrets in
 * its environment. What to run was decided before (chore.ts); this only runs it.
 */
import { lchown, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Exit } from '../../process/index.ts'
import { BoundedQueue } from '../../util/index.ts'
import { cutEnd, keepEnd, oneLine, visible } from '../clean.ts'
import type { CommandConfig } from '../config.ts'
import { childEnvironment } from '../environment.ts'
import type { ChildSettings } from '../executor-settings.ts'
import {
  MAX_SUMMARY_BYTES,
  MAX_WAITING_EVENTS,
  NO_OUTPUT,
  type Control,
  type Executor,
  type ExecutorEvent,
  type ExecutorTask,
  type Place,
  type TurnResult,
} from '../executor.ts'
import { sandboxFor } from '../sandbox.ts'
import { reachTools } from '../tools/reach.ts'

const SUMMARY_TAIL_BYTES = 2 * 1024
/** Exit code (EX_TEMPFAIL of sysexits.h) with which a command asks for help, if it also says what. */
const ASKS_EXIT = 75
/** The question is what follows the last such line of stdout. */
const ASKS_LINE = /^bzzz-ask:[ \t]*/gm
const MAX_QUESTION = 4_000

export function createCommandExecutor(config: CommandConfig, settings: ChildSettings): Executor {
  return {
    name: config.name,
    kind: 'command',
    models: [],
    capabilities: { turns: false, permissions: false, usage: false },
    detect: async () => ({}),
    start: (task, place, { signal, permit }) => {
      const events = new BoundedQueue<ExecutorEvent>(MAX_WAITING_EVENTS)
      const stopping = new AbortController()
      const onAbort = () => stopping.abort()
      signal.addEventListener('abort', onAbort, { once: true })
      if (signal.aborted) onAbort()
      const control = { signal: stopping.signal, permit }
      const result = runChore(config, settings, task, place, control)
        .then((turn) => {
          if (turn.summary !== '') events.push({ type: 'text', text: turn.summary })
          return turn
        })
        .finally(() => {
          signal.removeEventListener('abort', onAbort)
          events.close()
        })
      return {
        events,
        result,
        stop: async () => {
          stopping.abort()
          await result
        },
      }
    },
  }
}

async function runChore(
  config: CommandConfig,
  settings: ChildSettings,
  task: ExecutorTask,
  place: Place,
  { signal, permit }: Control,
): Promise<TurnResult> {
  const { processes, path, variables, sandbox } = settings
  const { chore, limits } = task
  if (chore === undefined) {
    return { outcome: 'failed', reason: 'No chore.', durationMs: 0, summary: '', output: NO_OUTPUT }
  }
  const [file, ...args] = chore.command
  const stopped: TurnResult = {
    outcome: 'aborted',
    reason: 'It was stopped.',
    durationMs: 0,
    summary: '',
    output: NO_OUTPUT,
  }
  if (signal.aborted) return stopped
  try {
    const tools = await reachTools(place, settings)
    const exit = await processes.run({
      file,
      args,
      cwd: place.clone,
      env: {
        ...childEnvironment({
          path,
          home: place.home,
          tmp: place.tmp,
          ceiling: place.root,
          pass: config.passEnv,
          from: variables,
        }),
        ...tools.env,
        ...(await textsFor(task, place)),
      },
      purpose: `chore ${chore.name} of ${task.label}`,
      timeoutMs: limits.wallTimeMs,
      maxOutputBytes: limits.maxOutputBytes,
      graceMs: limits.graceMs,
      sandbox: sandboxFor({ place, settings: sandbox, read: tools.read, sockets: tools.sockets }),
      signal,
      permit,
    })
    return {
      ...(asks(exit) ?? outcomeOf(exit, limits.wallTimeMs)),
      ...measured(exit),
      summary: summarise(task, exit),
    }
  } catch (error) {
    if (signal.aborted) return stopped
    return { ...stopped, outcome: 'failed', reason: String(error) }
  }
}

/** What others say, as files: BZZZ_ADVICE and BZZZ_QUESTION name them. */
async function textsFor({ texts = {} }: ExecutorTask, place: Place) {
  const variables: Record<string, string> = {}
  for (const [name, text] of Object.entries(texts)) {
    const path = join(place.tmp, `bzzz-${name}.txt`)
    await writeFile(path, text, { mode: 0o600, flag: 'wx' })
    // Root writes for another user, whose file it must be.
    if (process.getuid?.() === 0) {
      const { uid, gid } = await stat(place.tmp)
      await lchown(path, uid, gid)
    }
    variables[`BZZZ_${name.toUpperCase()}`] = path
  }
  return variables
}

/** Undefined when it does not ask for help. */
function asks(
  exit: Exit,
): Required<Pick<TurnResult, 'outcome' | 'reason' | 'question'>> | undefined {
  if (exit.reason !== 'exited' || exit.exitCode !== ASKS_EXIT) return undefined
  const last = [...exit.stdout.matchAll(ASKS_LINE)].at(-1)
  if (last === undefined) return undefined
  const said = visible(exit.stdout.slice(last.index + last[0].length)).trim()
  const question = said.slice(0, MAX_QUESTION)
  return question === ''
    ? undefined
    : { outcome: 'stuck', reason: `It asks for help: ${oneLine(question, 300)}`, question }
}

function outcomeOf(exit: Exit, wallTimeMs: number): Pick<TurnResult, 'outcome' | 'reason'> {
  const end = visible(keepEnd(exit.tail, 1024)).trim()
  const said = end === '' ? '' : ` It ended with: ${end}`
  switch (exit.reason) {
    case 'exited':
      return exit.exitCode === 0
        ? { outcome: 'done', reason: 'It ended with exit 0.' }
        : { outcome: 'failed', reason: `It ended with exit ${exit.exitCode}.${said}` }
    case 'timeout':
      return { outcome: 'timeout', reason: `It took longer than ${wallTimeMs} ms.${said}` }
    case 'output-limit':
      return { outcome: 'flood', reason: `It wrote more than ${exit.outputBytes} bytes.` }
    case 'aborted':
      return { outcome: 'aborted', reason: 'It was stopped.' }
    case 'limit':
      return {
        outcome: 'limit',
        reason: `It used more ${exit.exceeded ?? 'of this machine'} than a task may.${said}`,
      }
    case 'refused':
      return { outcome: 'environment', reason: end }
    case 'signalled':
      return { outcome: 'failed', reason: `It was ended by ${exit.signal ?? 'a signal'}.${said}` }
    case 'not-found':
    case 'failed':
      return { outcome: 'environment', reason: `It could not be started: ${end}` }
  }
}

function measured(exit: Exit): Pick<TurnResult, 'durationMs' | 'output' | 'exitCode'> {
  return {
    durationMs: exit.durationMs,
    output: {
      sha256: exit.outputSha256,
      bytes: exit.outputBytes,
      truncated: exit.reason === 'output-limit',
    },
    ...(exit.exitCode === undefined ? {} : { exitCode: exit.exitCode }),
  }
}

function summarise(task: ExecutorTask, exit: Exit): string {
  const { chore } = task
  if (chore === undefined) return ''
  const what = chore.declared.description === undefined ? '' : `: ${chore.declared.description}`
  const said = visible(keepEnd(exit.stdout, SUMMARY_TAIL_BYTES)).trim()
  return cutEnd(
    `Ran the chore ${chore.name}${what}${said === '' ? '' : `\n\n${said}`}`,
    MAX_SUMMARY_BYTES,
  )
}
