/**
 * Looks for planted values wherever they could turn up: plain, in base64 at any alignment, in hex and
 * percent-encoded. Written apart from what the agent uses to find them.
 */
import { execFileSync } from 'node:child_process'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join, relative } from 'node:path'

const MAX_FILE_BYTES = 64 * 1024 * 1024
const MAX_GIT_BYTES = 256 * 1024 * 1024

/** What every text that holds the value in some form contains. */
export function forms(value: string): string[] {
  const hex = Buffer.from(value).toString('hex')
  const base64 = ['', 'x', 'xx'].flatMap((before) => {
    const whole = Buffer.from(`${before}${value}`).toString('base64').replaceAll('=', '')
    const sure = whole.slice(before.length + 1, -1)
    return [sure, sure.replaceAll('+', '-').replaceAll('/', '_')]
  })
  const percent = [...Buffer.from(value)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`)
  const all = [value, hex, hex.toUpperCase(), encodeURIComponent(value), ...base64]
  return [...new Set([...all, percent.join(''), percent.join('').toUpperCase()])]
}

export interface Planted {
  /** Where it was planted. */
  name: string
  value: string
}

/** Texts are many, values few. */
const formsOf = new Map<string, string[]>()
function knownForms(value: string): string[] {
  const known = formsOf.get(value) ?? forms(value)
  formsOf.set(value, known)
  return known
}

/** Names of the planted values that a text holds. */
export function foundIn(text: string, planted: readonly Planted[]): string[] {
  return planted
    .filter(({ value }) => knownForms(value).some((form) => text.includes(form)))
    .map(({ name }) => name)
}

/**
 * `FILE: NAME` for every planted value in a tree of files. `except`: paths below it in which the values
 * may stand.
 */
export async function foundBelow(
  dir: string,
  planted: readonly Planted[],
  except: (path: string) => boolean,
): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true })
  const found: string[] = []
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name)
    const below = relative(dir, path)
    if (!entry.isFile() || except(below)) continue
    // Files of a running agent come and go.
    const size = await stat(path).then(
      ({ size: bytes }) => bytes,
      () => 0,
    )
    if (size === 0 || size > MAX_FILE_BYTES) continue
    const text = `${below}\n${await readFile(path, 'latin1').catch(() => '')}`
    found.push(...foundIn(text, planted).map((name) => `${below}: ${name}`))
  }
  return found
}

/** The same for all objects and refs of a git directory, whether reachable or not. */
export function foundInGit(gitDir: string, planted: readonly Planted[]): string[] {
  const git = (...args: string[]) =>
    execFileSync('git', ['--git-dir', gitDir, ...args], {
      encoding: 'latin1',
      maxBuffer: MAX_GIT_BYTES,
    })
  const text = [
    git('cat-file', '--batch-all-objects', '--batch', '--buffer'),
    git('for-each-ref'),
  ].join('\n')
  return foundIn(text, planted).map((name) => `${gitDir}: ${name}`)
}

/** Command lines of all processes of the machine that hold a planted value. */
export async function foundInArguments(planted: readonly Planted[]): Promise<string[]> {
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name))
  const lines = await Promise.all(
    pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '')),
  )
  return foundIn(lines.join('\n'), planted).map((name) => `arguments: ${name}`)
}
