/** What `bzzz executor ls` shows: every executor with what keeps it from being used. */
import type { Processes } from '../process/index.ts'
import { withDeadline, type Logger } from '../util/index.ts'
import type { Executor } from './executor.ts'
import { PRESETS } from './presets.ts'
import { withProbe, type Probe, type ProbeInit } from './probe.ts'
import type { ExecutorReport } from './told.ts'

const INSPECT_MS = 20_000

/** Looks at all of them with a probe of its own. Rejects with `ABORTED` or `DEADLINE` (20 s) only. */
export function inspectAll(
  executors: readonly Executor[],
  init: ProbeInit,
  components: { processes: Processes; logger: Logger },
  signal?: AbortSignal,
): Promise<ExecutorReport[]> {
  return withProbe(init, components, (probe) =>
    withDeadline(
      'look at the executors',
      INSPECT_MS,
      (inner) => reportAll(executors, probe, inner),
      {
        signal,
      },
    ),
  )
}

/** Those that are configured in their order, then known coding agents that are not. */
async function reportAll(
  executors: readonly Executor[],
  probe: Probe,
  signal: AbortSignal,
): Promise<ExecutorReport[]> {
  const names = new Set(executors.map(({ name }) => name))
  const others = PRESETS.filter(({ name }) => !names.has(name))
  const [configured, known] = await Promise.all([
    Promise.all(executors.map((executor) => report(executor, probe, signal))),
    Promise.all(
      others.map(async ({ name, command, install }): Promise<ExecutorReport> => {
        const found = (await probe.find(command[0])) !== undefined
        const models: string[] = []
        const base = { name, kind: 'acp', configured: false, models, login: 'unknown' } as const
        const next = found
          ? `Add ${name} to \`work.use\` in bzzz.yaml to use it.`
          : `Type: ${install}`
        return { ...base, found, usable: false, why: 'It is not configured here.', next }
      }),
    ),
  ])
  return [...configured, ...known]
}

async function report(
  executor: Executor,
  probe: Probe,
  signal: AbortSignal,
): Promise<ExecutorReport> {
  const { name, kind, advice } = executor
  const found = await executor.detect(probe, signal)
  const base = { name, kind, configured: true, models: [...executor.models] }
  if (found === undefined) {
    const why = advice?.absent ?? 'It is not here.'
    const next = advice === undefined ? {} : { next: typed(advice.install) }
    return { ...base, found: false, login: 'unknown', usable: false, why, ...next }
  }
  const login: ExecutorReport['login'] = (await executor.login?.(probe, signal)) ?? 'none needed'
  const state = { ...base, ...found, found: true, login }
  if (login !== 'out') return { ...state, usable: true }
  const next = advice?.signIn === undefined ? {} : { next: typed(advice.signIn) }
  return { ...state, usable: false, why: 'It is not signed in.', ...next }
}

const typed = (text: string) => (/^[A-Z]/.test(text) ? text : `Type: ${text}`)
