/** The root of the command line: its global options, and how an action runs a command's body. */
import { Command, Option } from '@commander-js/extra-typings'
import type { Body, GlobalOptions } from './context.ts'
import { help, path, seconds } from './options.ts'
import { packageVersion } from './version.ts'

export interface RunOptions {
  /** The body does without `context.signal`: Ctrl-C keeps the meaning that the command gives it. */
  ownSignals?: boolean
}

/** Runs a command's body with the options that were given. */
export type Run = (globals: GlobalOptions, body: Body, options?: RunOptions) => Promise<void>

export type Root = ReturnType<typeof buildRoot>

export function buildRoot() {
  return new Command('bzzz')
    .description(
      help(
        'A mesh of agents that works GitHub issues and answers with pull requests.',
        'bzzz demo                                  see it work: 4 agents and a forge on this machine',
        'bzzz init --repo owner/name && bzzz up     found a mesh, start this machine’s agent',
        'bzzz join TOKEN && bzzz up                 the same on every further machine',
        'bzzz status                                what it does',
        'bzzz doctor                                what is wrong here, and what to type',
      ),
    )
    .version(packageVersion(), '-V, --version', 'print the version')
    .addOption(
      new Option('--home <dir>', 'home of the agent that is meant (or BZZZ_HOME)').argParser(path),
    )
    .addOption(
      new Option(
        '--config <file>',
        'configuration file, instead of those that are looked for',
      ).argParser(path),
    )
    .option('--json', 'data as JSON on stdout, errors as JSON on stderr')
    .option('-q, --quiet', 'only ids, and no messages')
    .option('-v, --verbose', 'more about what goes wrong')
    .option('--no-color', 'no colours (or NO_COLOR)')
    .option('--no-input', 'never ask')
    .addOption(
      new Option('--timeout <seconds>', 'longest wait for an answer or an end').argParser(seconds),
    )
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .configureHelp({ showGlobalOptions: true })
}
