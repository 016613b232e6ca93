/** Commands that ask a running agent, and `version`: they start fast and load no part of the agent. */
import { Argument, InvalidArgumentError, Option } from '@commander-js/extra-typings'
import { taskStates } from '../api/client.ts'
import { help, question, whole } from './options.ts'
import type { Root, Run } from './root.ts'

export function registerClient(root: Root, run: Run): void {
  root
    .command('status')
    .summary('this agent, its peers and its tasks on one screen')
    .description(
      help(
        'Shows what the agent of this home does.',
        'bzzz status',
        'bzzz status --json',
        'bzzz status --probe           for HEALTHCHECK: exits 0 or 1 and prints nothing',
      ),
    )
    .option('--probe', 'print nothing; exit 0 when the agent answers, else 1')
    .action((options, command) =>
      run(command.optsWithGlobals(), async (context) =>
        (await import('./client/status.ts')).status(context, options),
      ),
    )

  registerTask(root, run)
  registerLogs(root, run)

  root
    .command('version')
    .summary('versions of bzzz and of what it runs on')
    .description('Prints the versions that matter.')
    .action((_options, command) =>
      run(command.optsWithGlobals(), async (context) =>
        (await import('./client/version.ts')).version(context),
      ),
    )
}

function registerTask(root: Root, run: Run): void {
  const task = root.command('task').summary('issues as tasks').description('Issues as tasks.')
  task
    .command('ls')
    .summary('list the tasks')
    .description(
      help('Lists the tasks.', 'bzzz task ls', 'bzzz task ls --state failed --repo owner/name'),
    )
    .addOption(new Option('--state <state>', 'only tasks in this state').choices(taskStates))
    .option('--repo <owner/name>', 'only tasks of this repository')
    .action((options, command) =>
      run(command.optsWithGlobals(), async (context) =>
        (await import('./client/task.ts')).taskLs(context, options),
      ),
    )
  task
    .command('show')
    .summary('show a task and its history')
    .description(
      help(
        'Shows a task and its history over all agents.',
        'bzzz task show 12',
        'bzzz task show owner/name#12',
      ),
    )
    .argument('<task>', 'owner/name#12, 12 when only one repository has it, or the issue’s URL')
    .action((ref, _options, command) =>
      run(command.optsWithGlobals(), async (context) =>
        (await import('./client/task.ts')).taskShow(context, ref),
      ),
    )
  task
    .command('answer')
    .summary('answer a coding agent that asks whether it may')
    .description(
      help(
        'Answers a question that waits for a person; `bzzz task show` lists them. Nobody answers in time: denied.',
        'bzzz task answer 12 1f2e3d4c allow',
        'bzzz task answer owner/name#12 1f2e3d4c deny',
      ),
    )
    .argument('<task>', 'owner/name#12, 12 when only one repository has it, or the issue’s URL')
    .addArgument(
      new Argument('<question>', 'its id, as `bzzz task show` prints it').argParser(question),
    )
    .addArgument(new Argument('<answer>', 'allow or deny').choices(['allow', 'deny']))
    .action((ref, id, answer, _options, command) =>
      run(command.optsWithGlobals(), async (context) =>
        (await import('./client/task.ts')).taskAnswer(context, ref, id, answer),
      ),
    )
}

function registerLogs(root: Root, run: Run): void {
  const more = (value: string, all: string[] | undefined) => [...(all ?? []), ...value.split(',')]
  const logs = root
    .command('logs')
    .summary('what the agents wrote down')
    .description(
      help(
        'Prints the journals of all agents, as far as they are here, causes before effects.',
        'bzzz logs -f',
        'bzzz logs --task 12 --since 1h',
        'bzzz logs --last 20',
        'bzzz logs --type claim --json',
      ),
    )
    .option('-f, --follow', 'go on with what comes')
    .option('--agent <agent>', 'only this agent: name or peer id')
    .option('--task <task>', 'only this task: owner/name#12 or 12')
    .addOption(
      new Option(
        '--type <type>',
        'only this type (claim.won) or group (claim); repeatable',
      ).argParser(more),
    )
    .option('--since <time>', 'not older than 30s, 10m, 1h, 2d, or an ISO date and time')
    .option('--until <time>', 'not younger than that')
    .addOption(
      new Option('--last <n>', 'only the last so many of them').argParser(whole(1, 100_000)),
    )
    .action((options, command) =>
      run(command.optsWithGlobals(), async (context) =>
        (await import('./client/logs.ts')).logs(context, options),
      ),
    )
  logs
    .command('verify')
    .summary('check that the journals are whole and signed')
    .description(
      help(
        'Checks that the journals are whole, signed and consistent; exits 1 when one is not. With a file, checks a bundle, without agent, home and network.',
        'bzzz logs verify',
        'bzzz logs verify --agent owl',
        'bzzz logs verify task-12.bundle',
        'bzzz logs verify task-12.bundle --expect KEY/EPOCH/LENGTH/HASH',
      ),
    )
    .argument('[file]', 'a bundle that `bzzz logs export` wrote; - for stdin')
    .option('--agent <agent>', 'only this agent: name or peer id')
    .option('--expect <head>', 'with a file: the journal’s head as a pull request names it')
    .action((file, { expect }, command) => {
      const { agent } = command.optsWithGlobals()
      if (file === undefined && expect !== undefined)
        throw new InvalidArgumentError('--expect goes with a file.')
      if (file !== undefined && agent !== undefined)
        throw new InvalidArgumentError('--agent goes without a file.')
      return run(command.optsWithGlobals(), async (context) =>
        file === undefined
          ? (await import('./client/logs.ts')).logsVerify(context, command.optsWithGlobals())
          : (await import('./commands/bundle.ts')).verifyFile(context, file, { expect }),
      )
    })
  logs
    .command('export')
    .summary('write journals to one file that proves itself')
    .description(
      help(
        'Writes the journals that are here, or what they say of a task, to one file with all proofs. `bzzz logs verify FILE` checks it on any machine.',
        'bzzz logs export -o all.bundle',
        'bzzz logs export --task 12 -o task-12.bundle',
      ),
    )
    .option('--agent <agent>', 'only this agent: name or peer id')
    .option('--task <task>', 'only what is about this task: owner/name#12 or 12')
    .requiredOption('-o, --output <file>', 'where to; - for stdout')
    .action((_options, command) =>
      run(command.optsWithGlobals(), async (context) =>
        (await import('./client/export.ts')).logsExport(context, command.optsWithGlobals()),
      ),
    )
}
