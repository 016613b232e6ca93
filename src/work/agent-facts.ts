/**
 * What can be seen of a coding agent from outside: its version, from the npm package that brings it, and
 * whether it has a login. Of a login only that it is there is looked at, never what it holds.
 */
import { readdir, readFile, realpath, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { decodeJson } from '../util/index.ts'
import type { AcpConfig } from './config.ts'
import type { Preset } from './presets.ts'
import type { Probe } from './probe.ts'

const MAX_PACKAGE_BYTES = 256 * 1024
/** Directories above a program that are looked at for its package. */
const MAX_UP = 6
const packageSchema = z.object({ name: z.string(), version: z.string().max(60) })

/** Version of the npm package that a program belongs to; undefined when it belongs to another, or to none. */
export async function packageVersion(program: string, npm: string): Promise<string | undefined> {
  const real = await realpath(program).catch(() => program)
  let at = dirname(real)
  for (let up = 0; up < MAX_UP && at !== dirname(at); up += 1, at = dirname(at)) {
    const file = join(at, 'package.json')
    const size = await stat(file).then(
      (entry) => entry.size,
      () => undefined,
    )
    if (size === undefined || size > MAX_PACKAGE_BYTES) continue
    try {
      const what = { what: 'a package', schema: packageSchema, maxBytes: MAX_PACKAGE_BYTES }
      const found = decodeJson(await readFile(file), what)
      if (found.name === npm) return found.version
    } catch {
      // Not the package that is meant: look further up.
    }
  }
  return undefined
}

export interface LoginContext {
  /** Home in which it would look for its login. */
  home: string
  /** Where the values of variables come from that it may see. */
  variables: Readonly<Record<string, string | undefined>>
  probe: Probe
}

export type Login = 'in' | 'out' | 'unknown'

/** Whether an agent with this configuration would find a login. */
export async function loginOf(
  { loginEnv, signedIn }: Preset,
  { home: which, passEnv }: Pick<AcpConfig, 'home' | 'passEnv'>,
  { home, variables, probe }: LoginContext,
  signal: AbortSignal,
): Promise<Login> {
  if (loginEnv.some((name) => passEnv.includes(name) && (variables[name] ?? '') !== '')) return 'in'
  // An empty home holds no login.
  if (which === 'temporary') return signedIn.elsewhere === true ? 'unknown' : 'out'
  for (const file of signedIn.files ?? []) if (await holds(join(home, file))) return 'in'
  if (signedIn.command !== undefined) return probe.succeeds(signedIn.command, home, signal)
  return signedIn.elsewhere === true ? 'unknown' : 'out'
}

async function holds(path: string): Promise<boolean> {
  try {
    const entry = await stat(path)
    return entry.isDirectory() ? (await readdir(path)).length > 0 : entry.size > 0
  } catch {
    return false
  }
}
