/** Commands in a namespace: short ones that are waited for, each with a deadline. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const exec = promisify(execFile)

/** For a command of `ip`, `iptables` or `mount`, ms: a busy machine is slow. */
export const commandMs = 30_000
const maxBytes = 16 * 1024 * 1024

/** What stands before a command so that it runs in the namespace of that name. */
export const enter = (namespace: string) => ['nsenter', `--net=/run/netns/${namespace}`]

/**
 * As `enter`, for programs that look around: in /sys they see the interfaces of the namespace. Each
 * step becomes the next one, so the process id is that of the command.
 */
export const inhabit = (namespace: string) => {
  const mount = ['sh', '-c', 'mount -t sysfs none /sys && exec "$@"', 'sh']
  return [...enter(namespace), 'unshare', '--mount', ...mount]
}

/**
 * Runs a command to its end and gives its stdout. Errors: what the command said, when it ends with
 * another code than 0.
 */
export async function execute(
  command: readonly string[],
  options: { signal?: AbortSignal; timeoutMs?: number; input?: string } = {},
): Promise<string> {
  const [file = '', ...args] = command
  const { signal, timeoutMs = commandMs } = options
  const limits = { timeout: timeoutMs, maxBuffer: maxBytes }
  try {
    const { stdout } = await exec(file, args, signal === undefined ? limits : { ...limits, signal })
    return stdout
  } catch (error) {
    const { stderr = '', message } = error as { stderr?: string; message: string }
    const said = stderr.trim() === '' ? message : stderr.trim()
    throw new Error(`${command.join(' ')}: ${said}`, { cause: error })
  }
}

/** Lines for `sh -e` in a namespace, or where the caller is. */
export async function script(namespace: string | undefined, ...lines: string[]): Promise<string> {
  const at = namespace === undefined ? [] : enter(namespace)
  return execute([...at, 'sh', '-ec', lines.join('\n')])
}
