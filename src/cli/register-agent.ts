/** Commands that run something here: the demo, an agent, a forge; and the configuration they read. */
import { InvalidArgumentError, Option } from '@commander-js/extra-typings'
import type { ForgeAccount } from './commands/forge.ts'
import { help, path, repository, whole } from './options.ts'
import type { Root, Run } from './root.ts'

export function registerAgent(root: Root, run: Run): void {
  root
    .command('demo')
    .summary('see it work: agents and a forge on this machine, no account')
    .description(
      help(
        'Starts a forge and agents on this machine, and lets them work its issues.',
        'bzzz demo',
        'bzzz demo --once --json       ends when every task has, and prints one document',
      ),
    )
    .option('--once', 'end when every task is in a final state; 0 when each ended as expected')
    .option('--executor <name>', 'use this coding agent of the machine instead of the scripted one')
    .addOption(new Option('--agents <n>', 'agents to start').default(4).argParser(whole(1, 32)))
    .option('--keep', 'keep the agents’ homes and the forge’s directory')
    .action((options, command) =>
      run(
        command.optsWithGlobals(),
        async (context) =>
          (await import('./commands/demo.ts')).demo(context, {
            once: false,
            keep: false,
            ...options,
          }),
        { ownSignals: true },
      ),
    )
  root
    .command('up')
    .summary('start this machine’s agent')
    .description(
      help(
        'Runs an agent in the foreground until Ctrl-C. It needs a repository and a token; a home that belongs to no mesh founds one.',
        'GITHUB_TOKEN=… bzzz up --repo owner/name',
        'bzzz up                       with a bzzz.yaml that names repositories and token',
        'bzzz up --dry-run             to see what it would do',
      ),
    )
    .option('--name <name>', 'name of the agent for people')
    .addOption(new Option('--repo <owner/name>', 'repository to work; repeatable').argParser(repos))
    .addOption(
      new Option(
        '--log-format <form>',
        'form of the log on stderr (default: text on a terminal, else json)',
      ).choices(['json', 'text']),
    )
    .option(
      '--dry-run',
      'say what would be written to GitHub; write and take nothing, found and join no mesh',
    )
    .addOption(new Option('--lease-stdin', 'stop when stdin closes').hideHelp())
    .action((options, command) =>
      run(
        command.optsWithGlobals(),
        async (context) => (await import('./commands/up.ts')).up(context, options),
        { ownSignals: true },
      ),
    )
  registerDown(root, run)
  registerForge(root, run)
  registerConfig(root, run)
}

function registerDown(root: Root, run: Run): void {
  root
    .command('down')
    .summary('finish or hand back current work, then stop')
    .description(
      help(
        'Stops the agent of this home and waits until it has ended.',
        'bzzz down',
        'bzzz down --timeout 30        gives up waiting after 30 s (exit 75)',
      ),
    )
    .action((_options, command) =>
      run(command.optsWithGlobals(), async (context) =>
        (await import('./client/down.ts')).down(context),
      ),
    )
}

function registerForge(root: Root, run: Run): void {
  const wanted: { repo: string; from?: string }[] = []
  const addRepo = (text: string) => {
    wanted.push({ repo: repository(text) })
    return wanted
  }
  const addFrom = (from: string) => {
    const last = wanted.at(-1)
    if (last === undefined) throw new InvalidArgumentError('Write it after the --repo it is for.')
    last.from = from
    return from
  }
  const users: ForgeAccount[] = []
  const addUser = (text: string): ForgeAccount[] => {
    const [, login = '', role = 'write'] =
      /^([A-Za-z0-9][A-Za-z0-9-]{0,38})(?::(read|triage|write|admin))?$/.exec(text) ?? []
    if (login === '')
      throw new InvalidArgumentError(
        'Write NAME or NAME:ROLE, where ROLE is read, triage, write or admin.',
      )
    const same = (one: ForgeAccount) => one.login.toLowerCase() === login.toLowerCase()
    if (login.toLowerCase() === 'bzzz' || users.some(same))
      throw new InvalidArgumentError(`There is an account ${login} already; name each one once.`)
    users.push({ login, role: role as ForgeAccount['role'] })
    return users
  }
  root
    .command('forge')
    .summary('a GitHub-compatible server on a directory that lasts')
    .description(
      help(
        'Runs a small GitHub-compatible server in the foreground until Ctrl-C.',
        'bzzz forge --repo octo/lib --from ./lib',
        'bzzz forge --dir /srv/forge --port 3000',
        'bzzz forge --repo octo/lib --user grace --user mallory:read',
      ),
    )
    .option('--dir <dir>', 'where repositories, issues and the token are kept', './bzzz-forge')
    .addOption(
      new Option('--port <n>', 'port on 127.0.0.1; 0 is any free one')
        .default(0)
        .argParser(whole(0, 65_535)),
    )
    .addOption(
      new Option('--repo <owner/name>', 'repository to create unless it exists; repeatable')
        .default(wanted, 'none')
        .argParser(addRepo),
    )
    .addOption(
      new Option('--from <dir>', 'files of the --repo before it; without, it is empty').argParser(
        addFrom,
      ),
    )
    .addOption(
      new Option(
        '--user <name[:role]>',
        'a further account with a token of its own; role read, triage, write (the default) or admin; repeatable',
      )
        .default(users, 'none')
        .argParser(addUser),
    )
    .action(({ dir, port, repo, user }, command) =>
      run(command.optsWithGlobals(), async (context) =>
        (await import('./commands/forge.ts')).forgeCommand(context, {
          dir,
          port,
          repos: repo,
          users: user,
        }),
      ),
    )
}

function registerConfig(root: Root, run: Run): void {
  const config = root
    .command('config')
    .summary('the configuration, and where it comes from')
    .description('The configuration, and where it comes from.')
  const load = () => import('./commands/config.ts')
  config
    .command('show')
    .summary('print the configuration in force')
    .description(help('Prints the configuration in force.', 'bzzz config show --origin'))
    .option('--origin', 'also where each value comes from')
    .action((options, command) =>
      run(command.optsWithGlobals(), async (context) =>
        (await load()).configShow(context, options),
      ),
    )
  config
    .command('path')
    .summary('print the files that are read')
    .description('Prints the files that are read, the strongest first.')
    .action((_options, command) =>
      run(command.optsWithGlobals(), async (context) => (await load()).configPath(context)),
    )
  config
    .command('validate')
    .summary('check whether `bzzz up` would accept it')
    .description(
      help(
        'Checks whether `bzzz up` would accept it: every option, every executor, and the files that it names, such as permissions and keys. Exits 2 when something is wrong.',
        'bzzz config validate --config ./bzzz.yaml',
        'bzzz config validate --workflow WORKFLOW.md     before it is on the default branch',
      ),
    )
    .addOption(
      new Option(
        '--workflow <file>',
        'check a repository’s WORKFLOW.md instead, its checks and chores',
      ).argParser(path),
    )
    .action((options, command) =>
      run(command.optsWithGlobals(), async (context) =>
        (await load()).configValidate(context, options),
      ),
    )
  config
    .command('schema')
    .summary('print the JSON schema of a configuration file')
    .description('Prints the JSON schema of a configuration file.')
    .action((_options, command) =>
      run(command.optsWithGlobals(), async (context) => (await load()).configSchema(context)),
    )
}

function repos(text: string, all: string[] | undefined): string[] {
  return [...(all ?? []), repository(text)]
}
