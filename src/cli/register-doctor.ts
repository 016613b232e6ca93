/** `bzzz doctor`, with its two faces: the look at this machine, and the live probe of a GitHub. */
import { InvalidArgumentError, Option } from '@commander-js/extra-typings'
import { help, repository, whole } from './options.ts'
import type { Root, Run } from './root.ts'

export function registerDoctor(root: Root, run: Run): void {
  root
    .command('doctor')
    .summary('what is wrong here, and what to type about it')
    .description(
      help(
        'Checks this machine, the configuration, the token and the repositories; changes nothing. With --live it tries on a scratch issue what a GitHub allows of claims, and takes away what it made.',
        'bzzz doctor',
        'bzzz doctor --json            exits 1 when a check fails',
        'bzzz doctor --live owner/name recommends github.claims.transport and refPrefix',
      ),
    )
    .addOption(
      new Option('--live <owner/name>', 'try it on this repository; asks first').argParser(
        repository,
      ),
    )
    .addOption(
      new Option('--issue <n>', 'with --live: this issue instead of a new one').argParser(
        whole(1, 9_999_999_999),
      ),
    )
    .option('--yes', 'with --live: do not ask')
    .action(({ live, issue, yes }, command) => {
      if (live === undefined && (issue !== undefined || yes !== undefined))
        throw new InvalidArgumentError('--issue and --yes go with --live OWNER/REPO.')
      return run(command.optsWithGlobals(), async (context) =>
        live === undefined
          ? (await import('./commands/doctor.ts')).doctor(context)
          : (await import('./commands/doctor/live.ts')).doctorLive(context, {
              repo: live,
              ...(issue === undefined ? {} : { issue }),
              ...(yes === undefined ? {} : { yes }),
            }),
      )
    })
}
