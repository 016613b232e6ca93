/** Finding the tools of each backend, and what each lacks even where it works. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { promisify } from 'node:util'
import { locate } from '../program.ts'
import { LANDLOCK_SCRIPT, LEAST_ABI } from './landlock.ts'

const execute = promisify(execFile)
/** For a tool to say what it can, ms. */
const ASK_MS = 5_000
const TOOLS = '/usr/sbin:/usr/bin:/sbin:/bin'
/** Landlock's version with scoped signals and abstract sockets; with rules for TCP ports. */
const SCOPES_ABI = 6
const PORTS_ABI = 4

const MEASURED =
  'Memory is measured twice a second and what is written every 50 ms, so a limit can be passed for a moment.'

interface Missing {
  why: string
  next: string
}

interface Found {
  /** What to do when it turns out not to work. */
  next: string
  lacks(isRoot: boolean): string[]
}

export interface Bubblewrap extends Found {
  file: string
  options: ReadonlySet<string>
}

export interface Perl extends Found {
  perl: string
  abi: number
}

/** What Docker, Podman, systemd-nspawn and Kubernetes leave for those within. */
export function inContainer(environment: NodeJS.ProcessEnv = process.env): boolean {
  return (
    ['/.dockerenv', '/run/.containerenv', '/run/systemd/container'].some((path) =>
      existsSync(path),
    ) ||
    environment['container'] !== undefined ||
    environment['KUBERNETES_SERVICE_HOST'] !== undefined
  )
}

const INSTALL_BWRAP = 'Install bubblewrap (apt-get install bubblewrap).'

async function ask(file: string, args: string[]): Promise<string> {
  const { stdout, stderr } = await execute(file, args, { timeout: ASK_MS, env: {} })
  return stdout === '' ? stderr : stdout
}

export async function findBubblewrap(path: string): Promise<Bubblewrap | Missing> {
  const where = `${path}:${TOOLS}`
  const file = process.platform === 'linux' ? locate('bwrap', where, '/') : undefined
  if (file === undefined) return { why: 'bwrap is not installed.', next: INSTALL_BWRAP }
  if (locate('prlimit', where, '/') === undefined || locate('setpriv', where, '/') === undefined) {
    return { why: 'prlimit or setpriv is missing.', next: 'Install util-linux.' }
  }
  const help = await ask(file, ['--help']).catch(() => '')
  const options = new Set(help.match(/--[a-z][a-z0-9-]+/g))
  return {
    file,
    options,
    next: 'Allow user namespaces (sysctl kernel.unprivileged_userns_clone=1, and on Ubuntu kernel.apparmor_restrict_unprivileged_userns=0 or a profile for bwrap), or use Landlock.',
    lacks: () => bubblewrapLacks(options),
  }
}

function bubblewrapLacks(options: ReadonlySet<string>): string[] {
  const known = process.arch === 'x64' || process.arch === 'arm64'
  return [
    ...(known ? [] : [`System calls are not filtered on ${process.arch}.`]),
    ...(options.has('--size') ? [] : ['Files in /tmp of the sandbox are memory without a limit.']),
    MEASURED,
  ]
}

export async function findLandlock(path: string): Promise<Perl | Missing> {
  const kernel = 'Use Linux 6.2 or newer with Landlock among its security modules.'
  if (process.platform !== 'linux') return { why: 'It needs Linux.', next: INSTALL_BWRAP }
  if (process.arch !== 'x64' && process.arch !== 'arm64') {
    return { why: `It needs x86-64 or arm64, not ${process.arch}.`, next: INSTALL_BWRAP }
  }
  const perl = locate('perl', `${TOOLS}:${path}`, '/')
  if (perl === undefined) return { why: 'perl is not installed.', next: 'Install perl-base.' }
  const said = await ask(perl, [LANDLOCK_SCRIPT, 'abi']).catch(() => '0')
  const abi = Number(said.trim())
  if (!(abi >= LEAST_ABI)) {
    const why = abi > 0 ? `Its version ${abi} lets files be cut.` : 'This kernel has no Landlock.'
    return { why, next: kernel }
  }
  return { perl, abi, next: kernel, lacks: (isRoot) => landlockLacks(abi, isRoot) }
}

export function landlockLacks(abi: number, isRoot: boolean): string[] {
  return [
    ...(abi < PORTS_ABI ? ['Named hosts through a proxy: any TCP port can be reached then.'] : []),
    ...(abi < SCOPES_ABI ? ['Signals to other processes of this user are not refused.'] : []),
    ...(isRoot
      ? []
      : ['Modes, owners and times of files that this user owns can be changed from within.']),
    'Work cannot open sockets, so tests that start servers on loopback fail.',
    'With a proxy, its port can be reached on every host; with a socket, other sockets of this user, too.',
    'Names and command lines of other processes stay hidden, but existing paths can be told apart.',
    MEASURED,
  ]
}
