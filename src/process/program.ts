/** Finds a program the way a shell does, on one given PATH and nowhere else. */
import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, isAbsolute, join, resolve } from 'node:path'

const EXTENSIONS = process.platform === 'win32' ? ['.exe', '.com', ''] : ['']

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

/** Absolute path of `name`, or undefined. A name with a separator is taken relative to `cwd`. */
export function locate(name: string, path: string, cwd = process.cwd()): string | undefined {
  const folders = name.includes('/') || isAbsolute(name) ? [''] : path.split(delimiter)
  for (const folder of folders) {
    if (folder === '' && folders.length > 1) continue
    for (const extension of EXTENSIONS) {
      const candidate = resolve(cwd, join(folder, name + extension))
      if (isProgram(candidate)) return candidate
    }
  }
  return undefined
}

/** Absolute path of the program `name` on `path` (as in `$PATH`), or undefined. */
export function findProgram(name: string, path: string): Promise<string | undefined> {
  return Promise.resolve(locate(name, path))
}
