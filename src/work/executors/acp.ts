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
import { loginOf, packageVersion } from '../agent-facts.ts'
import { copyLogin } from '../login.ts'
import { findPreset, type Preset } from '../presets.ts'
import { DEFAULT_PERMISSIONS } from '../permission/policy.ts'
import { sandboxFor } from '../sandbox.ts'
import { readSession, writeSession } from '../session-state.ts'
import { reachTools } from '../tools/reach.ts'
import { openSession, type AcpSession } from './acp-session.ts'

/** Program and arguments of a configured agent. */
export function acpCommand(config: AcpConfig): readonly string[] {
  return config.command ?? findPreset(config.name)?.command ?? []
}

export function createAcpExecutor(config: AcpConfig, settings: ChildSettings): Executor {
  const [file = '', ...args] = acpCommand(config)
  // With a command of its own it may be another program that only has the name.
  const preset = config.command === undefined ? findPreset(config.name) : undefined
  const versionCommand = config.version ?? preset?.version

  const login = findPreset(config.name)?.login ?? []

  async function open(
    task: ExecutorTask,
    place: Place,
    permit: Control['permit'],
    onEvent: (event: ExecutorEvent) => void,
  ): Promise<AcpSession> {
    const { processes, path, variables, userHome, clock, questions } = settings
    const { limits, label, prompt, model } = task
    const started = model === undefined ? undefined : preset?.model
    const flags = model === undefined || started?.flag === undefined ? [] : [started.flag, model]
    const { name, auth } = config
    const files = await confinedFiles(place.clone)
    const known = await readSession(place, name)
    const isSandboxed = (await processes.prepare()).kind !== 'none'
    const tools = await reachTools(place, settings)
    const usesLogin = config.home === 'user'
    if (usesLogin && isSandboxed) await copyLogin(login, { from: userHome, to: place.home })
    const spawn = () =>
      processes.spawn({
        file,
        args: [...args, ...flags],
        cwd: place.clone,
        env: {
          ...childEnvironment({
            path,
            home: usesLogin && !isSandboxed ? userHome : place.home,
            tmp: place.tmp,
            ceiling: place.root,
            pass: config.passEnv,
            from: variables,
            allowSecrets: true,
          }),
          ...tools.env,
          ...(model === undefined || started?.env === undefined ? {} : { [started.env]: model }),
        },
        purpose: `agent ${name} for ${label}`,
        timeoutMs: limits.lifeTimeMs,
        maxOutputBytes: limits.maxOutputBytes,
        graceMs: limits.graceMs,
        sandbox: sandboxFor({
          place,
          settings: settings.sandbox,
          read: [...commandRoots([file, ...args]), ...tools.read],
          sockets: tools.sockets,
        }),
        permit,
      })
    return openSession({
      spawn,
      files,
      limits,
      clock,
      permit,
      questions,
      auth,
      model: model === undefined ? undefined : { name: model, started: started !== undefined },
      known,
      onEvent,
      cwd: place.clone,
      mcpServers: tools.server === undefined ? [] : [tools.server],
      task: prompt,
      about: { task: label, executor: name },
      permissions: settings.permissions?.() ?? DEFAULT_PERMISSIONS,
      login: preset === undefined ? undefined : signInText(preset, config),
      onSession: (id) => writeSession(place, { executor: name, id }),
    })
  }

  return {
    name: config.name,
    kind: 'acp',
    models: config.models,
    ...(preset === undefined ? {} : { hosts: preset.hosts }),
    capabilities: { turns: true, permissions: true, usage: true },
    detect: async (probe, signal) => {
      const program = await probe.find(file)
      if (program === undefined) return undefined
      const ofPackage =
        preset?.npm === undefined ? undefined : await packageVersion(program, preset.npm)
      const version =
        ofPackage ??
        (versionCommand === undefined ? undefined : await probe.version(versionCommand, signal))
      return version === undefined ? {} : { version }
    },
    ...(preset === undefined
      ? {}
      : {
          login: (probe, signal) => {
            const { userHome: home, variables } = settings
            return loginOf(preset, config, { home, variables, probe }, signal)
          },
        }),
    advice: {
      absent: `${file} is not on the PATH.`,
      install: preset?.install ?? 'Install it, or correct its `command` in bzzz.yaml.',
      ...(preset === undefined ? {} : { signIn: signInText(preset, config) }),
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

/** In an empty home no login is found, whatever was typed before. */
function signInText({ signIn, loginEnv }: Preset, { home }: AcpConfig): string {
  if (home === 'user') return signIn
  const names = loginEnv.join(', ')
  return `${signIn}; and give it \`home: user\` in bzzz.yaml, or one of ${names} in its \`passEnv\``
}

const notRun = (outcome: TurnResult['outcome'], reason: string): TurnResult => ({
  outcome,
  reason,
  durationMs: 0,
  summary: '',
  output: NO_OUTPUT,
})
