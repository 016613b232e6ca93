/**
 * What every sandbox may read of the system: programs and libraries, and of /etc only what programs
 * need to run, since the rest of it holds what an administrator wrote for this machine alone. Plus
 * what the PATH names outside of these: its folders, the libraries beside them, and the files that links
 * in them lead to; never a whole home or a prefix in which a login may lie.
 */
import { existsSync, readdirSync, readlinkSync, realpathSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, delimiter, dirname, isAbsolute, join, sep } from 'node:path'

/** Trees; on a merged system some are links. */
const TREES = ['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32', '/opt', '/nix/store']

const FILES = [
  ...[
    'alternatives',
    'bash.bashrc',
    'ca-certificates',
    'crypto-policies',
    'debian_version',
    'default/locale',
    'fonts',
    'gai.conf',
    'group',
    'host.conf',
    'hosts',
    'inputrc',
    'java',
    'ld.so.cache',
    'ld.so.conf',
    'ld.so.conf.d',
    'locale.alias',
    'locale.conf',
    'localtime',
    'magic',
    'mime.types',
    'nsswitch.conf',
    'os-release',
    'passwd',
    'pki/ca-trust/extracted',
    'pki/tls/cert.pem',
    'pki/tls/certs',
    'protocols',
    'python3',
    'services',
    'shells',
    'ssl/cert.pem',
    'ssl/certs',
    'ssl/openssl.cnf',
    'terminfo',
    'timezone',
  ].map((name) => `/etc/${name}`),
  '/run/current-system/sw',
  '/sys/devices/system/cpu',
]

/** With the network of the host. */
const NAMES = ['/etc/resolv.conf', '/run/systemd/resolve']

/** Links in a folder of programs that are followed. */
const MAX_LINKS = 500

export interface SystemPaths {
  /** Directories and files to be read. */
  read: string[]
  /** Links at the root: path to what it says. */
  links: [path: string, target: string][]
}

/** What there is of the lists above. */
export function systemPaths(): SystemPaths {
  const links: SystemPaths['links'] = []
  const read: string[] = []
  for (const tree of TREES) {
    const target = linkOf(tree)
    if (target !== undefined) links.push([tree, target])
    else if (existsSync(tree)) read.push(tree)
  }
  return { read: [...read, ...FILES.filter((file) => existsSync(file))], links }
}

export const resolverPaths = (): string[] => NAMES.filter((name) => existsSync(name))

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch {
    return undefined
  }
}

const isBelow = (path: string, folder: string): boolean =>
  path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep)

export const isSystem = (path: string): boolean => TREES.some((tree) => isBelow(path, tree))

function real(path: string): string | undefined {
  try {
    return realpathSync(path)
  } catch {
    return undefined
  }
}

/** Up to and with the first `node_modules` in it. */
function packagesOf(path: string): string | undefined {
  const at = `${path}${sep}`.indexOf(`${sep}node_modules${sep}`)
  return at < 0 ? undefined : path.slice(0, at + sep.length + 'node_modules'.length)
}

/** What programs on a PATH need to be read outside of the system's trees. */
export function pathRoots(path: string, home = homedir()): string[] {
  const roots = new Set<string>()
  for (const folder of path.split(delimiter)) {
    const at = isAbsolute(folder) ? real(folder) : undefined
    if (at === undefined || isSystem(at) || at === home || at === sep) continue
    for (const root of folderRoots(at)) roots.add(root)
    if (at !== folder) roots.add(folder)
  }
  return [...roots]
}

function folderRoots(folder: string): string[] {
  const packages = packagesOf(folder)
  if (packages !== undefined) return [packages]
  const beside =
    basename(folder) === 'bin'
      ? ['lib', 'lib64', 'libexec', 'include'].map((name) => join(dirname(folder), name))
      : []
  return [folder, ...beside.filter((path) => existsSync(path)), ...linked(folder)]
}

function linked(folder: string): string[] {
  let names: string[]
  try {
    names = readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isSymbolicLink())
      .slice(0, MAX_LINKS)
      .map((entry) => entry.name)
  } catch {
    return []
  }
  return names.flatMap((name) => {
    const file = real(join(folder, name))
    if (file === undefined || isSystem(file) || isBelow(file, folder)) return []
    return [packagesOf(file) ?? file]
  })
}

/**
 * What the words of a command that the operator configured need to be read: for a file that exists,
 * the package that it belongs to, or the file alone. Never for commands of a repository.
 */
export function commandRoots(words: readonly string[], home = homedir()): string[] {
  return words.flatMap((word) => {
    const file = isAbsolute(word) ? real(word) : undefined
    if (file === undefined || isSystem(file)) return []
    return [packagesOf(file) ?? packageOf(file, home) ?? file]
  })
}

function packageOf(file: string, home: string): string | undefined {
  for (let at = dirname(file); at !== home && at !== dirname(at); at = dirname(at)) {
    if (existsSync(join(at, 'package.json'))) return at
  }
  return undefined
}
