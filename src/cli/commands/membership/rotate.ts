/** `bzzz peers rotate`: the mesh key is replaced by one that the recovery key makes. Works in a home in which no agent runs, too. */
import { resolve } from 'node:path'
import type { Context } from '../../context.ts'
import { confirmed } from '../../client/confirm.ts'
import { exitCodes } from '../../exit.ts'
import { onMembership } from './home.ts'
import { rotatedText } from './texts.ts'

export interface RotateOptions {
  recovery: string
  remove?: string[]
  reinstate?: string[]
  yes?: true
}

export async function rotate(context: Context, options: RotateOptions): Promise<number> {
  const { out, cwd } = context
  const { recovery, remove = [], reinstate = [], yes } = options
  const file = resolve(cwd, recovery)
  const also = remove.length === 0 ? '' : `, and ${remove.join(', ')} put out of the mesh for ever`
  const told = `The mesh key is replaced with the recovery key in ${file}${also}. This cannot be undone.`
  if (yes !== true && !(await confirmed(context, told))) {
    out.message('Nothing was done.')
    return exitCodes.failed
  }
  const rotated = await onMembership(
    context,
    (agent) => agent.rotate({ recoveryFile: file, remove, reinstate }),
    (membership) => membership.rotate(file, { remove, reinstate }),
  )
  if (out.json) await out.document(rotated)
  else if (out.quiet) await out.data(String(rotated.epoch))
  else for (const line of rotatedText(rotated)) out.message(line)
  return exitCodes.ok
}
