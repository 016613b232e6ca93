/** `bzzz executor …`: what can do the work on this machine. No agent needs to run. */
import { Argument, InvalidArgumentError, Option } from '@commander-js/extra-typings'
import { help, path } from './options.ts'
import type { Root, Run } from './root.ts'

const nameForm = /^[A-Za-z0-9][\w.:+-]{0,63}$/

function executorName(text: string): string {
  if (nameForm.test(text)) return text
  throw new InvalidArgumentError('Write a word of up to 64 letters, digits and . _ : + -')
}

const names = (text: string, all: string[] | undefined) => [...(all ?? []), ...text.split(',')]

export function registerExecutor(root: Root, run: Run): void {
  const executor = root
    .command('executor')
    .summary('what can do the work on this machine')
    .description('Coding agents, model endpoints and chores of this machine.')
  executor
    .command('ls')
    .summary('what was found, and what to type about what cannot be used')
    .description(
      help(
        'Lists the executors: found or not, version, login, and what keeps one from being used.',
        'bzzz executor ls',
        'bzzz -q executor ls           only names of those that can be used',
      ),
    )
    .action((_options, command) =>
      run(command.optsWithGlobals(), async (context) =>
        (await import('./commands/executor/ls.ts')).executorLs(context),
      ),
    )
  executor
    .command('test')
    .summary('let one do the smallest task in the real sandbox')
    .description(
      help(
        'Makes a repository with one file, lets the executor change it in the sandbox, and checks it; costs a few requests to its model. Exits 1 when it fails, 2 when the configuration is wrong. --timeout bounds the executor (default 300 s).',
        'bzzz executor test claude',
        'bzzz executor test command --json',
      ),
    )
    .addArgument(
      new Argument('<name>', 'an executor of `bzzz executor ls`').argParser(executorName),
    )
    .action((name, _options, command) =>
      run(command.optsWithGlobals(), async (context) =>
        (await import('./commands/executor/test.ts')).executorTest(context, name),
      ),
    )
  executor
    .command('add')
    .summary('write a coding agent or a model endpoint into bzzz.yaml')
    .description(
      help(
        'Tries it with the smallest task, then writes it into ./bzzz.yaml (or --config FILE, or the user’s file); comments stay.',
        'bzzz executor add mine -- my-agent --acp',
        'bzzz executor add claude --agent-home temporary --pass-env ANTHROPIC_API_KEY',
        'bzzz executor add local --url http://127.0.0.1:11434/v1 --model qwen3-coder',
        'bzzz executor add cloud --url https://api.example.org/v1 --model m --key-env EXAMPLE_KEY',
      ),
    )
    .addArgument(new Argument('<name>', 'its name here').argParser(executorName))
    .argument(
      '[command...]',
      'after --: program and arguments that speak the Agent Client Protocol',
    )
    .option('--url <url>', 'an OpenAI-compatible endpoint instead of a command, with its /v1')
    .option('--model <model>', 'with --url: the model')
    .option('--key-env <name>', 'with --url: variable that holds the key')
    .addOption(
      new Option('--key-file <file>', 'with --url: file that holds the key').argParser(path),
    )
    .option('--allow-http', 'with --url: plain http to another machine')
    .addOption(
      new Option(
        '--agent-home <home>',
        'an empty home for each task, or the login in your home',
      ).choices(['temporary', 'user']),
    )
    .addOption(
      new Option('--pass-env <name>', 'variable that it may see; repeatable').argParser(names),
    )
    .option('--auth <method>', 'way to sign in that it is told, one of its authMethods')
    .option('--force', 'do not try it, and replace one of that name')
    .action((name, words, options, command) =>
      run(command.optsWithGlobals(), async (context) =>
        (await import('./commands/executor/add.ts')).executorAdd(context, name, {
          ...options,
          command: words,
        }),
      ),
    )
}
