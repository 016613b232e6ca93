/**
 * Coding agents that speak the Agent Client Protocol over stdio. The agent is a guest process with
 * an environment of its own; what it may ask of us is in acp-client.ts, how a session goes in
 * acp-session.ts.
 */
import { commandRoots } from '../../process/index.ts'
import { BoundedQueue, explain } from '../../util/index.ts'
import type { AcpConfig } from '../config.ts'
import { confinedFiles } from '../confined.ts'
import { childEnvironment } from '../environment.ts'
import type { ChildSettings } from '../executor-settings.ts'
import {
  MAX_WAITING_EVENTS,
  NO_OUTPUT,
  type Control,
  type Executor,
  type ExecutorEvent,
  type ExecutorTask,
  type Place,
  type TurnResult,
} from '../executor.ts'
import { copyLogin } from '../login.ts'
import { findPreset } from '../presets.ts'
import { sandboxFor } from '../sandbox.ts'
import { openSession, type AcpSession } from './acp-session.ts'

/** Program and arguments of a configured agent. */
export function acpCommand(config: AcpConfig): readonly string[] {
  return config.command ?? findPreset(config.name)?.command ?? []
}

export function createAcpExecutor(config: AcpConfig, settings: ChildSettings): Executor {
  const [file = '', ...args] = acpCommand(config)
  const versionCommand =
    config.version ?? (config.command === undefined ? findPreset(config.name)?.version : undefined)

  const login = findPreset(config.name)?.login ?? []

  async function open(
    task: ExecutorTask,
    place: Place,
    permit: Control['permit'],
    onEvent: (event: ExecutorEvent) => void,
  ): Promise<AcpSession> {
    const { processes, path, variables, userHome, clock } = settings
    const files = await confinedFiles(place.clone)
    const isSandboxed = (await processes.prepare()).kind !== 'none'
    const usesLogin = config.home === 'user'
    if (usesLogin && isSandboxed) await copyLogin(login, { from: userHome, to: place.home })
    const guest = processes.spawn({
      file,
      args,
      cwd: place.clone,
      env: childEnvironment({
        path,
        home: usesLogin && !isSandboxed ? userHome : place.home,
        tmp: place.tmp,
        ceiling: place.root,
        pass: config.passEnv,
        from: variables,
        allowSecrets: true,
      }),
      purpose: `agent ${config.name} for ${task.label}`,
      timeoutMs: task.limits.lifeTimeMs,
      maxOutputBytes: task.limits.maxOutputBytes,
      graceMs: task.limits.graceMs,
      sandbox: sandboxFor({
        place,
        settings: settings.sandbox,
        read: commandRoots([file, ...args]),
      }),
      permit,
    })
    const { limits } = task
    return openSession({ guest, files, cwd: place.clone, limits, clock, permit, onEvent })
  }

  return {
    name: config.name,
    kind: 'acp',
    models: config.models,
    capabilities: { turns: true, permissions: true, usage: true },
    detect: async (probe, signal) => {
      if ((await probe.find(file)) === undefined) return undefined
      const version =
        versionCommand === undefined ? undefined : await probe.version(versionCommand, signal)
      return version === undefined ? {} : { version }
    },
    start: (task, place, { signal, permit }) => {
      const events = new BoundedQueue<ExecutorEvent>(MAX_WAITING_EVENTS)
      let stopped = signal.aborted
      const session = stopped
        ? Promise.resolve(undefined)
        : open(task, place, permit, (event) => void events.push(event))
      session.catch(() => undefined)
      const turn = async (prompt: string): Promise<TurnResult> => {
        try {
          const opened = await session
          if (opened === undefined || stopped) return notRun('aborted', 'It was stopped.')
          return await opened.turn(prompt)
        } catch (error) {
          return notRun(signal.aborted ? 'aborted' : 'failed', explain(error))
        }
      }
      const stop = async () => {
        stopped = true
        signal.removeEventListener('abort', onAbort)
        const opened = await session.catch(() => undefined)
        await opened?.stop()
        events.close()
      }
      const onAbort = () => void stop()
      signal.addEventListener('abort', onAbort, { once: true })
      return { events, result: turn(task.prompt), again: turn, stop }
    },
  }
}

const notRun = (outcome: TurnResult['outcome'], reason: string): TurnResult => ({
  outcome,
  reason,
  durationMs: 0,
  summary: '',
  output: NO_OUTPUT,
})
