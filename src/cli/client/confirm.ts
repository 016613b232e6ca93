/** Asks before something is done that is not undone easily. */
import { createInterface } from 'node:readline/promises'
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'
import { clean } from '../output/text.ts'

/** `told`: what is about to happen, in one sentence. Errors: `USAGE` when nobody can be asked. */
export async function confirmed(
  { globals, signal }: Pick<Context, 'globals' | 'signal'>,
  told: string,
): Promise<boolean> {
  const { stdin, stderr } = process
  if (!stdin.isTTY || !stderr.isTTY || !globals.input || globals.json === true) {
    throw new CliError('USAGE', told, { next: 'Add --yes if that is meant.' })
  }
  const lines = createInterface({ input: stdin, output: stderr })
  try {
    const answer = await lines.question(`${clean(told)} Go on? [y/N] `, { signal })
    return /^y(es)?$/i.test(answer.trim())
  } catch (error) {
    if (signal.aborted) return false
    throw error
  } finally {
    lines.close()
  }
}
