/** Why a push did not move a ref, for a person: what git and the server said last. Pure. */
import { explain } from '../../util/index.ts'

const maxReason = 500
/** Lines that only repeat that it failed, where to, or give advice for a work tree. */
const noise = /^(To |hint:|error: failed to push some refs|Everything up-to-date|remote:\s*$)/

/** One line of at most 500 characters. The error's `data.stderr` comes without secrets already. */
export function refusalOf(error: unknown): string {
  const lines = stderrOf(error)
    .split(/[\r\n]+/)
    .map((line) => line.replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ').trim())
    .filter((line) => line !== '' && !noise.test(line))
  const said = lines.length > 0 ? lines.join('; ') : explain(error).replace(/\s+/g, ' ')
  return said.length > maxReason ? `…${said.slice(1 - maxReason)}` : said
}

function stderrOf(error: unknown): string {
  if (!(error instanceof Error) || !('data' in error)) return ''
  const { data } = error
  if (typeof data !== 'object' || data === null || !('stderr' in data)) return ''
  return typeof data.stderr === 'string' ? data.stderr : ''
}
