/**
 * `bzzz executor add`: writes an executor into the configuration file after it did the smallest task here.
 * What does not work is not written, unless `--force` says so.
 */
import { addExecutor, type ConfigInput } from '../../../config/index.ts'
import { executorConfigSchema, findPreset, UNSAFE_TRANSPORT } from '../../../work/index.ts'
import type { Context } from '../../context.ts'
import { CliError } from '../../errors.ts'
import { exitCodes } from '../../exit.ts'
import { clean } from '../../output/text.ts'

export interface AddOptions {
  /** Program and arguments of a coding agent. */
  command: string[]
  url?: string
  model?: string
  keyEnv?: string
  keyFile?: string
  allowHttp?: true
  agentHome?: 'temporary' | 'user'
  passEnv?: string[]
  auth?: string
  force?: true
}

type ExecutorInput = NonNullable<NonNullable<ConfigInput['work']>['executors']>[number]

export async function executorAdd(
  context: Context,
  name: string,
  options: AddOptions,
): Promise<number> {
  const { out, globals, env, cwd } = context
  const { force = false } = options
  const executor = entryOf(name, options)
  checked(executor)
  // Only now, since it loads all that an agent is made of.
  const { tryExecutor } = await import('./test.ts')
  const tried = force ? undefined : await tryExecutor(context, name, [executor])
  if (tried?.ok === false) {
    const why = tried.steps.findLast(({ ok }) => !ok)?.text ?? 'It failed.'
    throw new CliError(
      'EXECUTOR_UNFIT',
      `It was not written, since it does not work here: ${clean(why)}`,
      {
        data: { name, steps: tried.steps },
        next: 'Correct what the test says, or write it all the same with --force.',
      },
    )
  }
  const place = { env, cwd, configFile: globals.config }
  const added = await addExecutor(executor, place, { replace: force })
  if (out.json) await out.document({ executor, ...added, tried: tried ?? null })
  else if (out.quiet) await out.data(clean(name))
  else {
    out.message(`${added.replaced ? 'Replaced' : 'Added'} ${name} in ${clean(added.file)}.`)
    if (added.used) out.message(`It is in \`work.use\` now, too.`)
    out.message('A running agent takes it up when it is started anew.')
  }
  return exitCodes.ok
}

function entryOf(name: string, options: AddOptions): ExecutorInput {
  const { command, url, model, keyEnv, keyFile, agentHome, passEnv, auth, allowHttp } = options
  if (url !== undefined) {
    if (command.length > 0) throw usage('A model endpoint has no command.')
    if (model === undefined) throw usage('A model endpoint needs --model NAME.')
    if (keyEnv !== undefined && keyFile !== undefined) throw usage('Name one place of the key.')
    const apiKey =
      keyEnv === undefined
        ? keyFile === undefined
          ? {}
          : { apiKey: { file: keyFile } }
        : { apiKey: { env: keyEnv } }
    const http = allowHttp === true ? { allowHttp: true } : {}
    return { kind: 'chat', name, url, model, ...apiKey, ...http }
  }
  if (model !== undefined || keyEnv !== undefined || keyFile !== undefined || allowHttp === true) {
    throw usage('--model, --key-env, --key-file and --allow-http go with --url URL.')
  }
  if (command.length === 0 && findPreset(name) === undefined) {
    throw usage('Write the command after --, or --url URL of a model endpoint.')
  }
  return {
    kind: 'acp',
    name,
    ...(command.length === 0 ? {} : { command }),
    ...(agentHome === undefined ? {} : { home: agentHome }),
    ...(passEnv === undefined ? {} : { passEnv }),
    ...(auth === undefined ? {} : { auth }),
  }
}

/** Fields as they are given here. */
const flags = [
  ['url', '--url'],
  ['model', '--model'],
  ['apiKey', '--key-env or --key-file'],
  ['passEnv', '--pass-env'],
  ['auth', '--auth'],
  ['command', 'The command'],
] as const
const unsafe =
  'is plain http to another machine: use https, or add --allow-http if nobody listens on that way.'

/** Errors: `USAGE` with the field that is wrong. */
function checked(executor: ExecutorInput): void {
  const found = executorConfigSchema.safeParse(executor)
  if (found.success) return
  const [issue] = found.error.issues
  const field = issue?.path[0]
  const named = flags.find(([name]) => name === field)?.[1] ?? 'It'
  const hint = field === 'url' ? ' Write its base, such as http://127.0.0.1:11434/v1.' : ''
  const why =
    issue?.message === UNSAFE_TRANSPORT ? unsafe : `${issue?.message ?? 'is wrong'}.${hint}`
  throw usage(`${named} ${why}`)
}

const usage = (text: string) =>
  new CliError('USAGE', text, { next: 'bzzz executor add --help shows examples.' })
