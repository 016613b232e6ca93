/** `bzzz config …`: which value comes from where, and whether `bzzz up` would accept it. */
import { stringify } from 'yaml'
import { homeOwner } from '../../api/client.ts'
import {
  assertRunnable,
  configJsonSchema,
  explainOrigins,
  invalid,
  loadConfig,
  redacted,
  type LoadedConfig,
} from '../../config/index.ts'
import type { Context } from '../context.ts'
import { exitCodes } from '../exit.ts'
import { table } from '../output/table.ts'
import { clean, safeJson } from '../output/text.ts'

async function load({ globals, env, cwd, out }: Context): Promise<LoadedConfig> {
  const loaded = await loadConfig({
    flags: globals.home === undefined ? {} : { home: globals.home },
    env,
    cwd,
    configFile: globals.config,
  })
  for (const warning of loaded.warnings) out.message(`bzzz: ${clean(warning)}`)
  return loaded
}

export async function configShow(context: Context, options: { origin?: true }): Promise<number> {
  const { out } = context
  const loaded = await load(context)
  await hintAtRunning(loaded, context)
  if (options.origin !== true) {
    const config = redacted(loaded.config)
    if (out.json) await out.document(config)
    else await out.data(stringify(config).trimEnd())
    return exitCodes.ok
  }
  const rows = explainOrigins(loaded)
  if (out.json) {
    await out.document(
      rows.map(({ path, value, origin }) => ({ path, value: value ?? null, origin })),
    )
    return exitCodes.ok
  }
  const view = table(
    [
      { title: 'OPTION', value: ({ path }) => path },
      { title: 'ORIGIN', value: ({ origin }) => origin },
      // Last, so that one long value pads no other line where there is no width to cut it to.
      { title: 'VALUE', value: ({ value }) => text(value), flexible: true },
    ],
    rows,
    out.columns,
  )
  await out.data(view)
  return exitCodes.ok
}

/** What a running agent was started with is its own affair: files and flags may have been others. */
async function hintAtRunning({ config, origin }: LoadedConfig, { out }: Context): Promise<void> {
  if (!/^(?:flag|env)/.test(origin.get('home') ?? '')) return
  const owner = await homeOwner(config.home).catch(() => undefined)
  if (owner === undefined) return
  out.message(
    `An agent runs in this home (process ${owner.pid}). These are the values that \`bzzz up\` would use here and now, not those that it was started with.`,
  )
}

export async function configPath(context: Context): Promise<number> {
  const { out } = context
  const { files } = await load(context)
  if (out.json) await out.document(files)
  else if (files.length === 0) out.message('No configuration file; the defaults hold.')
  else await out.data(files.map(clean).join('\n'))
  return exitCodes.ok
}

/** Errors: `CONFIG_INVALID`; of `--workflow` `WORKFLOW_INVALID`, `WORKFLOW_UNREADABLE`. */
export async function configValidate(
  context: Context,
  { workflow }: { workflow?: string | undefined },
): Promise<number> {
  const { out } = context
  if (workflow !== undefined)
    return (await import('./workflow.ts')).checkWorkflow(context, workflow)
  const loaded = await load(context)
  assertRunnable(loaded)
  // Only now, since it loads all that an agent is made of.
  const { checkConfig } = await import('../../agent/index.ts')
  const { problems, warnings: more } = await checkConfig(loaded, context.env)
  if (problems.length > 0) throw invalid(problems)
  const { files } = loaded
  const warnings = [...loaded.warnings, ...more]
  for (const warning of more) out.message(`bzzz: ${clean(warning)}`)
  if (out.json) await out.document({ ok: true, files, warnings })
  else out.message(`The configuration is valid: ${files.map(clean).join(', ') || 'no file'}.`)
  return exitCodes.ok
}

export async function configSchema({ out }: Context): Promise<number> {
  await out.document(configJsonSchema())
  return exitCodes.ok
}

function text(value: unknown): string | null {
  if (value === undefined || value === null) return null
  return typeof value === 'string' ? value : safeJson(value)
}
