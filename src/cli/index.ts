/**
 * The command line. `main` never ends the process and never throws: it gives the exit code. While
 * a command runs the process is kept alive: our timers are unreferenced, and a command that only
 * waits for one would otherwise end in silence with 0.
 *
 * @example
 * process.exitCode = await main(process.argv)
 */
import { CommanderError, type CommandUnknownOpts } from '@commander-js/extra-typings'
import { hasCode } from '../util/index.ts'
import type { Body, Context, GlobalOptions } from './context.ts'
import { CliError, OutputClosed } from './errors.ts'
import { exitCodeOf, exitCodes } from './exit.ts'
import { findHome } from './home.ts'
import { renderFailure } from './output/failure.ts'
import { createOutput, type Output } from './output/output.ts'
import { buildProgram } from './program.ts'
import type { RunOptions } from './root.ts'
import { endSignals } from './signals.ts'
import { versionFacts } from './version.ts'

export { exitCodeOf, exitCodes, type ExitCode } from './exit.ts'

/** `argv`: like `process.argv`. The result is one of `exitCodes`. */
export async function main(argv: readonly string[]): Promise<number> {
  const given = argv.slice(2)
  const json = given.slice(0, given.indexOf('--') >>> 0).includes('--json')
  let code: number = exitCodes.ok
  const program = buildProgram(async (globals, body, options) => {
    code = await execute(globals, body, options)
  })
  /** Help and version as commander words them; written by us, so that a failed write is noticed. */
  let printed = ''
  /** The command that was named without the one that belongs after it. */
  let unfinished: CommandUnknownOpts | undefined
  const all: CommandUnknownOpts[] = [
    program,
    ...program.commands,
    ...program.commands.flatMap((one) => one.commands),
  ]
  for (const command of all) {
    command.exitOverride().configureOutput({
      outputError: () => undefined,
      writeOut: (text) => void (printed += text),
      writeErr: () => void (unfinished = command),
    })
  }
  try {
    await program.parseAsync(given.length === 0 ? ['--help'] : given, { from: 'user' })
    return code
  } catch (error) {
    const out = outputOf({ color: true, input: true, ...(json ? { json } : {}) })
    try {
      if (!(error instanceof CommanderError)) return fail(error, out)
      if (error.exitCode !== 0) return fail(usage(error, unfinished), out)
      if (error.code === 'commander.version' && json) await out.document(versionFacts())
      else await out.raw(printed)
      return exitCodes.ok
    } catch (failure) {
      return fail(failure, out)
    } finally {
      out.close()
    }
  }
}

async function execute(
  globals: GlobalOptions,
  body: Body,
  { ownSignals = false }: RunOptions = {},
): Promise<number> {
  const out = outputOf(globals)
  const interrupt = new AbortController()
  const onSignal = () => interrupt.abort()
  if (!ownSignals) for (const name of endSignals) process.once(name, onSignal)
  const keepAlive = setInterval(() => undefined, 60_000)
  const { env } = process
  const cwd = process.cwd()
  const context: Context = {
    globals,
    out,
    signal: interrupt.signal,
    env,
    cwd,
    home: () => findHome({ flag: globals.home, configFile: globals.config, env, cwd }),
    timeoutMs: (defaultMs) => (globals.timeout === undefined ? defaultMs : globals.timeout * 1_000),
  }
  try {
    return await body(context)
  } catch (error) {
    if (interrupt.signal.aborted && hasCode(error, 'ABORTED')) return exitCodes.interrupted
    return fail(error, out)
  } finally {
    clearInterval(keepAlive)
    for (const name of endSignals) process.off(name, onSignal)
    out.close()
  }
}

function fail(error: unknown, out: Output): number {
  if (error instanceof OutputClosed) return exitCodes.ok
  out.error(renderFailure(error, out))
  return exitCodeOf(error)
}

/** What commander says, as one of our errors. */
function usage(error: CommanderError, unfinished: CommandUnknownOpts | undefined): CliError {
  if (error.code === 'commander.help' && unfinished !== undefined) {
    const names = unfinished.commands.map((one) => one.name()).join(', ')
    // Only `bzzz help NAME` ends here for the root.
    const root = unfinished.parent === null
    const path = root ? 'bzzz' : `bzzz ${unfinished.name()}`
    const message = root ? 'No command has that name.' : `A command is missing after \`${path}\`.`
    return new CliError('USAGE', message, {
      next: `Write \`${path}\` and one of: ${names}. \`${path} --help\` says more.`,
    })
  }
  const [, message = '', meant] =
    /^(?:error: )?([^]*?)(?:\n\((Did you mean [^]*)\))?$/.exec(error.message) ?? []
  const hint = 'Run it with --help to see what it takes.'
  return new CliError('USAGE', message, { next: meant === undefined ? hint : `${meant} ${hint}` })
}

function outputOf({ json, quiet, verbose, color }: GlobalOptions): Output {
  const { stdout, stderr } = process
  return createOutput({
    stdout,
    stderr,
    json: json === true,
    quiet: quiet === true,
    verbose: verbose === true,
    color,
    term: process.env['TERM'],
  })
}
