/**
 * `bzzz doctor`: looks at everything that an agent here needs, whether or not one runs, and says what
 * to type about what is wrong. It changes nothing. 0 when nothing fails, else 1. `--live` is another
 * thing: see `doctor/live.ts`.
 */
import { assertRunnable, loadConfig, placedText, type LoadedConfig } from '../../config/index.ts'
import { checkConfig, makeWork, type ConfigCheck } from '../../agent/index.ts'
import { redact, type Secret } from '../../secrets/index.ts'
import { nullLogger } from '../../util/index.ts'
import type { Context } from '../context.ts'
import { exitCodes } from '../exit.ts'
import { clean } from '../output/text.ts'
import { packageVersion } from '../version.ts'
import { agentCheck } from './doctor/agent.ts'
import {
  fail,
  failed,
  ok,
  runChecks,
  skip,
  warn,
  type CheckRow,
  type Finding,
} from './doctor/check.ts'
import { accountRows } from './doctor/account.ts'
import { repositoryChecks } from './doctor/github.ts'
import * as machine from './doctor/machine.ts'
import { membershipCheck } from './doctor/membership.ts'
import { bootstrapCheck, multicastCheck } from './doctor/network.ts'
import { withPlace, type Place } from './doctor/place.ts'
import { reachChecks } from './doctor/reach.ts'
import { sandboxCheck } from './doctor/sandbox.ts'
import { signInOf } from './doctor/sign-in.ts'
import { storageCheck } from './doctor/storage.ts'

export async function doctor(context: Context): Promise<number> {
  const { out } = context
  const secrets: Secret[] = []
  const rows = (await withPlace(context, (place) => look(context, place, secrets))).map((row) => ({
    ...row,
    seen: redact(row.seen, secrets),
    next: row.next === null ? null : redact(row.next, secrets),
  }))
  const sound = rows.every(({ status }) => status !== 'fail')
  if (out.json) await out.document({ ok: sound, checks: rows })
  else if (out.quiet) {
    for (const { id, status } of rows) if (status === 'fail') await out.data(clean(id))
  } else await out.data(screen(rows, context))
  return sound ? exitCodes.ok : exitCodes.failed
}

async function look(context: Context, place: Place, secrets: Secret[]): Promise<CheckRow[]> {
  const { signal } = context
  const { dir, git, processes } = place
  const base = [machine.nodeCheck, machine.gitCheck(git, dir)]
  const loaded = await load(context).catch((error: unknown) => failed(error))
  if ('status' in loaded) {
    const home = await context.home().catch(() => undefined)
    const more = home === undefined ? [] : [machine.homeCheck(home)]
    const rows = await runChecks([...base, ...more], signal)
    return [...rows, rowOf('config', loaded)]
  }
  const { config } = loaded
  const check = await checkConfig(loaded, context.env)
  const usable = check.problems.every(({ path }) => !path.startsWith('work.'))
  const local = await runChecks(
    [
      ...base,
      machine.homeCheck(config.home),
      storageCheck(config),
      { id: 'config', run: async () => configFinding(loaded, check) },
      membershipCheck(config),
      machine.networkCheck(config),
      multicastCheck(config),
      bootstrapCheck(config),
      usable
        ? machine.executorsCheck(config, dir, { processes, git })
        : { id: 'executors', run: async () => skip('see the row of the configuration') },
      sandboxCheck(config, dir),
      ...machine.modelChecks(config, context.env),
      agentCheck(config.home, config.api.socket),
      ...reachChecks(config),
    ],
    signal,
  )
  const signIn = await signInOf(config, context, place, secrets).catch((error: unknown) =>
    failed(error),
  )
  const kind = config.github.app.id === undefined ? 'token' : 'app'
  if ('status' in signIn) return [...local, rowOf(kind, signIn)]
  const userAgent = `bzzz/${packageVersion()}`
  const parts = { config, signIn, userAgent }
  const { rows, login } = await accountRows(parts, signal)
  const advice = signIn.warnings.map((text) =>
    rowOf(`${kind}-source`, warn(text, 'Correct it, then run this again.')),
  )
  if (login === undefined) return [...local, ...rows, ...advice]
  // It reads only what stands in the repositories: what is configured may be wrong.
  const { permissions: _, ...settings } = config.work
  const work = makeWork(
    { ...config, home: dir, work: { ...settings, executors: [], use: 'auto' } },
    { processes, git, logger: nullLogger },
    { askPeople: false },
  )
  const who = { login, assignee: config.github.assignee ?? login }
  const checks = repositoryChecks({ ...parts, git, work, dir }, who)
  return [...local, ...rows, ...advice, ...(await runChecks(checks, signal))]
}

const rowOf = (id: string, { status, seen, next }: Finding): CheckRow => ({
  id,
  status,
  seen,
  next: next ?? null,
})

const load = ({ globals, env, cwd }: Context): Promise<LoadedConfig> =>
  loadConfig({
    flags: globals.home === undefined ? {} : { home: globals.home },
    env,
    cwd,
    configFile: globals.config,
  })

/** What rows of their own say is left to these: the token and the keys of models. */
function configFinding(loaded: LoadedConfig, { problems, warnings }: ConfigCheck): Finding {
  assertRunnable(loaded)
  const [first, ...more] = problems.filter(({ path }) => !ownRow.test(path))
  if (first !== undefined) {
    const rest = more.length === 0 ? '' : ` (and ${more.length} more)`
    return fail(
      `${placedText(first)}${rest}`,
      'Correct it, then see all with: bzzz config validate',
    )
  }
  const seen = loaded.files.join(', ') || 'no file; defaults and environment'
  const [warning] = [...loaded.warnings, ...warnings.filter((text) => !ownWarning.test(text))]
  return warning === undefined
    ? ok(seen)
    : warn(`${seen}: ${warning}`, 'Look with: bzzz config show --origin')
}

const ownWarning = / github\.(?:token|app\.privateKey): /
const ownRow = /^github\.(?:token|app\.)|\.apiKey$/

const colours = { ok: 'green', warn: 'yellow', fail: 'red', skip: 'gray' } as const

function screen(rows: readonly CheckRow[], { out }: Context): string {
  const wide = Math.max(...rows.map(({ id }) => id.length))
  const lines = rows.flatMap(({ id, status, seen, next }) => {
    const state = out.style(colours[status], status.padEnd(4))
    const line = `${state}  ${clean(id).padEnd(wide)}  ${clean(seen)}`
    return next === null ? [line] : [line, `${' '.repeat(wide + 8)}${clean(next)}`]
  })
  const count = (status: CheckRow['status']) => rows.filter((row) => row.status === status).length
  return [
    ...lines,
    '',
    `${rows.length} checks: ${count('fail')} failed, ${count('warn')} with a warning.`,
  ].join('\n')
}
