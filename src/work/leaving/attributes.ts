/** Attributes that git obeys in a work tree although it ignores their file: they would change unseen what is committed. */
import { WorkError } from '../errors.ts'
import { named } from './inspect.ts'

const MAX_NAMED = 10
const EVERYWHERE = [':(icase).gitattributes', ':(icase,glob)**/.gitattributes']

/** Errors: `PROTECTED_PATH`. Those of ignored directories without tracked files steer nothing. */
export async function refuseHiddenAttributes(
  run: (args: string[]) => Promise<string>,
): Promise<void> {
  const list = async (...args: string[]) =>
    (await run(['ls-files', '-z', ...args])).split('\0').filter((path) => path !== '')
  const hidden = await list('--others', '--ignored', '--exclude-standard', '--', ...EVERYWHERE)
  if (hidden.length === 0) return
  const tracked = await list('--cached')
  const steering = hidden.filter((path) => {
    const directory = path.slice(0, path.lastIndexOf('/') + 1)
    return tracked.some((other) => other.startsWith(directory))
  })
  if (steering.length === 0) return
  throw new WorkError('PROTECTED_PATH', `It hid attributes of git: ${named(steering)}.`, {
    data: { paths: steering.slice(0, MAX_NAMED) },
  })
}
