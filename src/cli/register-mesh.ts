/** Commands about who belongs to the mesh. Those of `client/` ask the agent; the others also work on a home in which none runs. */
import { Option } from '@commander-js/extra-typings'
import * as take from './options.ts'
import type { Root, Run } from './root.ts'

const { help } = take

export function registerMesh(root: Root, run: Run): void {
  root
    .command('init')
    .summary('found a mesh, with this machine as its first')
    .description(
      help(
        'Founds a mesh in the home of this machine and prints how the next one joins it.',
        'bzzz init --repo owner/name   also writes a bzzz.yaml, if there is none',
        'bzzz init --name team-mesh',
      ),
    )
    .addOption(
      new Option('--name <mesh>', 'name of the mesh (default: mesh.name)').argParser(take.meshName),
    )
    .addOption(
      new Option('--repo <owner/name>', 'repository to work, for bzzz.yaml').argParser(
        take.repository,
      ),
    )
    .action((options, command) =>
      run(command.optsWithGlobals(), async (context) =>
        (await import('./commands/membership/init.ts')).init(context, options),
      ),
    )
  registerJoin(root, run)
  registerInvite(root, run)
  registerPeers(root, run)
}

function registerJoin(root: Root, run: Run): void {
  root
    .command('join')
    .summary('make this machine a member of a mesh')
    .description(
      help(
        'Joins a mesh with a token of `bzzz invite`, or asks its signers to be let in and shows the words that they must see, too.',
        'bzzz join bzzz1.…',
        'bzzz join --token-file -      reads the token from stdin',
        'bzzz join --mesh team-mesh    without a token: asks on the local network',
      ),
    )
    .argument('[token]', 'what `bzzz invite` printed')
    .addOption(
      new Option('--token-file <file>', 'file that holds the token; - is stdin').argParser(
        take.path,
      ),
    )
    .addOption(
      new Option('--address <multiaddr>', 'where a member can be reached; repeatable').argParser(
        take.address,
      ),
    )
    .addOption(
      new Option('--mesh <name>', 'mesh to ask without a token (default: mesh.name)').argParser(
        take.meshName,
      ),
    )
    .option('--leave', 'leave the mesh that this home belongs to')
    .option('--yes', 'without a token: do not ask whether the words are the same')
    .action((token, options, command) =>
      run(command.optsWithGlobals(), async (context) =>
        (await import('./commands/membership/join.ts')).join(context, token, options),
      ),
    )
}

function registerInvite(root: Root, run: Run): void {
  const load = () => import('./commands/membership/invite.ts')
  const invite = root
    .command('invite')
    .summary('print what to type on the next machine')
    .description(
      help(
        'Prints one line that brings another machine into the mesh. Whoever has it can join: treat it as a password.',
        'bzzz invite                   one machine, within 15 minutes',
        'bzzz invite --role observer',
        '(umask 077; bzzz -q invite --uses any --ttl never > token)     for a secret of containers',
      ),
    )
    .addOption(
      new Option(
        '--role <role>',
        'worker, observer or signer; repeatable (default: worker)',
      ).argParser(take.roles),
    )
    .addOption(
      new Option('--uses <n>', 'machines that may join with it, or any (default: 1)').argParser(
        take.uses,
      ),
    )
    .addOption(
      new Option(
        '--ttl <time>',
        'how long it can be used: 15m, 2h, 7d or never (default: 15m)',
      ).argParser(take.life),
    )
    .action(({ role, uses, ttl }, command) =>
      run(command.optsWithGlobals(), async (context) =>
        (await load()).invite(context, {
          roles: role,
          uses: uses === 'any' ? null : uses,
          ttlMs: ttl === 'never' ? null : ttl,
        }),
      ),
    )
  invite
    .command('ls')
    .summary('list the invitations of this machine')
    .description(help('Lists the invitations of this machine.', 'bzzz invite ls'))
    .action((_options, command) =>
      run(command.optsWithGlobals(), async (context) => (await load()).inviteLs(context)),
    )
  invite
    .command('revoke')
    .summary('make an invitation useless')
    .description(
      help(
        'Makes an invitation useless on every machine that hears of it.',
        'bzzz invite revoke ID',
      ),
    )
    .argument('<id>', 'as `bzzz invite ls` shows it; of another machine the whole')
    .action((id, _options, command) =>
      run(command.optsWithGlobals(), async (context) => (await load()).inviteRevoke(context, id)),
    )
}

function registerPeers(root: Root, run: Run): void {
  const peers = root
    .command('peers')
    .summary('machines of the mesh')
    .description('Machines of the mesh.')
  const load = () => import('./client/peers.ts')
  const members = () => import('./client/members.ts')
  peers
    .command('ls')
    .summary('list the members, and who asks to join')
    .description(
      help(
        'Lists the other members of the mesh, whether they are there, and machines that ask to join.',
        'bzzz peers ls',
        'bzzz peers ls --json',
      ),
    )
    .option('--all', 'also removed ones')
    .action((options, command) =>
      run(command.optsWithGlobals(), async (context) => (await load()).peersLs(context, options)),
    )
  peers
    .command('show')
    .summary('everything that is known of one')
    .description(help('Shows everything that is known of one machine.', 'bzzz peers show owl'))
    .argument('<who...>', 'name, peer id or six words')
    .action((who, _options, command) =>
      run(command.optsWithGlobals(), async (context) =>
        (await load()).peersShow(context, who.join(' ')),
      ),
    )
  peers
    .command('ping')
    .summary('round trips to one, and how many are lost')
    .description(
      help('Measures round trips to a machine through the mesh.', 'bzzz peers ping owl --count 10'),
    )
    .argument('<who...>', 'name, peer id or six words')
    .addOption(new Option('--count <n>', 'round trips').default(4).argParser(take.whole(1, 1_000)))
    .action((who, options, command) =>
      run(command.optsWithGlobals(), async (context) =>
        (await import('./client/peers-ping.ts')).peersPing(context, who.join(' '), options),
      ),
    )
  peers
    .command('approve')
    .summary('let in a machine that asks to join')
    .description(
      help(
        'Lets in a machine that asks to join; asks first. Compare the words with those on its screen.',
        'bzzz peers approve owl',
        'bzzz peers approve ability cabin fabric ginger habit ice --role observer',
      ),
    )
    .argument('<who...>', 'six words, name or peer id')
    .addOption(
      new Option('--role <role>', 'instead of what it asks for; repeatable').argParser(take.roles),
    )
    .option('--yes', 'do not ask')
    .action((who, options, command) =>
      run(command.optsWithGlobals(), async (context) =>
        (await members()).peersApprove(context, who.join(' '), options),
      ),
    )
  peers
    .command('deny')
    .summary('refuse a machine that asks to join')
    .description(help('Refuses a machine that asks to join.', 'bzzz peers deny owl'))
    .argument('<who...>', 'six words, name or peer id')
    .action((who, _options, command) =>
      run(command.optsWithGlobals(), async (context) =>
        (await members()).peersDeny(context, who.join(' ')),
      ),
    )
  peers
    .command('remove')
    .summary('put a machine out of the mesh, for ever')
    .description(
      help(
        'Removes a member: lost, stolen or retired. The others learn it at their next contact with a member. A signer is removed by the machine that has the mesh key, or with `peers rotate`.',
        'bzzz peers remove owl',
        'bzzz peers remove owl --distrust     a stolen signer, and all whom it let in',
      ),
    )
    .argument('<who...>', 'name or peer id')
    .option('--distrust', 'also all whom it let in')
    .option('--yes', 'do not ask')
    .action((who, options, command) =>
      run(command.optsWithGlobals(), async (context) =>
        (await members()).peersRemove(context, who.join(' '), options),
      ),
    )
  peers
    .command('rotate')
    .summary('replace the mesh key by the recovery key')
    .description(
      help(
        'Replaces the mesh key, when the machine that held it was stolen. What the old key signed is void; this machine signs all members anew, but for those removed, and holds the new key.',
        'bzzz peers rotate --recovery /media/stick/recovery.key --remove owl',
      ),
    )
    .requiredOption('--recovery <file>', 'the recovery key that `bzzz init` made')
    .addOption(
      new Option('--remove <peer>', 'name or peer id to remove; repeatable').argParser(take.peers),
    )
    .addOption(
      new Option(
        '--reinstate <peer>',
        'peer id that a thief removed; it is a member again; repeatable',
      ).argParser(take.peers),
    )
    .option('--yes', 'do not ask')
    .action((options, command) =>
      run(command.optsWithGlobals(), async (context) =>
        (await import('./commands/membership/rotate.ts')).rotate(context, options),
      ),
    )
}
