/**
 * bubblewrap: namespaces of its own for processes, files, network and names. Nothing but the system's
 * programs and what the request names is there.
 *
 * A plain user needs a user namespace, in which no second one can be made. Root makes none: it drops to
 * a user of the sandbox's own, so that even a hole in the wall of mounts leads to files that this user
 * may not write; the filter refuses it a user namespace.
 *
 * Not `--new-session`: the child has a session of its own already, without a terminal, and while its
 * processes stay in one group a shell can stop them all when the agent cannot (guard.ts). Not
 * `--clearenv`: the environment of the child is exact already, and `--setenv` would show its values in
 * the list of processes.
 */
import { OOM_SCORE } from './limits.ts'
import { below, type Launch, type SandboxPlan } from './plan.ts'
import { resolverPaths } from './system.ts'

/** For what does not know TMPDIR, and for shared memory, bytes: it is memory. */
const TMPFS_BYTES = 256 * 1024 * 1024

export interface BubblewrapInit {
  /** Absolute path of bwrap. */
  file: string
  /** Options that this version knows, from its help. */
  options: ReadonlySet<string>
  /** File with the filter. */
  filter: string | undefined
  /** Files for /etc/passwd and /etc/group that know the users of sandboxes which root starts. */
  accounts?: { passwd: string; group: string }
  /** Program and script that lead to a proxy. */
  forward: [program: string, script: string]
}

/** What follows is done within, before the work's program: memory first to be freed, ownership, limits. */
const INSIDE = `echo "$1" 2>/dev/null >/proc/self/oom_score_adj
uid=$2; shift 2
while [ "$1" != -- ]; do
  if [ -n "$uid" ] && [ "$(stat -c %u -- "$1")" != "$uid" ]; then
    chown -Rh -- "$uid:$uid" "$1" || exit 125
  fi
  shift
done
shift
unset PWD OLDPWD
exec "$@"`

export function bubblewrapLaunch(
  { file, options, filter, accounts, forward }: BubblewrapInit,
  plan: SandboxPlan,
  command: readonly string[],
): Launch {
  const { system, uid, network } = plan
  const own = uid === undefined
  const args = ['--die-with-parent', '--unshare-ipc', '--unshare-pid', '--unshare-uts']
  args.push('--unshare-cgroup-try', '--hostname', 'sandbox')
  if (network !== 'host') args.push('--unshare-net')
  if (own) args.push('--unshare-user')
  if (own && options.has('--disable-userns')) args.push('--disable-userns')
  args.push('--cap-drop', 'ALL')
  // They are gone when it has changed the user.
  if (!own) for (const name of ROOT_CAPABILITIES) args.push('--cap-add', name)
  if (filter !== undefined) args.push('--seccomp', '3')
  const made = new Set<string>()
  // bubblewrap would close them to the sandbox's user like what is bound below.
  const parents = (path: string) => {
    for (const folder of ancestors(path)) {
      if (!made.has(folder)) args.push('--dir', folder)
      made.add(folder)
    }
  }
  const bind = (how: '--bind' | '--ro-bind-try', path: string) => {
    parents(path)
    args.push(how, path, path)
  }
  const show = (path: string) => bind('--ro-bind-try', path)
  for (const path of system.read) show(path)
  if (!own && accounts !== undefined)
    for (const name of ['passwd', 'group'] as const)
      args.push('--ro-bind-try', accounts[name], `/etc/${name}`)
  for (const [path, target] of system.links) args.push('--symlink', target, path)
  args.push('--proc', '/proc', '--dev', '/dev')
  const tmpfs = (path: string) => {
    if (options.has('--size')) args.push('--size', String(TMPFS_BYTES))
    if (options.has('--perms')) args.push('--perms', '1777')
    args.push('--tmpfs', path)
  }
  if (options.has('--size')) tmpfs('/dev/shm')
  args.push('--remount-ro', '/dev')
  const named = [...plan.read, ...plan.write, ...plan.sockets, plan.cwd]
  if (plan.tmp !== undefined && !named.some((path) => below(path, '/tmp'))) {
    args.push('--bind', plan.tmp, '/tmp')
  } else tmpfs('/tmp')
  parents('/var/tmp')
  args.push('--symlink', '/tmp', '/var/tmp')
  const isHidden = (path: string) =>
    plan.hidden.some((folder) => path !== folder && below(path, folder))
  const read = network === 'host' ? [...plan.read, ...resolverPaths()] : plan.read
  for (const path of read) if (!isHidden(path)) show(path)
  const covered = plan.hidden.filter((folder) => read.some((path) => below(folder, path)))
  for (const path of covered) args.push('--tmpfs', path)
  made.clear()
  for (const path of read) if (isHidden(path)) show(path)
  for (const path of plan.write) bind('--bind', path)
  const proxy = typeof network === 'object' ? [network.proxy] : []
  for (const path of [...plan.sockets, ...proxy]) bind('--bind', path)
  const leads = proxy.length > 0 ? [...forward, 'run', ...proxy] : []
  if (leads.length > 0) for (const path of forward) show(path)
  for (const path of covered) args.push('--remount-ro', path)
  args.push('--remount-ro', '/', '--chdir', plan.cwd, '--', '/bin/sh', '-c', INSIDE, 'sh')
  args.push(String(OOM_SCORE), own ? '' : String(uid), ...plan.write, '--')
  if (!own) args.push('setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups')
  args.push('prlimit', '--core=0')
  for (const [name, value] of Object.entries(plan.perProcess)) args.push(`--${name}=${value}`)
  args.push('--', ...leads, ...command)
  return { file, args, inherit: filter === undefined ? [] : [filter], endSignal: 'SIGKILL' }
}

const ROOT_CAPABILITIES = [
  'CAP_SETUID',
  'CAP_SETGID',
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_DAC_READ_SEARCH',
  'CAP_FOWNER',
]

/** The directories above a path, outermost first, without the root. */
function ancestors(path: string): string[] {
  const parts = path.split('/').slice(1, -1)
  return parts.map((_, index) => `/${parts.slice(0, index + 1).join('/')}`)
}
